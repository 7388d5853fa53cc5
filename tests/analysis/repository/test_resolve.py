"""Imports of each language, resolved to files of the same snapshot."""

from __future__ import annotations

import pytest

from analysis.repository.resolve import RESOLVERS, Found, Index
from analysis.repository.resolve.index import joined, shared
from analysis.repository.resolve.script import loose_json

PYTHON = Index(
    frozenset(
        "src/app/__init__.py src/app/core/__init__.py src/app/core/run.py src/app/util.py src/app/json.py "
        "tests/conftest.py tests/helpers.py tools/make.py docs/app/notes.txt setup.py".split()
    )
)


@pytest.mark.parametrize(
    ("path", "module", "names", "found"),
    [
        ("src/app/core/run.py", "..util", ("parse",), Found(("src/app/util.py",))),
        ("src/app/core/run.py", "..", ("util",), Found(("src/app/util.py",))),
        ("src/app/core/run.py", "..", ("util", "VERSION"), Found(("src/app/util.py", "src/app/__init__.py"))),
        ("src/app/core/run.py", ".", ("run",), Found(("src/app/core/run.py",))),
        ("tests/conftest.py", "app.core.run", (), Found(("src/app/core/run.py",))),
        ("tests/conftest.py", "app.core.run.Runner", (), Found(("src/app/core/run.py",))),
        ("tests/conftest.py", "app", ("core",), Found(("src/app/core/__init__.py",))),
        ("tests/conftest.py", "helpers", (), Found(("tests/helpers.py",))),
        ("tests/conftest.py", "tests.helpers", (), Found(("tests/helpers.py",))),
        ("src/app/util.py", "json", (), Found()),
        ("src/app/util.py", "os.path", (), Found()),
        ("src/app/util.py", "requests.adapters", (), Found(external="requests")),
        ("src/app/util.py", "....deep", (), Found()),
    ],
)
def test_python(path: str, module: str, names: tuple[str, ...], found: Found) -> None:
    assert RESOLVERS["python"](PYTHON, path, module, names) == found


SCRIPT = Index(
    frozenset(
        "web/src/main.ts web/src/lib/index.ts web/src/lib/http.ts web/src/view.tsx web/src/old.js "
        "packages/kit/src/index.ts packages/kit/src/dates.ts web/tsconfig.json packages/kit/package.json".split()
    ),
    {
        "web/tsconfig.json": '{ // paths\n"compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["src/*"],}}}',
        "packages/kit/package.json": '{"name": "@acme/kit"}',
    },
)


@pytest.mark.parametrize(
    ("path", "module", "found"),
    [
        ("web/src/main.ts", "./lib", Found(("web/src/lib/index.ts",))),
        ("web/src/main.ts", "./lib/http.js", Found(("web/src/lib/http.ts",))),
        ("web/src/lib/http.ts", "../view", Found(("web/src/view.tsx",))),
        ("web/src/main.ts", "@/lib/http", Found(("web/src/lib/http.ts",))),
        ("web/src/main.ts", "src/view", Found(("web/src/view.tsx",))),
        ("web/src/main.ts", "@acme/kit", Found(("packages/kit/src/index.ts",))),
        ("web/src/main.ts", "@acme/kit/dates", Found(("packages/kit/src/dates.ts",))),
        ("web/src/main.ts", "../../../../etc/passwd", Found()),
        ("web/src/main.ts", "node:fs", Found()),
        ("web/src/main.ts", "fs/promises", Found()),
        ("web/src/main.ts", "@scope/pkg/deep", Found(external="@scope/pkg")),
        ("web/src/main.ts", "lodash/get", Found(external="lodash")),
    ],
)
def test_script(path: str, module: str, found: Found) -> None:
    assert RESOLVERS["typescript"](SCRIPT, path, module, ()) == found


MAIN, STORE = "java/src/main/java/com/acme/app/Main.java", "java/src/main/java/com/acme/db/Store.java"
OTHERS = Index(
    frozenset(
        "go.mod cmd/tool/main.go pkg/store/store.go pkg/store/disk.go "
        "java/src/main/java/com/acme/app/Main.java java/src/main/java/com/acme/db/Store.java "
        "crates/core/Cargo.toml crates/core/src/lib.rs crates/core/src/parse.rs crates/core/src/net/mod.rs "
        "crates/core/src/net/http.rs crates/cli/Cargo.toml crates/cli/src/main.rs crates/cli/src/args.rs "
        "native/src/a.c native/src/a.h native/include/lib/b.hpp "
        "net/Acme.Core/Store.cs net/Acme.Web/Models/User.cs "
        "rb/lib/acme/store.rb rb/bin/run.rb php/composer.json php/src/Http/Client.php php/lib/old.php "
        "sh/run.sh sh/common.sh".split()
    ),
    {
        "go.mod": "module example.com/acme/tool\n\ngo 1.22\n",
        "crates/core/Cargo.toml": '[package]\nname = "acme-core"\n',
        "crates/cli/Cargo.toml": '[package]\nversion = "1"\nname = "acme-cli"\n',
        "php/composer.json": '{"autoload": {"psr-4": {"Acme\\\\": "src/"}}}',
    },
)


