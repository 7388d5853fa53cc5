"""What a repository says of itself, each fact with its lines."""

from __future__ import annotations

import pytest

from analysis.models import Snapshot
from analysis.repository.running import Fact, facts_of
from analysis.repository.running.facts import FINDERS
from analysis.repository.running.stated import role_of
from tests.analysis.repository.rows import add_symbols, make_rows, version_at
from tests.conftest import Cast

README = """# Parcel

Sends parcels.

## Installation

```sh
$ pip install parcel
Successfully installed
```

Usage
-----

```python
import parcel
```

```console
parcel send --to me
python -m parcel
```

## Licence

```
rm -rf /
```
"""
PYPROJECT = """[project]
name = "parcel"
license = "MIT"
dependencies = [
    "httpx>=0.28",  # for sending
    "rich",
]

[project.optional-dependencies]
fast = ["orjson"]

[project.scripts]
parcel = "parcel.cli:main"
"""
PACKAGE = """{
  "name": "web",
  "license": "ISC",
  "bin": {"web": "./bin/web.js"},
  "scripts": {
    "start": "node server.js",
    "test:unit": "vitest"
  },
  "dependencies": {"react": "^19.0.0"},
  "devDependencies": {"vitest": "^3"}
}
"""
WORKFLOW = """jobs:
  test:
    steps:
      - name: Run the tests
        run: |
          pip install -e .
          pytest -q
      - run: ruff check .
"""
SETUP_CFG = """[metadata]
license = BSD
[options]
install_requires =
    six
    attrs
[options.entry_points]
console_scripts =
    x = m:f
"""
SETUP_PY = "setup(license='MIT', install_requires=['six'], entry_points={'console_scripts': ['x = m:f']})"
CARGO = '[package]\nlicense = "MIT"\n[[bin]]\nname = "x"\n[dependencies]\nserde = "1"\n'
LICENCE = """MIT License

Copyright (c) 2026 Us

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software
"""
FILES = {
    "README.md": README,
    "pyproject.toml": PYPROJECT,
    "web/package.json": PACKAGE,
    "Makefile": ".PHONY: test\nVERSION := 1\ntest: build\n\tpytest\nbuild/x.o: x.c\nserve:\n\t./serve\n",
    "Dockerfile": 'FROM python\nCMD ["parcel", "serve"]\n',
    "Procfile": "web: gunicorn parcel.web\n",
    ".github/workflows/test.yml": WORKFLOW,
    "LICENSE": LICENCE,
    "manage.py": "import sys\n\nif __name__ == '__main__':\n    execute_from_command_line(sys.argv)\n",
    "src/parcel/tool.py": 'import sys\n\n\nif __name__ == "__main__":\n    print(sys.argv)\n',
    "src/parcel/other.py": "NAME = '__main__'\n",
    "cmd/parcel.py": "def main():\n    pass\n",
    "fixtures/a/b/c/package.json": PACKAGE,
}


@pytest.fixture
def snapshot(cast: Cast) -> Snapshot:
    snapshot = make_rows(cast, FILES)
    snapshot.files.filter(path="cmd/parcel.py").update(syntax="go")
    add_symbols(version_at(snapshot, "cmd/parcel.py"), "main")
    return snapshot


def told(facts: tuple[Fact, ...]) -> list[tuple[str, str, str, int, int]]:
    return [(fact.path, fact.role, fact.words, fact.start_line, fact.end_line) for fact in facts]


def test_entry_points(snapshot: Snapshot) -> None:
    assert told(facts_of(snapshot).entry_points) == [
        ("Dockerfile", "Dockerfile CMD", '["parcel", "serve"]', 2, 2),
        ("Procfile", "Procfile web", "gunicorn parcel.web", 1, 1),
        ("manage.py", "Django commands", "python manage.py", 4, 4),
        ("pyproject.toml", "console script", "parcel = parcel.cli:main", 13, 13),
        ("cmd/parcel.py", "main function", "def main()", 1, 1),
        ("web/package.json", "command", "web = ./bin/web.js", 4, 4),
        ("src/parcel/tool.py", "run as a script", 'if __name__ == "__main__":', 4, 4),
    ]


