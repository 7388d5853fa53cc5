"""Commands and entry points in Makefiles, Dockerfiles, Procfiles, workflows and scripts; licences by their words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.repository.running.stated import FactKind, Stated, on_line, role_of

TARGET = re.compile(r"^([A-Za-z][\w./-]*)[ \t]*:(?![=:])[^\n]*", re.MULTILINE)
DOCKER = re.compile(r"^\s*(CMD|ENTRYPOINT)\s+([^\n]+)", re.MULTILINE | re.IGNORECASE)
PROCESS = re.compile(r"^([\w-]+):[ \t]*(\S[^\n]*)", re.MULTILINE)
RUN = re.compile(
    r"^(?P<indent>[ \t]*)(?:-[ \t]+)?run:[ \t]*"
    r"(?:(?P<line>[^|>\n][^\n]*)|[|>][+-]?[ \t]*\n(?P<block>(?:[ \t]*\n|(?P=indent)[ \t]+[^\n]*\n?)+))",
    re.MULTILINE,
)
STEP_NAME = re.compile(r"^[ \t]*-?[ \t]*name:[ \t]*([^\n]+)", re.MULTILINE)
GUARD = re.compile(r"^if\s+__name__\s*==\s*[\"']__main__[\"']\s*:", re.MULTILINE)
DJANGO = re.compile(r"execute_from_command_line\s*\(\s*sys\.argv")
LICENCES = (
    ("AGPL-3.0", r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-3.0", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-2.1", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1"),
    ("GPL-3.0", r"GNU GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-2.0", r"GNU GENERAL PUBLIC LICENSE\s+Version 2"),
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0"),
    ("MPL-2.0", r"Mozilla Public License,?\s+(?:Version|v\.?)\s*2\.0"),
    ("EPL-2.0", r"Eclipse Public License\s*-\s*v\s*2\.0"),
    ("BSL-1.0", r"Boost Software License\s*-\s*Version 1\.0"),
    ("Unlicense", r"This is free and unencumbered software released into the public domain"),
    ("CC0-1.0", r"CC0 1\.0 Universal"),
    (
        "ISC",
        r"Permission to use, copy, modify, and(?:/or)? distribute this software for any\s+purpose with or without fee",
    ),
    ("MIT", r"Permission is hereby granted, free of charge, to any person obtaining a copy\s+of this software"),
    (
        "BSD-3-Clause",
        r"Redistribution and use in source and binary forms[\s\S]{0,1500}?(?:Neither the names? of|endorse or promote)",
    ),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
)
LICENCE_CHARACTERS = 6000
TARGETS_MAX = 40


def in_makefile(text: str) -> Iterator[Stated]:
    """Yield the targets that people call: no files, no patterns."""
    for found in list(TARGET.finditer(text))[:TARGETS_MAX]:
        if "/" not in found[1] and "." not in found[1]:
            yield on_line(FactKind.COMMAND, role_of(found[1]) or "other", f"make {found[1]}", text, found.start())


def in_dockerfile(text: str) -> Iterator[Stated]:
    """Yield what the image starts."""
    for found in DOCKER.finditer(text):
        yield on_line(FactKind.ENTRY, f"Dockerfile {found[1].upper()}", found[2], text, found.start(1))


def in_procfile(text: str) -> Iterator[Stated]:
    """Yield each process with its command."""
    for found in PROCESS.finditer(text):
        yield on_line(FactKind.ENTRY, f"Procfile {found[1]}", found[2], text, found.start())


def in_workflow(text: str) -> Iterator[Stated]:
    """Yield the commands that a workflow of a code forge runs, each line of a block by itself."""
    for found in RUN.finditer(text):
        names = list(STEP_NAME.finditer(text, max(0, found.start() - 300), found.start()))
        group = "line" if found["line"] else "block"
        for line in re.finditer(r"[^\s#][^\n]*", found[group]):
            words = line[0].strip("\"' ")
            role = role_of(words) or (role_of(names[-1][1]) if names else None) or "other"
            yield on_line(FactKind.COMMAND, role, words, text, found.start(group) + line.start())


def in_python(text: str) -> Iterator[Stated]:
    """Yield what is run when the file is."""
    django = DJANGO.search(text)
    if django:
        yield on_line(FactKind.ENTRY, "Django commands", "python manage.py", text, django.start())
        return
    guard = GUARD.search(text)
    if guard:
        yield on_line(FactKind.ENTRY, "run as a script", guard[0], text, guard.start())


def in_licence(text: str) -> Iterator[Stated]:
    """Yield the licence whose words these are, with the line of them that tells it."""
    head = text[:LICENCE_CHARACTERS]
    for name, words in LICENCES:
        found = re.search(words.replace(" ", r"\s+"), head, re.IGNORECASE)
        if found:
            yield on_line(FactKind.LICENCE, "licence text", name, text, found.start())
            return
