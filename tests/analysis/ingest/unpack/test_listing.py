"""What comes out of an archive, and that nothing comes out anywhere else."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import UserError
from analysis.ingest.unpack import messages
from analysis.ingest.unpack.listing import _safe
from analysis.ingest.unpack.rules import Rules
from tests.analysis.ingest.unpack.archives import CODE, special, tar_of, unpacked, zip_of


def dispositions(archive: Path, folder: Path, **more) -> dict[str, str]:
    return {path: row["disposition"] for path, row in unpacked(archive, folder, **more)[0].items()}


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz", "zip"])
def test_every_kind_of_archive_gives_the_same(tmp_path, kind):
    files = {
        "shop-1.0/src/cart.py": CODE,
        "shop-1.0/README.md": b"# Shop\n",
        "shop-1.0/logo.png": b"\x89PNG\r\n\x1a\n\0",
    }
    path = tmp_path / f"a.{kind}"
    mode = "w:" + kind.removeprefix("tar").removeprefix(".")
    archive = zip_of(path, files) if kind == "zip" else tar_of(path, files, mode=mode)
    listed, warnings = unpacked(archive, tmp_path / "out")
    digest = hashlib.sha256(CODE).hexdigest()
    assert listed["src/cart.py"] == {"disposition": "read", "size_bytes": len(CODE), "line_count": 2, "digest": digest}
    assert (tmp_path / "out" / "files" / digest).read_bytes() == CODE
    assert {path: row["disposition"] for path, row in listed.items()} == {
        "README.md": "read",
        "logo.png": "binary",
        "src/cart.py": "read",
    }
    assert warnings == []


def test_names_that_lead_out_and_things_that_are_no_files_are_left_out_and_told(tmp_path):
    files = {
        "a.py": CODE,
        "../../etc/cron.d/x": CODE,
        "/etc/passwd": CODE,
        "C:/Windows/x.py": CODE,
        "b/../../x.py": CODE,
    }
    others = [
        special("link.py", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard.py", tarfile.LNKTYPE, "../../secret"),
        special("null", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ]
    listed, warnings = unpacked(tar_of(tmp_path / "a.tar.gz", files, *others), tmp_path / "out")
    found = {path: row["disposition"] for path, row in listed.items()}
    assert found == {"a.py": "read", "hard.py": "link", "link.py": "link"}
    told = {warning["message"]: warning["path"] for warning in warnings}
    assert told == {messages.OUTSIDE.format(4): "../../etc/cron.d/x", messages.SPECIAL.format(2): "null"}
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    digest = hashlib.sha256(CODE).hexdigest()
    assert written == {"a.tar.gz", f"out/files/{digest}", "out/listing.jsonl", "out/warnings.json"}


def test_paths_of_windows_become_folders_and_a_zip_link_is_not_followed(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("shop\\src\\cart.py", CODE)
        archive.writestr("shop\\..\\..\\evil.py", CODE)
        link = zipfile.ZipInfo("shop/link.py")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert dispositions(path, tmp_path / "out") == {"src/cart.py": "read", "link.py": "link"}


def test_names_in_other_encodings_are_read_or_guessed(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xxxxx.py", CODE)
        archive.writestr("yyyyy.py", CODE)
    # UTF-8 without the flag that says so, and a byte that is no UTF-8.
    data = path.read_bytes().replace(b"xxxxx.py", "gröx".encode() + b".py").replace(b"yyyyy.py", b"gr\x94\xe1e.py")
    path.write_bytes(data)
    listed, warnings = unpacked(path, tmp_path / "out", origin="git")
    assert set(listed) == {"gröx.py", "größe.py"}
    assert [warning["message"] for warning in warnings] == [messages.GUESSED_NAMES.format(1)]
    tar = tar_of(tmp_path / "b.tar", {"gr\udcf6\udcdfe.py": CODE}, mode="w:")
    assert set(unpacked(tar, tmp_path / "out2")[0]) == {"größe.py"}


def test_the_last_of_two_files_of_one_name_counts_and_case_makes_two(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, data in (("x.py", b"old = 1\n"), ("x.py", CODE), ("X.py", b"big = 1\n")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    listed, warnings = unpacked(tmp_path / "a.tar", tmp_path / "out")
    assert listed["x.py"]["digest"] == hashlib.sha256(CODE).hexdigest()
    assert set(listed) == {"x.py", "X.py"}
    assert warnings == [{"code": "archive", "message": messages.TWICE.format(1), "path": "x.py"}]


def refusal(archive: Path, folder: Path, **more) -> tuple[str, str]:
    with pytest.raises(UserError) as error:
        unpacked(archive, folder, **more)
    return error.value.code, error.value.message


def test_bombs_are_refused_before_they_fill_the_disk(tmp_path):
    zeros = bytes(80 * 2**20)
    code, message = refusal(zip_of(tmp_path / "a.zip", {"a.txt": zeros}), tmp_path / "1")
    assert (code, message) == ("too_large", messages.unpacks_too_large(64 * 2**20))
    assert refusal(tar_of(tmp_path / "a.tar.xz", {"a.txt": zeros}, mode="w:xz"), tmp_path / "2")[0] == "too_large"
    small = tar_of(tmp_path / "b.tar.gz", {"a.txt": b"x" * 200, "b.txt": b"y" * 200})
    assert refusal(small, tmp_path / "3", most_bytes=300) == ("too_large", messages.unpacks_too_large(300))
    many = tar_of(tmp_path / "c.tar", {f"{n}.py": CODE for n in range(6)}, mode="w:")
    assert refusal(many, tmp_path / "4", most_files=5) == ("too_large", messages.too_many(5))
    assert not list((tmp_path / "1").rglob("*.txt"))


def test_an_archive_in_an_archive_is_a_binary(tmp_path):
    inner = zip_of(tmp_path / "inner.zip", {"a.py": CODE}).read_bytes()
    outer = zip_of(tmp_path / "a.zip", {"a.py": CODE, "inner.zip": inner})
    assert dispositions(outer, tmp_path / "out") == {"a.py": "read", "inner.zip": "binary"}


def test_what_is_no_archive_or_damaged_is_said(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"Not an archive at all. " * 40)
    assert refusal(tmp_path / "a.zip", tmp_path / "1") == ("unsupported_type", messages.UNSUPPORTED)
    whole = tar_of(tmp_path / "b.tar.gz", {"a.py": CODE * 1000}).read_bytes()
    (tmp_path / "b.tar.gz").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / "b.tar.gz", tmp_path / "2") == ("damaged", messages.DAMAGED)
    whole = zip_of(tmp_path / "c.zip", {"a.py": CODE * 1000}).read_bytes()
    (tmp_path / "c.zip").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / "c.zip", tmp_path / "3") == ("damaged", messages.DAMAGED)


def test_members_that_are_locked_or_damaged_are_listed_as_unreadable(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"a.py": CODE * 9, "b.py": CODE})
    data = bytearray(path.read_bytes())
    at = data.index(b"b.py", data.index(b"PK\x01\x02"))
    data[at - 38] |= 1  # the flag of encryption, in the directory
    path.write_bytes(bytes(data))
    listed, warnings = unpacked(path, tmp_path / "out")
    assert {path: row["disposition"] for path, row in listed.items()} == {"a.py": "read", "b.py": "unreadable"}
    assert [warning["message"] for warning in warnings] == [messages.LOCKED.format(1)]
    only = zip_of(tmp_path / "b.zip", {"b.py": CODE})
    data = bytearray(only.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    only.write_bytes(bytes(data))
    assert refusal(only, tmp_path / "out2") == ("encrypted", messages.ENCRYPTED)


def test_an_archive_without_text_is_refused(tmp_path):
    assert refusal(tar_of(tmp_path / "a.tar.gz", {"a.png": b"\x89PNG\0", "b.py": b""}), tmp_path / "1") == (
        "no_text",
        messages.NO_TEXT,
    )
    assert refusal(tar_of(tmp_path / "b.tar.gz", {}), tmp_path / "2") == ("no_text", messages.EMPTY)


def test_only_an_uploaded_archive_loses_its_one_top_folder(tmp_path):
    archive = tar_of(tmp_path / "a.tar.gz", {"src/a.py": CODE, "src/b.py": CODE + b"\n", ".git/config": b"[core]\n"})
    assert set(dispositions(archive, tmp_path / "1")) == {"a.py", "b.py"}
    assert set(dispositions(archive, tmp_path / "2", origin="folder")) == {"src/a.py", "src/b.py"}
    assert set(dispositions(archive, tmp_path / "3", origin="git")) == {"src/a.py", "src/b.py"}


def test_size_and_content_decide(tmp_path):
    files = {
        "large.txt": b"word\n" * 100,
        "large.bin": b"\0" * 500,
        "late.txt": b"a" * 9000 + b"\0",
        "long.js": b"var a=1;" * 2000,
        "long.md": b"word " * 2000,
        "utf16.py": "a = 1\n".encode("utf-16"),
        "api_pb2.py": b"x = 1\n",
        "header.go": b"// Code generated by stringer; DO NOT EDIT.\npackage x\n",
        "migrations/0001_initial.py": b"# Generated by Django 5.2 on 2025-01-01 10:00\nx = 1\n",
        "prose.md": b"# Notes\n\nThis file is generated by hand.\n",
        "late_comment.py": b"x = 1  # generated by hand\n",
    }
    archive = tar_of(tmp_path / "a.tar.gz", files)
    found = dispositions(archive, tmp_path / "1", rules=Rules(most_bytes=20_000))
    assert found == {
        "large.txt": "read",
        "large.bin": "binary",
        "late.txt": "binary",
        "long.js": "minified",
        "long.md": "read",
        "utf16.py": "read",
        "api_pb2.py": "generated",
        "header.go": "generated",
        "migrations/0001_initial.py": "read",
        "prose.md": "read",
        "late_comment.py": "read",
    }
    small = dispositions(archive, tmp_path / "2", rules=Rules(include=("api_pb2.py", "header.go"), most_bytes=400))
    assert (small["large.txt"], small["large.bin"]) == ("too_large", "binary")
    assert (small["api_pb2.py"], small["header.go"]) == ("read", "read")


@given(st.text(st.sampled_from("ab./\\:C\0é\n"), max_size=20))
def test_a_safe_path_stays_inside(name):
    safe = _safe(name)
    if safe is None:
        assert name.startswith("/") or name[1:2] == ":" or ".." in name.split("/")
        return
    assert ".." not in safe.split("/")
    assert not safe.startswith("/")
    assert safe.isprintable()
    assert _safe(safe) in {safe, None}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}\.py", fullmatch=True), st.binary(max_size=40), max_size=5
    )
)
def test_every_file_is_listed_once_with_its_size(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("any")
    archive = zip_of(folder / "a.zip", files | {"always.py": CODE})
    listed, _ = unpacked(archive, folder / "out", origin="folder")
    assert {path: row["size_bytes"] for path, row in listed.items()} == {
        path: len(data) for path, data in (files | {"always.py": CODE}).items()
    }
