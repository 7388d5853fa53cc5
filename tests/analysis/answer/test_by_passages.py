"""Answers from passages: what is sure is stated whatever the model says, and nothing found is said of what was read."""

from __future__ import annotations

import pytest

from analysis.answer import probable as module
from analysis.answer.ask import question_ask
from analysis.answer.findings import not_in_passages_sentence
from analysis.answer.run import answer_run
from analysis.llm.catalogue import BUNDLED
from analysis.models import Answer, Document
from analysis.types import Hit, Mode, RelevantSpan, Source
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("words_as_meaning")]

FEES = "The Customer shall pay a fee of EUR 500 within thirty days."
LAW = "This Agreement shall be governed by and construed in accordance with the laws of Ireland."
FILLER = "Nobody reads this recital. " * 30
TEXT = f"SERVICE AGREEMENT\n\n{FILLER}\n\n{FEES}\n\n{FILLER}\n\n{LAW}"


@pytest.fixture
def row(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Document:
    """A document both clauses of which are found for any question."""
    row = document(cast, "service.pdf", TEXT)

    def hit(sentence: str) -> Hit:
        start = TEXT.index(sentence)
        return Hit(str(row.pk), row.name, row.version_id, start, start + len(sentence), 1, sentence, 1.0)

    hits = [hit(FEES), hit(LAW)]
    monkeypatch.setattr("analysis.answer.retrieve.retrieve", lambda query, documents, limit: hits)
    return row


def answered(cast: Cast, row: Document, question: str = "Which law governs it?") -> Answer:
    answer = question_ask(
        workspace=cast.workspace, user=cast.editor, text=question, documents=[row], mode=Mode.PASSAGES
    )
    answer_run(str(answer.pk))
    return Answer.objects.get(pk=answer.pk)


def probable(monkeypatch: pytest.MonkeyPatch, **probabilities: float) -> None:
    """Have each sentence that begins with a word be as probable as that word says."""

    def relevant_in(question: str, source: Source) -> list[RelevantSpan]:
        word = source.text.split()[0]
        return [RelevantSpan(source.start_char, source.end_char, probabilities.get(word, 0.0))]

    monkeypatch.setattr(module, "relevant_in", relevant_in)
    monkeypatch.setattr(module, "clause_asked", lambda question, meaning: None)


def quotes(answer: Answer) -> set[str]:
    sentences = answer.sentences.filter(supported=True)
    return {TEXT[c.start_char : c.end_char] for sentence in sentences for c in sentence.citations.all()}


def test_what_is_probable_is_cited_though_the_model_passes_it_over(
    cast: Cast, row: Document, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    probable(monkeypatch, This=0.9)
    bundled_llm.replies = [Reply(words=["The document does not mention this", "."])]
    answer = answered(cast, row)
    assert "These sentences come nearest to the question:" in answer.text
    assert quotes(answer) == {LAW}
    own = answer.sentences.get(ordinal=1)
    assert (own.supported, answer.text[own.start_char : own.end_char]) == (
        None, "These sentences come nearest to the question:",
    )  # fmt: skip


def test_what_is_quoted_is_cited_where_it_was_read(
    cast: Cast, row: Document, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    probable(monkeypatch)
    words, at = "laws of Ireland", TEXT.index("laws of Ireland")
    monkeypatch.setattr(module, "relevant_in", lambda question, source: [RelevantSpan(at, at + len(words), 0.9)])
    monkeypatch.setattr(module, "_best", lambda scored: [found for _, found in scored if found.source.text == words])
    bundled_llm.replies = [Reply(words=["The document does not mention this", "."])]
    answer = answered(cast, row)
    assert answer.text.endswith(f"- “{words}”")
    last = answer.sentences.last()
    [citation] = last.citations.all()
    assert (last.supported, citation.start_char, citation.end_char) == (True, at, at + len(words))


def test_nothing_is_added_to_an_answer_that_rests_on_what_is_probable(
    cast: Cast, row: Document, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    probable(monkeypatch, This=0.9)
    bundled_llm.replies = [Reply(words=["It is governed by the laws of Ireland", "."])]
    answer = answered(cast, row)
    assert answer.text == "It is governed by the laws of Ireland."
    assert quotes(answer) == {LAW}


def test_a_question_for_all_gets_what_is_less_probable_as_well(
    cast: Cast, row: Document, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    probable(monkeypatch, This=0.9, The=0.2)
    bundled_llm.replies = [Reply(words=["This Agreement is governed by the laws of Ireland", "."])]
    assert quotes(answered(cast, row, "Which law governs it?")) == {LAW}
    assert quotes(answered(cast, row, "List everything that matters.")) == {LAW, FEES}


def test_where_nothing_is_probable_that_is_said_of_the_passages_and_no_model_is_asked(
    cast: Cast, row: Document, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    probable(monkeypatch, This=module.LEAST_PROBABLE / 2)
    answer = answered(cast, row, "Is there a penalty?")
    assert answer.text == (
        "Nothing about this was found in the 2 passages of “service.pdf” that match the question best. "
        "That is no proof that there is nothing: a sweep reads all of it."
    )
    assert bundled_llm.requests == []
    assert [sentence.supported for sentence in answer.sentences.all()] == [None, None]
    assert answer.coverage["complete"] is False
    assert answer.llm == BUNDLED


def test_a_clause_that_the_checklist_knows_is_looked_up_in_every_sentence(
    cast: Cast, row: Document, bundled_llm: ScriptedLLM
) -> None:
    bundled_llm.replies = [Reply(words=["The document does not mention this", "."])]
    present = answered(cast, row, "Which law governs this contract?")
    assert quotes(present) == {LAW}
    absent = answered(cast, row, "Is there a non-compete clause in this contract?")
    assert absent.text.startswith("Nothing about this was found in “service.pdf”. Every sentence was compared")
    assert len(bundled_llm.requests) == 1


def test_a_question_that_no_one_sentence_answers_is_put_to_the_model_all_the_same(
    cast: Cast, row: Document, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    probable(monkeypatch)
    bundled_llm.replies = [Reply(words=["It is governed by the laws of Ireland", "."])]
    assert answered(cast, row, "What is this about?").text == "It is governed by the laws of Ireland."


def test_a_model_that_finds_by_itself_decides_and_its_no_is_put_into_proportion(
    cast: Cast, row: Document, scripted_llm: ScriptedLLM
) -> None:
    scripted_llm.replies = [Reply(words=["The documents do not mention a penalty", "."])]
    answer = answered(cast, row, "Is there a penalty?")
    assert answer.text.startswith("The documents do not mention a penalty.\n\nNothing about this was found in the ")
    assert len(scripted_llm.requests) == 1


def test_the_evidence_says_what_the_document_is_and_who_its_parties_are(
    cast: Cast, row: Document, scripted_llm: ScriptedLLM
) -> None:
    title, name = "SERVICE AGREEMENT", "Acme Ltd"
    row.version.identity = {
        "title": title, "start_char": 0, "end_char": len(title),
        "parties": [{"name": name, "roles": ["Customer"], "start_char": 0, "end_char": 8}],
    }  # fmt: skip
    row.version.save(update_fields=["identity"])
    answered(cast, row)
    content = scripted_llm.requests[0]["messages"][1]["content"]
    assert "[about this document] SERVICE AGREEMENT, parties: Acme Ltd (“Customer”)" in content
    assert content.index("about this document") < content.index(FEES)


def test_the_sentence_counts() -> None:
    one, two = Document(name="a.pdf"), Document(name="b.pdf")
    assert "the 2 passages of “a.pdf” that match the question best" in not_in_passages_sentence([one], 2)
    assert "the 1 passage of these 2 documents that matches the question best" in not_in_passages_sentence(
        [one, two], 1
    )
