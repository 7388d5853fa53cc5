"""The prompt that makes an answer of findings."""

from __future__ import annotations

from analysis.answer.findings import Found, reduce_prompt
from analysis.llm.catalogue import LLM
from analysis.types import Source

ANY = LLM("any", "Any", "", window_tokens=8192, max_output_tokens=500, answer_tokens=400)


def found(name: str, version_id: int, start: int, text: str, place: str) -> Found:
    return Found(Source(f"d{version_id}", name, version_id, start, start + len(text), text), 1, place)


ITEMS = [
    found("B.pdf", 2, 10, "Interest is 5 %.", "page 1"),
    found("A.pdf", 1, 900, "Fees are due in May.", "page 9, 4 Fees"),
    found("A.pdf", 1, 100, "Fees are USD 5.", "page 2"),
]


def test_findings_stand_by_document_and_place_before_the_question() -> None:
    asked = reduce_prompt("What is paid?", ITEMS, ANY, final=True).messages[-1].content
    order = ['name="A.pdf"', "[page 2]\nFees are USD 5.", "[page 9, 4 Fees]\nFees are due in May.", 'name="B.pdf"']
    places = [asked.index(each) for each in [*order, "[page 1]\nInterest is 5 %.", "Question: What is paid?"]]
    assert places == sorted(places)
    assert asked.endswith("Question: What is paid?")


def test_every_finding_can_be_cited() -> None:
    prompt = reduce_prompt("What is paid?", ITEMS, ANY, final=True)
    assert prompt.sources == [item.source for item in ITEMS]
    assert prompt.max_output_tokens == 400


def test_condensing_asks_for_less_than_an_answer() -> None:
    final, first = (reduce_prompt("What?", ITEMS, ANY, final=final).messages[-1].content for final in (True, False))
    assert "Answer in full sentences" in final
    assert "one short sentence each" in first
