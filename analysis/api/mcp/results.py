"""What the tools give."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from analysis.api.schemas import HitOut, PlanOut, WorkspaceOut


class Workspaces(BaseModel):
    """The workspaces that can be asked, with what the token's person may do there."""

    workspaces: list[WorkspaceOut]


class Listed(BaseModel):
    """A document or repository. kind: "document" or "repository". pages: 0 for a repository."""

    id: str
    kind: str
    name: str
    status: str
    pages: int
    tokens: int
    url: str


class Contents(BaseModel):
    """Documents and repositories, newest first. more: there are more than these."""

    items: list[Listed]
    more: bool


class Found(BaseModel):
    """Passages, best first."""

    hits: list[HitOut]


class Text(BaseModel):
    """A part of a text. end_char: where it ends; more: there is text after it, which another call reads."""

    name: str
    text: str
    start_char: int
    end_char: int
    characters: int
    more: bool
    url: str


class Lines(BaseModel):
    """Lines of a file, both ends inside. more: there are lines after them."""

    path: str
    text: str
    start_line: int
    end_line: int
    line_count: int
    more: bool


class Planned(BaseModel):
    """How the question would be read."""

    plan: PlanOut


class Cited(BaseModel):
    """A checked place: quote is what stands in the source. place: its page, or its lines."""

    document_id: str
    name: str
    place: str
    quote: str
    start_char: int
    end_char: int
    url: str
    stale: bool


class Sentence(BaseModel):
    """A sentence of the answer. supported: null where there is nothing to support. citations: indices."""

    text: str
    supported: bool | None
    citations: list[int]


class Answered(BaseModel):
    """An answer. complete: every character was read, so that what was not found is not there."""

    question_id: str
    answer_id: str
    url: str
    status: str
    mode: str | None
    answer: str
    sentences: list[Sentence]
    citations: list[Cited]
    complete: bool
    usage: dict[str, Any]
