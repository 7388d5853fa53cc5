from __future__ import annotations

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis.answer.payload import answer_payload
from analysis.ingest import boxes
from analysis.models import Answer, AnswerStatus, DocumentVersion, PartStatus, SweepPart
from analysis.progress import answer_stream, emit
from tests.conftest import Cast
from tests.rows import FIRST, TEXT, add_sentence, make_answer, make_document


def test_quotes_are_the_cited_words_and_a_place_cited_twice_is_one_citation(cast: Cast) -> None:
    version = make_document(cast)
    answer = make_answer(cast, version, "Five years. Delaware. Both.")
    law = (version, TEXT.index("Delaware"), TEXT.index(" governs"))
    term = (version, TEXT.index("five"), TEXT.index("."))
    add_sentence(answer, 0, "Five years.", term)
    add_sentence(answer, 1, "Delaware.", law)
    add_sentence(answer, 2, "Both.", law, term)

    payload = answer_payload(answer)

    assert [sentence["text"] for sentence in payload["sentences"]] == ["Five years.", "Delaware.", "Both."]
    assert [sentence["citations"] for sentence in payload["sentences"]] == [[0], [1], [1, 0]]
    assert [citation["quote"] for citation in payload["citations"]] == ["five years", "Delaware law — naïve or not —"]
    for citation in payload["citations"]:
        assert TEXT[citation["start_char"] : citation["end_char"]] == citation["quote"]
    assert [citation["page_number"] for citation in payload["citations"]] == [1, 2]
    assert payload["citations"][0]["document_id"] == str(version.document_id)


def test_a_span_over_two_pages_belongs_to_the_first_and_lists_both(cast: Cast) -> None:
    version = make_document(cast)
    answer = make_answer(cast, version, "All of it.")
    add_sentence(answer, 0, "All of it.", (version, 4, len(FIRST) + 8))

    [citation] = answer_payload(answer)["citations"]

    assert citation["page_number"] == 1
    assert [page["page_number"] for page in citation["pages"]] == [1, 2]


def test_a_span_that_ends_where_a_page_starts_is_not_on_that_page(cast: Cast) -> None:
    version = make_document(cast)
    answer = make_answer(cast, version, "Term.")
    add_sentence(answer, 0, "Term.", (version, 0, len(FIRST)))

    [citation] = answer_payload(answer)["citations"]

    assert [page["page_number"] for page in citation["pages"]] == [1]


def test_an_open_answer_has_no_text_and_says_which_stage_it_is_in(cast: Cast) -> None:
    answer = make_answer(cast, make_document(cast), "half", AnswerStatus.RUNNING)
    assert (answer_payload(answer)["answer"], answer_payload(answer)["stage"]) == ("", "running")

    emit(answer_stream(answer.pk), "progress", {"stage": "reading", "message": "Reading page 1 of 2"})
    assert answer_payload(answer)["stage"] == "reading"

    emit(answer_stream(answer.pk), "token", {"start_char": 0, "text": "half"})
    assert answer_payload(answer)["stage"] == "writing"


def test_a_stopped_answer_keeps_what_was_written_and_a_failed_one_says_why(cast: Cast) -> None:
    version = make_document(cast)
    stopped = answer_payload(make_answer(cast, version, "Half an ans", AnswerStatus.STOPPED))
    assert (stopped["answer"], stopped["stage"], stopped["error"]) == ("Half an ans", None, None)

    failed = make_answer(cast, version, "", AnswerStatus.FAILED)
    failed.error_code, failed.error_message = "engine_unavailable", "The language model does not answer."
    assert answer_payload(failed)["error"] == {
        "code": "engine_unavailable",
        "message": "The language model does not answer.",
    }


def test_the_receipt_has_every_field_before_there_is_anything_to_say(cast: Cast) -> None:
    answer = make_answer(cast, make_document(cast), "")
    answer.coverage = {"characters_read": 12, "history_dropped": 1}
    answer.usage = {"prompt_tokens": 7}

    payload = answer_payload(answer)

    assert payload["coverage"] == {
        "characters_total": 0,
        "characters_read": 12,
        "pages_read": [],
        "pages_skipped": [],
        "tokens_sent": 0,
        "tokens_cached": 0,
        "complete": False,
        "history_dropped": 1,
    }
    assert payload["usage"]["prompt_tokens"] == 7
    assert payload["usage"]["llm"] == "test-llm"


