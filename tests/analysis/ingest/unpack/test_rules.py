"""Which files are read: the defaults, the rules of a repository, and those that people set."""

from __future__ import annotations

import pytest

from analysis.errors import UserError
from analysis.ingest.unpack.addresses import is_public
from analysis.ingest.unpack.rules import DEFAULT_MOST_BYTES, PathRules, Rules, no_part


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("src/cart.py", ""),
        ("node_modules/react/index.js", "vendored"),
        ("web/vendor/jquery.js", "vendored"),
        ("third_party/zlib/zlib.h", "vendored"),
        (".venv/lib/site-packages/x.py", "vendored"),
        ("vendor.py", ""),
        ("docs/vendor-guide.md", ""),
        ("package-lock.json", "lock"),
        ("sub/Cargo.lock", "lock"),
        ("go.sum", "lock"),
        ("go.mod", ""),
        ("api/user.pb.go", "generated"),
        ("api/user_pb2_grpc.py", "generated"),
        ("static/app.min.js", "minified"),
        ("static/app.js.map", "minified"),
        ("static/app.js", ""),
        ("shop/migrations/0001_initial.py", ""),
    ],
)
def test_usual_reasons(path, reason):
    assert PathRules(Rules(), {}).reason(path) == reason


def test_rules_of_deeper_folders_go_before_those_above():
    ignored = {"": ["*.log", "build/", "/top.txt", "# a comment", "", "[z-a"], "sub": ["!keep.log", "local.py"]}
    rules = PathRules(Rules(), ignored)
    assert {path for path in ALL if rules.reason(path) == "ignored"} == {
        "a.log",
        "sub/a.log",
        "build/x.py",
        "sub/build/keep.log",
        "top.txt",
        "sub/local.py",
        "sub/deep/local.py",
    }


ALL = (
    "a.log sub/a.log sub/keep.log build/x.py sub/build/keep.log top.txt sub/top.txt sub/local.py sub/deep/local.py "
    "local.py"
).split()


def test_people_decide_before_repositories_and_defaults():
    rules = PathRules(Rules(include=("vendor/ours/**", "*.log"), exclude=("secret.log",)), {"": ["*.log"]})
    assert rules.reason("vendor/ours/a.py") == ""
    assert rules.reason("vendor/theirs/a.py") == "vendored"
    assert rules.reason("a.log") == ""
    assert rules.reason("secret.log") == "excluded"


def test_rules_are_kept_and_read_again():
    rules = Rules(("a/",), ("*.csv",), 5000)
    assert Rules.of(rules.as_json()) == rules
    assert Rules.of({}) == Rules((), (), DEFAULT_MOST_BYTES)
    assert Rules.of({"exclude": [" *.csv ", ""]}).exclude == ("*.csv",)


@pytest.mark.parametrize(
    "fields",
    [
        {"exclude": "*.csv"},
        {"exclude": [1]},
        {"include": ["x"] * 501},
        {"include": ["!"]},
        {"most_bytes": 0},
        {"most_bytes": 2**30},
        {"most_bytes": True},
        {"most_bytes": "1"},
        {"other": 1},
    ],
)
def test_rules_that_are_none_are_refused(fields):
    with pytest.raises(UserError) as error:
        Rules.of(fields)
    assert error.value.code == "bad_rules"


def test_what_version_control_keeps_is_no_part():
    assert no_part(".git/config")
    assert no_part("sub/.git/HEAD")
    assert no_part("__MACOSX/._a.py")
    assert not no_part(".gitignore")
    assert not no_part(".github/workflows/ci.yml")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"])
def test_public_addresses(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 240.0.0.1 255.255.255.255
    ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
    2002:7f00:1:: ::7f00:1 192.0.2.1 198.18.0.1 2001:db8::1""".split(),
)
def test_private_addresses_in_every_dress(address):
    assert not is_public(address)