@pytest.mark.parametrize(
    ("syntax", "path", "module", "names", "found"),
    [
        ("go", "cmd/tool/main.go", "example.com/acme/tool/pkg/store", (), Found(("pkg/store",))),
        ("go", "cmd/tool/main.go", "example.com/acme/toolbox", (), Found(external="example.com/acme/toolbox")),
        ("go", "cmd/tool/main.go", "net/http", (), Found()),
        ("java", MAIN, "com.acme.db.Store", (), Found((STORE,))),
        ("java", MAIN, "com.acme.db.Store.open", (), Found((STORE,))),
        ("java", MAIN, "com.acme.db.*", (), Found(("java/src/main/java/com/acme/db",))),
        ("java", MAIN, "java.util.List", (), Found()),
        ("java", MAIN, "org.junit.jupiter.api.Test", (), Found(external="org.junit.jupiter")),
        ("rust", "crates/core/src/parse.rs", "crate::net::http::Client", (), Found(("crates/core/src/net/http.rs",))),
        ("rust", "crates/core/src/net/http.rs", "super", ("Error",), Found(("crates/core/src/net/mod.rs",))),
        ("rust", "crates/core/src/lib.rs", "net", (), Found(("crates/core/src/net/mod.rs",))),
        ("rust", "crates/cli/src/main.rs", "acme_core::parse", ("run",), Found(("crates/core/src/parse.rs",))),
        ("rust", "crates/cli/src/main.rs", "std::fs", (), Found()),
        ("rust", "crates/cli/src/main.rs", "serde::Deserialize", (), Found(external="serde")),
        ("c", "native/src/a.c", "a.h", (), Found(("native/src/a.h",))),
        ("cpp", "native/src/a.c", "lib/b.hpp", (), Found(("native/include/lib/b.hpp",))),
        ("cpp", "native/src/a.c", "boost/asio.hpp", (), Found(external="boost")),
        ("c", "native/src/a.c", "stdio.h", (), Found()),
        ("csharp", "net/Acme.Web/Models/User.cs", "Acme.Core", (), Found(("net/Acme.Core",))),
        ("csharp", "net/Acme.Core/Store.cs", "Acme.Web.Models", (), Found(("net/Acme.Web/Models",))),
        ("csharp", "net/Acme.Core/Store.cs", "System.Text", (), Found()),
        ("csharp", "net/Acme.Core/Store.cs", "Newtonsoft.Json", (), Found(external="Newtonsoft.Json")),
        ("ruby", "rb/bin/run.rb", "acme/store", (), Found(("rb/lib/acme/store.rb",))),
        ("ruby", "rb/bin/run.rb", "../lib/acme/store", (), Found(("rb/lib/acme/store.rb",))),
        ("ruby", "rb/bin/run.rb", "json", (), Found()),
        ("ruby", "rb/bin/run.rb", "rack/test", (), Found(external="rack")),
        ("php", "php/lib/old.php", "Acme\\Http\\Client", (), Found(("php/src/Http/Client.php",))),
        ("php", "php/lib/old.php", "Acme\\Http", ("Client",), Found(("php/src/Http/Client.php",))),
        ("php", "php/lib/old.php", "Monolog\\Logger", (), Found(external="Monolog")),
        ("php", "php/src/Http/Client.php", "../../lib/old.php", (), Found(("php/lib/old.php",))),
        ("bash", "sh/run.sh", "./common.sh", (), Found(("sh/common.sh",))),
    ],
)  # fmt: skip
def test_others(syntax: str, path: str, module: str, names: tuple[str, ...], found: Found) -> None:
    assert RESOLVERS[syntax](OTHERS, path, module, names) == found


@pytest.mark.parametrize("syntax", sorted(RESOLVERS))
@pytest.mark.parametrize(
    "module", ["", ".", "..", "...", "/", "::", "\\", "*", "static ", "@", "a" * 500, "../" * 50, "node:"]
)
def test_whatever_is_written_is_answered(syntax: str, module: str) -> None:
    index = Index(
        frozenset({"a.py", "b/__init__.py"}), {"composer.json": "[]", "package.json": "[1]", "tsconfig.json": "{"}
    )
    assert RESOLVERS[syntax](index, "b/c.py", module, ("x",)).targets in ((), ("b/__init__.py",))


def test_of_several_files_the_nearest_is_meant() -> None:
    index = Index(frozenset({"a/lib/x.h", "b/lib/x.h", "b/src/main.c"}))
    assert index.ending("lib/x.h", "b/src/main.c") == "b/lib/x.h"
    assert index.folder_ending("lib", "a/main.c") == "a/lib"
    assert index.ending("ib/x.h", "a/main.c") is None
    assert (shared("a/b/c.py", "a/b/d.py"), shared("c.py", "a/d.py")) == (2, 0)


def test_paths_never_lead_out() -> None:
    assert joined("a/b", "../../..") is None
    assert joined("a", "..") == ""
    assert joined("a", "/etc") is None


def test_json_may_have_comments_but_need_not_be_json() -> None:
    assert loose_json('{"a": "// no comment", /* one */ "b": [1,],}') == {"a": "// no comment", "b": [1]}
    assert loose_json("{") is None
    assert loose_json("[" * 100_000) is None