def queries_for(answer: Answer) -> int:
    fresh = Answer.objects.select_related("question").get(pk=answer.pk)
    with CaptureQueriesContext(connection) as queries:
        answer_payload(fresh)
    return len(queries)


def test_more_sentences_and_documents_cost_no_more_queries(cast: Cast) -> None:
    version, other = make_document(cast), make_document(cast, "other.pdf")
    one = make_answer(cast, version, "A.")
    add_sentence(one, 0, "A.", (version, 0, 3))
    many = make_answer(cast, version, "A. B. C.")
    many.question.documents.add(other.document_id)
    for ordinal, words in enumerate(["A.", "B.", "C."]):
        add_sentence(many, ordinal, words, (version, ordinal, 9), (other, ordinal, 30))

    assert queries_for(many) == queries_for(one) == 6


def test_rectangles_are_where_the_words_stand(cast: Cast) -> None:
    version = make_document(cast)
    # One line of equal characters on page 1; page 2 has no image.
    width = 1 / len(FIRST)
    places = np.array([[n * width, 0.1, (n + 1) * width, 0.2] for n in range(len(FIRST))], dtype=np.float32)
    version.pages.filter(number=1).update(boxes=boxes.encode(places))
    answer = make_answer(cast, version, "Five.")
    start, end = FIRST.index("five"), FIRST.index(".")
    add_sentence(answer, 0, "Five.", (version, start, end), (version, start, len(FIRST) + 8))

    first, over_both = answer_payload(answer)["citations"]

    assert first["rectangles"] == [pytest.approx([start * width, 0.1, end * width, 0.2], abs=1e-4)]
    assert over_both["rectangles"] == [pytest.approx([start * width, 0.1, 1.0, 0.2], abs=1e-4)]
    assert over_both["pages"][1] == {"page_number": 2, "rectangles": []}


def sweep_part(answer: Answer, version: DocumentVersion, ordinal: int, start: int, status: str, *words: str) -> None:
    spans = [(TEXT.index(each, start) - start, len(each)) for each in words]
    result = {"findings": [{"start_char": at, "end_char": at + size, "note": "n"} for at, size in spans]}
    SweepPart.objects.create(
        answer=answer, ordinal=ordinal, version=version, start_char=start, end_char=len(TEXT), status=status,
        result=result,
    )  # fmt: skip


def test_findings_of_a_sweep_are_the_documents_own_words(cast: Cast) -> None:
    version = make_document(cast)
    answer = make_answer(cast, version, "Two.")
    sweep_part(answer, version, 1, len(FIRST), PartStatus.DONE, "naïve", "governs")
    sweep_part(answer, version, 0, 0, PartStatus.DONE, "five years")
    sweep_part(answer, version, 2, 0, PartStatus.QUEUED)
    sweep_part(answer, version, 3, 0, PartStatus.FAILED)

    payload = answer_payload(answer)

    found = [(each["quote"], each["page_number"], each["part"], each["index"]) for each in payload["findings"]]
    assert found == [("five years", 1, 0, 0), ("naïve", 2, 1, 0), ("governs", 2, 1, 1)]
    for each in payload["findings"]:
        assert TEXT[each["start_char"] : each["end_char"]] == each["quote"]
        assert (each["document_id"], each["document_name"]) == (str(version.document_id), "lease.pdf")
        assert (each["note"], each["place"]) == ("n", f"page {each['page_number']}")
    assert payload["parts"] == {"done": 3, "total": 4}


def test_an_answer_that_is_no_sweep_has_neither_parts_nor_findings(cast: Cast) -> None:
    payload = answer_payload(make_answer(cast, make_document(cast), "Five years."))
    assert (payload["findings"], payload["parts"], payload["reasoning"]) == ([], None, "")
