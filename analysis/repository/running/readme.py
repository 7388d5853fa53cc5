"""Commands in a README: code blocks under headings that say what they are for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.repository.running.stated import FactKind, Stated, on_line, role_of

FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(
    r"^\.\.[ ]+(?:code-block|code|sourcecode|prompt)::[ ]*([\w+-]*)[^\n]*\n((?:[ \t]*\n|[ \t]+[^\n]*\n?)+)", re.M
)
HASHES = re.compile(r"^#{1,6}[ \t]+([^\n]+)", re.MULTILINE)
UNDERLINED = re.compile(r"^([^\n]{1,200})\n(={3,}|-{3,}|~{3,}|\^{3,}|\*{3,})[ \t]*$", re.MULTILINE)
SHELLS = frozenset(
    ("", "sh", "bash", "shell", "console", "shell-session", "zsh", "powershell", "bat", "cmd", "text", "term")
)
PROMPT = re.compile(r"^\s*(?:[$>%#]\s+|PS>\s+)")
PROGRAMS = (
    "pip pip3 pipx uv poetry python python3 py npm npx yarn pnpm node deno bun cargo rustup go make cmake ninja docker "
    "docker-compose podman kubectl helm git curl wget brew apt apt-get dnf conda mamba bundle gem rake rails composer "
    "php mvn gradle java dotnet tox nox pytest hatch pre-commit source cd export bash sh"
).split()
TYPED = re.compile(rf"^(?:sudo\s+|\w+=\S+\s+)*(?:\./\S|\.\w+/|(?:{'|'.join(map(re.escape, PROGRAMS))})(?:\s|$))")


def in_readme(text: str) -> Iterator[Stated]:
    """Yield the commands of the blocks under headings about installing, running, testing and the like."""
    headings = sorted((found.start(), found[1]) for pattern in (HASHES, UNDERLINED) for found in pattern.finditer(text))
    for start, block in _blocks(text):
        above = [words for at, words in headings if at < start]
        role = role_of(above[-1]) if above else None
        if role:
            yield from _commands(text, start, block, role)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield where each block of shell commands begins, and its text."""
    for found in FENCE.finditer(text):
        if found[2].casefold() in SHELLS:
            yield found.start(3), found[3]
    for found in DIRECTIVE.finditer(text):
        if found[1].casefold() in SHELLS:
            yield found.start(2), found[2]


def _commands(text: str, start: int, block: str, role: str) -> Iterator[Stated]:
    """Yield the lines that are typed: those after a prompt if there are any, else those that begin with a program."""
    lines = list(re.finditer(r"[^\n]+", block))
    prompted = [line for line in lines if PROMPT.match(line[0])]
    for line in prompted or [line for line in lines if TYPED.match(line[0].strip())]:
        words = PROMPT.sub("", line[0]).strip()
        if words and not words.startswith(">>>"):
            yield on_line(FactKind.COMMAND, role, words, text, start + line.start())