def test_commands_say_what_they_are_for(snapshot: Snapshot) -> None:
    assert told(facts_of(snapshot).commands) == [
        ("Makefile", "test", "make test", 3, 3),
        ("Makefile", "run", "make serve", 6, 6),
        ("README.md", "install", "pip install parcel", 8, 8),
        ("README.md", "run", "python -m parcel", 21, 21),
        ("web/package.json", "run", "npm run start", 6, 6),
        ("web/package.json", "test", "npm run test:unit", 7, 7),
        (".github/workflows/test.yml", "install", "pip install -e .", 6, 6),
        (".github/workflows/test.yml", "test", "pytest -q", 7, 7),
        (".github/workflows/test.yml", "check", "ruff check .", 8, 8),
    ]


def test_dependencies_and_licences(snapshot: Snapshot) -> None:
    facts = facts_of(snapshot)
    assert told(facts.dependencies) == [
        ("pyproject.toml", "runtime", "httpx>=0.28", 5, 5),
        ("pyproject.toml", "runtime", "rich", 6, 6),
        ("pyproject.toml", "optional", "orjson", 10, 10),
        ("web/package.json", "runtime", "react ^19.0.0", 9, 9),
        ("web/package.json", "development", "vitest ^3", 10, 10),
    ]
    assert told(facts.licences) == [
        ("LICENSE", "licence text", "MIT", 5, 5),
        ("pyproject.toml", "manifest", "MIT", 3, 3),
        ("web/package.json", "manifest", "ISC", 3, 3),
    ]


def test_every_fact_stands_in_the_text_it_names(snapshot: Snapshot) -> None:
    facts = facts_of(snapshot)
    for fact in (*facts.entry_points, *facts.commands, *facts.dependencies, *facts.licences):
        lines = FILES[fact.path][fact.start_char : fact.end_char].count("\n") + 1
        assert lines == fact.end_line - fact.start_line + 1


def test_languages_are_told_by_lines_of_code_alone(cast: Cast) -> None:
    facts = facts_of(make_rows(cast, {"a.py": "1\n2\n3\n", "b.go": "1\n", "README.md": "1\n" * 50}))
    assert [(each.syntax, each.file_count, each.line_count, each.share) for each in facts.languages] == [
        ("python", 1, 3, 0.75),
        ("go", 1, 1, 0.25),
    ]


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("Cargo.toml", CARGO, ["MIT", "x", "serde 1"]),
        ("go.mod", "module m\n\nrequire (\n\ta.b/c v1.0.0\n\td.e/f v2.0.0 // indirect\n)\n", ["a.b/c v1.0.0"]),
        ("composer.json", '{"require": {"php": "^8"}, "license": "MIT"}', ["php ^8", "MIT"]),
        ("Gemfile", "gem 'rails', '~> 8'\n", ["rails"]),
        ("pom.xml", "<dependency>\n<groupId>a</groupId>\n<artifactId>b</artifactId>\n</dependency>", ["a:b"]),
        ("build.gradle", "dependencies {\n  implementation 'a:b:1'\n}\n", ["a:b:1"]),
        ("requirements/dev.txt", "# tools\npytest>=8  # tests\n-r base.txt\n", ["pytest>=8"]),
        ("requirements.txt", "--index-url x\nhttpx[http2]==0.28 ; python_version > '3'\n", ["httpx[http2]==0.28"]),
        ("setup.cfg", SETUP_CFG, ["BSD", "six", "attrs", "x = m:f"]),
        ("setup.py", SETUP_PY, ["MIT", "six", "x = m:f"]),
        ("COPYING", "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007\n", ["GPL-3.0"]),
        ("README.rst", "Run\n===\n\n.. code-block:: bash\n\n    $ make up\n", ["make up"]),
    ],
)  # fmt: skip
def test_manifests_of_other_languages(cast: Cast, path: str, text: str, words: list[str]) -> None:
    facts = facts_of(make_rows(cast, {path: text}))
    found = (*facts.entry_points, *facts.commands, *facts.dependencies, *facts.licences)
    assert sorted(fact.words for fact in found) == sorted(words)


HOSTILE = (
    *("[" * 5000, "{" * 5000, "=\n" * 999, "```\n" * 999, "a" * 9999),
    '{"bin": [1], "scripts": 3, "license": {}}',
    "[project]\ndependencies = [\n",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_manifest_holds_is_read(text: str) -> None:
    for _, finder in FINDERS:
        for stated in finder(text):
            assert 0 <= stated.start_char <= stated.end_char <= len(text)


def test_roles_of_headings_and_targets() -> None:
    found = [
        role_of(words) for words in ("Installation", "Getting Started", "Running the tests", "test:unit", "Licence")
    ]
    assert found == ["install", "run", "test", "test", None]
