"""Completions that are data: what an LLM is held to, and what is made of what it writes.

Where the endpoint holds a completion to a JSON schema (llama.cpp by a grammar, vLLM and SGLang by guided decoding,
others as OpenAI has it) it cannot come out otherwise. Others hold it to some JSON object or to nothing; so the prompt
says in words what is wanted, and whatever comes back is checked here all the same.
"""

from __future__ import annotations

import re
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json

from analysis.types import Shape

_FENCES = re.compile(r"^```\w*\s*|\s*```$")


class Shaped(BaseModel):
    """What a completion is read into. Its fields have no default values: every endpoint wants every property."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Wanted = TypeVar("Wanted", bound=Shaped)


def shape_of(wanted: type[Shaped]) -> Shape:
    """Return the shape that a prompt asks for so that `read_shaped` can read the completion."""
    return Shape(wanted.__name__, wanted.model_json_schema())


def read_shaped(completion: str, wanted: type[Wanted], *, cut: bool = False) -> Wanted | None:
    """Return what the completion says; None when it is no such object.

    Fences around it are passed over, words are not: an object among them may be copied out of a document. cut: the
    completion was broken off, and is read as far as it goes; a text that it broke off in counts as far as it came.
    """
    bare = _FENCES.sub("", completion.strip()).encode(errors="replace")  # half a character cannot be parsed
    partial: Literal[False, "trailing-strings"] = "trailing-strings" if cut else False
    try:
        return wanted.model_validate(from_json(bare, allow_partial=partial))
    except ValueError:
        return None
