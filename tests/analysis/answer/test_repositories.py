"""Questions to repositories: what they are put to, what is read, what is masked, and what the answer says of it."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis import progress
from analysis.answer import masked, material
from analysis.answer.ask import question_ask, release_waiting
from analysis.answer.material import Scope
from analysis.answer.pack import outlines
from analysis.answer.passages import balanced
from analysis.answer.payload import answer_payload
from analysis.answer.plan import pack_for, plan_reading
from analysis.answer.plan_ahead import plan_ahead
from analysis.answer.receipt_code import in_words
from analysis.answer.run import answer_run
from analysis.errors import UserError
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, Document, IngestStatus, Repository
from analysis.types import Hit, Mode, Span
from tests.analysis.answer.rows import SECRET, document, repository, snapshot
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast

APP = "import db\n\n\ndef main(port):\n    db.connect(port)\n    return port\n"
DB = f'PASSWORD = "{SECRET}"\n\n\ndef connect(port):\n    open_socket(port, PASSWORD)\n'
FILES = {"src/app.py": APP, "src/db.py": DB, "README.md": "# App\n\nStart it with a port.\n"}


@pytest.fixture(autouse=True)
def no_waiting(words_as_meaning: None) -> None:
    """Let sentences be compared by their words."""


def ask(
    cast: Cast, *repositories: Repository, text: str = "What does main do?", mode: Mode = Mode.WHOLE, **more
) -> Answer:
    return question_ask(
        workspace=cast.workspace, user=cast.owner, text=text, repositories=repositories, mode=mode, **more
    )


def run(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def sent(server: ScriptedLLM) -> str:
    return "\n".join(flat(message["content"]) for body in server.requests for message in body["messages"])


def test_a_repository_that_fits_is_read_whole_in_the_order_of_its_paths(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=["`main` calls `db.connect` with the port."])]
    row = repository(cast, FILES)
    answer = run(ask(cast, row))
    assert answer.status == AnswerStatus.DONE
    prompt = flat(bundled_llm.requests[0]["messages"][1]["content"])
    assert prompt.startswith('<repository mark="')
    assert 'name="app" version="1000000000">' in prompt
    places = [prompt.index(f" file {path}]\n") for path in sorted(FILES)]
    assert places == sorted(places)
    assert APP in prompt
    [read] = answer.coverage["repositories"]
    assert (read["files_whole"], read["files_total"], read["skipped"]) == (3, 3, {"binary": 1})
    assert read["whole"] == ["README.md", "src/app.py", "src/db.py"]
    assert (read["lines_read"], read["lines_total"], read["snapshot"]) == (14, 14, 1)
    assert answer.coverage["documents"] == []
    assert answer.coverage["complete"]
    assert in_words(read) == "app, 3 files: 3 whole. 1 more not read in: not text 1."


def test_every_question_on_a_snapshot_begins_with_the_same_bytes(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    row = repository(cast, FILES)
    for text in ("What does main do?", "Which port?"):
        run(ask(cast, row, text=text))
    first, second = (flat(body["messages"][1]["content"]) for body in scripted_llm.requests)
    assert first.partition("Question: ")[0] == second.partition("Question: ")[0]


def test_no_prompt_holds_a_secret_and_no_quote_does(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=["`connect` calls `open_socket` with the port and the `PASSWORD`."])]
    row = repository(cast, FILES)
    first = run(ask(cast, row, text="How does connect open the socket?"))
    run(ask(cast, row, text="List every password.", mode=Mode.SWEEP))
    assert "•" * len(SECRET) in sent(bundled_llm)
    assert SECRET not in sent(bundled_llm)
    assert SECRET not in str(answer_payload(first))
    version = Document.objects.get(path="src/db.py").version
    assert version is not None
    masked_text = masked.read(version)
    assert len(masked_text) == len(DB)
    assert masked_text.replace("•" * len(SECRET), SECRET) == DB
    assert masked.read(version, 14) == masked_text[14:]


def test_a_secret_over_lines_keeps_its_line_breaks_and_what_is_cut_off_it_is_masked() -> None:
    assert masked.mask("key: ab\ncd end", 100, [Span(105, 110)]) == "key: ••\n•• end"
    assert masked.mask("cd end", 108, [Span(105, 110)]) == "•• end"
    assert masked.mask("before", 0, [Span(10, 20)]) == "before"


def test_a_citation_says_its_lines_and_its_commit_and_when_it_is_stale(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=["def main(port): db.connect(port) return port"])]
    row = repository(cast, FILES)
    answer = run(ask(cast, row))
    [citation, *_] = answer_payload(answer)["citations"]
    assert (citation["path"], citation["document_name"]) == ("src/app.py", "src/app.py")
    lines = APP.splitlines(keepends=True)[citation["start_line"] - 1 : citation["end_line"]]
    assert citation["quote"] in "".join(lines)
    assert citation["place"].startswith("src/app.py:")
    assert (citation["repository_id"], citation["snapshot"]) == (str(row.pk), 1)
    assert citation["commit"] == "1" + "0" * 39
    assert citation["stale"] is False
    moved = snapshot(row, {**FILES, "src/app.py": "# A comment.\n" + APP})
    assert answer_payload(answer)["citations"][0]["stale"] is False
    assert answer_payload(answer)["citations"][0]["snapshot"] == 1
    snapshot(row, {**FILES, "src/app.py": "pass\n"})
    assert answer_payload(answer)["citations"][0]["stale"] is True
    assert moved.number == 2


def test_a_path_keeps_to_a_folder_or_a_file(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = repository(cast, {**FILES, "src2/x.py": "x = 1\n"})
    answer = ask(cast, row, path="/src/")
    assert answer.question.path == "src"
    assert [each.path for each in material.chosen(answer.question)] == ["src/app.py", "src/db.py"]
    assert [each.path for each in material.chosen(ask(cast, row, path="src/db.py").question)] == ["src/db.py"]
    run(answer)
    assert answer.coverage["repositories"][0]["skipped"] == {}
    for repositories, path in ([row], "lib"), ([row, repository(cast, FILES, name="b")], "src"), ([], "src"):
        with pytest.raises(UserError) as caught:
            ask(cast, *repositories, path=path)
        assert caught.value.code == "unknown_path"


def test_a_follow_up_is_put_to_the_same_repository_and_path(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    first = run(ask(cast, repository(cast, FILES), path="src"))
    second = ask(cast, text="And then?", parent=first.question)
    assert (second.question.path, second.question.across_workspace) == ("src", False)
    assert list(second.question.repositories.all()) == list(first.question.repositories.all())


def test_a_question_waits_for_the_first_snapshot_and_goes_on_when_it_is_ready(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    row = repository(cast, {}, status=IngestStatus.INGESTING)
    answer = ask(cast, row)
    release_waiting(row)
    answer.refresh_from_db()
    assert answer.status == AnswerStatus.WAITING
    last = progress.replay(progress.answer_stream(answer.pk))[-1]
    assert last.data["message"] == "Waiting for app to be read in"
    snapshot(row, FILES)
    release_waiting(row)
    answer.refresh_from_db()
    assert answer.status == AnswerStatus.QUEUED
    assert run(answer).status == AnswerStatus.DONE


def test_a_question_to_a_repository_that_failed_fails_and_says_so(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = repository(cast, {}, status=IngestStatus.INGESTING)
    answer = ask(cast, row)
    row.snapshots.update(status=IngestStatus.FAILED)
    release_waiting(row)
    assert (run(answer).status, answer.error_code) == (AnswerStatus.FAILED, "no_documents")


def test_a_new_snapshot_that_is_read_in_holds_no_question_up(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = repository(cast, FILES)
    snapshot(row, {}, status=IngestStatus.INGESTING)
    assert ask(cast, row).status == AnswerStatus.QUEUED


def test_documents_and_repositories_are_read_together_documents_first(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    lease = document(cast, "zz lease.pdf")
    answer = run(ask(cast, repository(cast, FILES), documents=[lease]))
    prompt = flat(bundled_llm.requests[0]["messages"][1]["content"])
    assert prompt.index('name="zz lease.pdf"') < prompt.index("<repository")
    assert [row["document_name"] for row in answer.coverage["documents"]] == ["zz lease.pdf"]
    assert answer.coverage["complete"]
    assert answer.coverage["pages_read"] == []


def test_across_the_workspace_files_that_are_gone_are_not_read(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = repository(cast, FILES)
    snapshot(row, {"src/app.py": APP})
    document(cast, "lease.pdf")
    assert [each.name for each in Scope(cast.workspace, everything=True).rows()] == ["lease.pdf", "src/app.py"]


def test_planning_takes_the_same_queries_however_many_files_there_are(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    counts = []
    for number in (3, 40):
        row = repository(cast, {f"src/m{index}.py": f"x = {index}\n" for index in range(number)}, name=f"r{number}")
        scope = Scope(cast.workspace, repositories=[row])
        plan_reading(scope=scope, text="?", mode=Mode.AUTO, llm=llm_get())
        with CaptureQueriesContext(connection) as queries:
            plan = plan_reading(scope=scope, text="?", mode=Mode.AUTO, llm=llm_get())
        assert len(plan.document_ids) == number
        counts.append(len(queries))
    assert max(counts) < 5


def hit(kind: str, score: float) -> Hit:
    return Hit(kind, kind, 1, 0, 1, 1, "x", score, start_line=int(kind == "code"))


def test_contracts_and_code_both_have_room_among_the_passages() -> None:
    contracts, code = [hit("contract", 0.9 - n / 100) for n in range(5)], [hit("code", 0.5), hit("code", 0.4)]
    kinds = [each.document_id for each in balanced(contracts, code)]
    assert kinds == ["contract", "contract", "code", "contract", "contract", "code", "contract"]
    assert [each.document_id for each in balanced(contracts, code, least=0.6)] == ["contract"] * 5 + ["code"] * 2


def test_a_plan_for_passages_counts_no_tags_of_files_without_any(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    row = repository(cast, {f"src/m{index:03}.py": "x = 1\n" * 90 for index in range(60)})
    scope = Scope(cast.workspace, repositories=[row])
    few, many = (
        plan_reading(scope=each, text="?", mode=Mode.PASSAGES, llm=llm_get())
        for each in (Scope(cast.workspace, list(row.documents.all()[:20])), scope)
    )
    # As many passages fit either; the tags of forty more files would take some nine hundred tokens.
    assert abs(many.prompt_tokens - few.prompt_tokens) < 100


def test_what_packed_plans_share_is_worked_out_when_a_repository_has_been_read_in(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    row = repository(cast, FILES)
    files = list(material.ready(Document.objects.filter(repository=row).select_related("version").order_by("path")))

    def outlined() -> set[str]:
        pack = pack_for(files, "What does main do?", [], llm_get(), output_tokens=64, find=list)
        assert pack is not None
        return {document.path for document in files if str(document.pk) in pack.packing.outlined}

    with monkeypatch.context() as slow:
        slow.setattr(outlines, "skeleton", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            outlined()
    plan_ahead(row)
    monkeypatch.setattr(outlines, "skeleton", lambda *_: 1 / 0)
    assert outlined() == set(FILES)
