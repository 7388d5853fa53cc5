"""Entry points, commands, dependencies and licences in the manifests of package managers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from analysis.repository.resolve.script import loose_json
from analysis.repository.running.stated import FactKind, Stated, keys_in, on_line, role_of, section_end, section_start

QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]+)'")
REQUIREMENT = re.compile(r"^[ \t]*([A-Za-z0-9][\w.-]*(?:\[[\w,. -]*\])?[^#;\n]*)", re.MULTILINE)
SCRIPT = re.compile(r"[\"']?([\w.-]+)\s*=\s*([\w.]+:[\w.]+)")
GO_REQUIRE = re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+(v\S+)(\s*//\s*indirect)?", re.MULTILINE)
GEM = re.compile(
    r"^\s*(?:gem|\w+\.add_(?:runtime_|development_)?dependency)\s*\(?\s*[\"']([^\"']+)[\"'][^\n]*", re.MULTILINE
)
MAVEN = re.compile(
    r"<dependency>\s*<groupId>([^<]+)</groupId>\s*<artifactId>([^<]+)</artifactId>(.*?)</dependency>", re.S
)
GRADLE = re.compile(
    r"^\s*(implementation|api|compileOnly|runtimeOnly|testImplementation)\s*\(?\s*[\"']([\w.-]+:[\w.-]+(?::[^\"']+)?)[\"']",
    re.MULTILINE,
)
FIELD = "[\"']?{}[\"']?\\s*[:=]\\s*"

RUNTIME, DEVELOPMENT, OPTIONAL = "runtime", "development", "optional"


def in_pyproject(text: str) -> Iterator[Stated]:
    """Yield what a pyproject.toml states, in the words of the standard and of Poetry."""
    for header in ("project.scripts", "project.gui-scripts", "tool.poetry.scripts"):
        for name, value, at in keys_in(text, header):
            yield on_line(FactKind.ENTRY, "console script", f"{name} = {value.strip(chr(34))}", text, at)
    yield from _array(text, "project", "dependencies", RUNTIME)
    for header in ("project.optional-dependencies", "dependency-groups"):
        for name, _, _ in keys_in(text, header):
            yield from _array(text, header, name, OPTIONAL if header.startswith("project") else DEVELOPMENT)
    for header, role in (("tool.poetry.dependencies", RUNTIME), ("tool.poetry.group.dev.dependencies", DEVELOPMENT)):
        for name, value, at in keys_in(text, header):
            if name != "python":
                yield on_line(FactKind.DEPENDENCY, role, f"{name} {_unquoted(value)}", text, at)
    for header in ("project", "tool.poetry"):
        yield from _licence(text, header)


def in_cargo(text: str) -> Iterator[Stated]:
    """Yield what a Cargo.toml states."""
    for found in re.finditer(r"^\s*\[\[bin\]\]", text, re.MULTILINE):
        name = re.compile(r"^\s*name\s*=\s*\"([^\"]+)\"", re.MULTILINE).search(
            text, found.end(), section_end(text, found.end())
        )
        if name:
            yield on_line(FactKind.ENTRY, "binary", name[1], text, name.start(1))
    for header, role in (
        ("dependencies", RUNTIME),
        ("dev-dependencies", DEVELOPMENT),
        ("build-dependencies", DEVELOPMENT),
    ):
        for name_, value, at in keys_in(text, header):
            yield on_line(FactKind.DEPENDENCY, role, f"{name_} {_unquoted(value)}", text, at)
    yield from _licence(text, "package")


def in_setup_cfg(text: str) -> Iterator[Stated]:
    """Yield what a setup.cfg states."""
    yield from _scripts(text, section_start(text, "options.entry_points"))
    start = section_start(text, "options")
    if start is not None:
        found = re.compile(r"^install_requires\s*=[ \t]*((?:[^\n]*\n)(?:[ \t]+[^\n]*\n?)*)", re.M).search(text, start)
        if found:
            for line in REQUIREMENT.finditer(text, found.start(1), found.end(1)):
                yield on_line(FactKind.DEPENDENCY, RUNTIME, line[1], text, line.start(1))
    for name, value, at in keys_in(text, "metadata"):
        if name == "license":
            yield on_line(FactKind.LICENCE, "manifest", value, text, at)


def in_setup_py(text: str) -> Iterator[Stated]:
    """Yield what a setup.py states in literals; what it works out is not known."""
    yield from _scripts(text, 0)
    requires = re.search(r"\b(?:install_)?requires\s*=\s*\[(.*?)\]", text, re.DOTALL)
    if requires:
        for item in QUOTED.finditer(text, requires.start(1), requires.end(1)):
            yield on_line(FactKind.DEPENDENCY, RUNTIME, item[1] or item[2], text, item.start())
    licence = re.search(r"\blicen[cs]e\s*=\s*[\"']([^\"'\n]+)[\"']", text)
    if licence:
        yield on_line(FactKind.LICENCE, "manifest", licence[1], text, licence.start(1))


def in_requirements(text: str) -> Iterator[Stated]:
    """Yield the requirements of a requirements.txt."""
    yield from _requirements(text, RUNTIME)


def in_development_requirements(text: str) -> Iterator[Stated]:
    """Yield the requirements of a requirements-dev.txt and the like."""
    yield from _requirements(text, DEVELOPMENT)


def _requirements(text: str, role: str) -> Iterator[Stated]:
    for line in REQUIREMENT.finditer(text):
        yield on_line(FactKind.DEPENDENCY, role, line[1], text, line.start(1))


def in_package_json(text: str) -> Iterator[Stated]:
    """Yield what a package.json states."""
    package = _object(loose_json(text))
    binaries = package.get("bin")
    if isinstance(binaries, str):
        binaries = {str(package.get("name") or ""): binaries}
    for name, value in _object(binaries).items():
        yield from _json_line(text, FactKind.ENTRY, "command", f"{name} = {value}", value=str(value))
    if isinstance(package.get("main"), str):
        yield from _json_line(text, FactKind.ENTRY, "main module", package["main"], key="main", value=package["main"])
    for name, value in _object(package.get("scripts")).items():
        yield from _json_line(
            text, FactKind.COMMAND, role_of(name) or "other", f"npm run {name}", key=name, value=str(value)
        )
    yield from _json_dependencies(text, package, {"dependencies": RUNTIME, "devDependencies": DEVELOPMENT})
    if isinstance(package.get("license"), str):
        yield from _json_line(
            text, FactKind.LICENCE, "manifest", package["license"], key="license", value=package["license"]
        )


def in_composer(text: str) -> Iterator[Stated]:
    """Yield what a composer.json states."""
    composer = _object(loose_json(text))
    for name in _object(composer.get("scripts")):
        yield from _json_line(text, FactKind.COMMAND, role_of(name) or "other", f"composer {name}", key=name)
    yield from _json_dependencies(text, composer, {"require": RUNTIME, "require-dev": DEVELOPMENT})
    if isinstance(composer.get("license"), str):
        yield from _json_line(
            text, FactKind.LICENCE, "manifest", composer["license"], key="license", value=composer["license"]
        )


def in_go_mod(text: str) -> Iterator[Stated]:
    """Yield the modules that a go.mod requires for itself."""
    for found in GO_REQUIRE.finditer(text):
        if not found[3]:
            yield on_line(FactKind.DEPENDENCY, RUNTIME, f"{found[1]} {found[2]}", text, found.start(1))


def in_gemfile(text: str) -> Iterator[Stated]:
    """Yield the gems of a Gemfile or a gemspec."""
    for found in GEM.finditer(text):
        role = DEVELOPMENT if "development" in found[0] else RUNTIME
        yield on_line(FactKind.DEPENDENCY, role, found[1], text, found.start(1))


def in_pom(text: str) -> Iterator[Stated]:
    """Yield the artifacts that a pom.xml depends on."""
    for found in MAVEN.finditer(text):
        role = DEVELOPMENT if "<scope>test" in found[3] else RUNTIME
        yield on_line(FactKind.DEPENDENCY, role, f"{found[1].strip()}:{found[2].strip()}", text, found.start(2))


def in_gradle(text: str) -> Iterator[Stated]:
    """Yield the artifacts that a build.gradle depends on."""
    for found in GRADLE.finditer(text):
        role = DEVELOPMENT if found[1].startswith("test") else RUNTIME
        yield on_line(FactKind.DEPENDENCY, role, found[2], text, found.start(2))


def _scripts(text: str, start: int | None) -> Iterator[Stated]:
    """Yield the "name = module:function" lines after console_scripts."""
    found = re.compile(r"console_scripts").search(text, start or 0) if start is not None else None
    if found is None:
        return
    closing = re.compile(r"[\]}]|^\[", re.MULTILINE).search(text, found.end())
    for script in SCRIPT.finditer(text, found.end(), closing.start() if closing else len(text)):
        yield on_line(FactKind.ENTRY, "console script", f"{script[1]} = {script[2]}", text, script.start(1))


def _array(text: str, header: str, key: str, role: str) -> Iterator[Stated]:
    """Yield the strings of an array in a TOML section as dependencies."""
    start = section_start(text, header)
    if start is None:
        return
    opened = re.compile(rf"^[ \t]*[\"']?{re.escape(key)}[\"']?\s*=\s*\[", re.MULTILINE).search(text, start)
    if opened is None or opened.start() > section_end(text, start):
        return
    at = opened.end()
    while item := re.compile(r"\s*(?:#[^\n]*\s*|,\s*)*(\"([^\"\n]+)\"|'([^'\n]+)')").match(text, at):
        yield on_line(FactKind.DEPENDENCY, role, item[2] or item[3], text, item.start(1))
        at = item.end()


def _licence(text: str, header: str) -> Iterator[Stated]:
    for name, value, at in keys_in(text, header):
        if name in ("license", "licence"):
            words = QUOTED.search(value)
            yield on_line(FactKind.LICENCE, "manifest", (words[1] or words[2]) if words else value, text, at)


def _unquoted(value: str) -> str:
    return value.strip("\"' ")


def _json_dependencies(text: str, package: dict[str, Any], roles: dict[str, str]) -> Iterator[Stated]:
    for section, role in roles.items():
        opened = re.search(FIELD.format(re.escape(section)), text)
        for name, version in _object(package.get(section)).items():
            start = opened.end() if opened else 0
            yield from _json_line(text, FactKind.DEPENDENCY, role, f"{name} {version}", key=name, start=start)


def _json_line(
    text: str, kind: FactKind, role: str, words: str, *, value: str = "", key: str = "", start: int = 0
) -> Iterator[Stated]:
    """Yield the fact with the line on which `key` has `value`, or either stands alone; nothing if there is none."""
    quoted = [re.escape(f'"{part}"') for part in (key, value) if part]
    found = re.compile(r"\s*:\s*".join(quoted)).search(text, start) or re.compile(quoted[0]).search(text, start)
    if found:
        yield on_line(kind, role, words, text, found.start())


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
