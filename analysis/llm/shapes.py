"""Completions that are data: what an LLM is held to, and what is made of what it writes.

Where the endpoint holds a completion to a JSON schema (llama.cpp by a grammar, vLLM and SGLang by guided decoding,
others as OpenAI has it) it cannot come out otherwise. Where it cannot, the schema stands in the prompt, and whatever
comes back is checked here all the same.
"""

from __future__ import annotations

import re
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.types import Shape

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class Shaped(BaseModel):
    """What a completion is read into. Its fields have no default values: every endpoint wants every property."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Wanted = TypeVar("Wanted", bound=Shaped)


def shape_of(wanted: type[Shaped]) -> Shape:
    """Return the shape that a prompt asks for so that `read_shaped` can read the completion."""
    return Shape(wanted.__name__, wanted.model_json_schema())


def read_shaped(completion: str, wanted: type[Wanted]) -> Wanted | None:
    """Return what the completion says; None when it is no such object. Fences and words around it are passed over."""
    found = _OBJECT.search(completion)
    try:
        return wanted.model_validate_json(found[0]) if found else None
    except ValidationError:
        return None
