"""Completions that are data: what is read of them, and that the bundled model's server holds to a schema."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from analysis.llm.client import stream_chat
from analysis.llm.registry import llm_get
from analysis.llm.shapes import Shaped, read_shaped, shape_of
from analysis.types import Message, Prompt


class Term(Shaped):
    """How long something runs."""

    number: int = Field(ge=1, le=99)
    unit: Literal["days", "months", "years"]


class Names(Shaped):
    """Who is named."""

    names: list[str]


@pytest.mark.parametrize(
    "completion",
    [
        '{"number": 3, "unit": "years"}',
        '```json\n{"number": 3, "unit": "years"}\n```',
        '  ```\n{"unit": "years", "number": 3}\n```\n',
    ],
)
def test_an_object_is_read_with_fences_around_it(completion: str) -> None:
    assert read_shaped(completion, Term) == Term(number=3, unit="years")


@pytest.mark.parametrize(
    "completion",
    ["", "three years", '{"number": 3}', '{"number": 3, "unit": "years", "and": 1}', '{"number": 3, "unit": "weeks"}',
     '{"number": 3, "unit": "years"', '[3, "years"]', '{"number": 3, "unit": "\ud800"}',
     'Here it is: {"number": 3, "unit": "years"}', '{"number": 3, "unit": "years"} I hope that it helps.'],
)  # fmt: skip
def test_what_is_no_such_object_is_nothing(completion: str) -> None:
    assert read_shaped(completion, Term) is None


@pytest.mark.parametrize(
    ("completion", "names"),
    [
        ('{"names": ["Ada", "Grace"]}', ["Ada", "Grace"]), ('{"names": ["Ada", "Gra', ["Ada", "Gra"]),
        ('{"names": ["Ada", "Gra\\u00', ["Ada", "Gra"]), ('```json\n{"names": ["Ada",  ', ["Ada"]),
        ('{"names": [', []), ('{"na', None), ("", None), ("Ada, Gra", None),
    ],
)  # fmt: skip
def test_what_was_broken_off_is_read_as_far_as_it_goes(completion: str, names: list[str] | None) -> None:
    assert read_shaped(completion, Names, cut=True) == (None if names is None else Names(names=names))


def test_a_shape_requires_every_property_and_allows_no_other() -> None:
    shape = shape_of(Term)
    assert (shape.name, shape.schema["required"], shape.schema["additionalProperties"]) == (
        "Term", ["number", "unit"], False,
    )  # fmt: skip


@pytest.mark.model
@pytest.mark.django_db
@pytest.mark.usefixtures("llama_server")
def test_the_bundled_model_cannot_say_anything_else() -> None:
    prompt = Prompt([Message("user", "Write a poem about the sea.")], [], 60, shape=shape_of(Term))
    said = "".join(token.text for token in stream_chat(llm_get(), prompt) if token.kind == "text")
    assert said.startswith("{")
    assert read_shaped(said, Term) is not None
