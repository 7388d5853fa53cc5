"""What changed between two snapshots: the exact part, what the LLM is given, and what it rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.answer.ask import changes_ask
from analysis.answer.changes import Changes
from analysis.answer.payload import answer_payload
from analysis.answer.run import answer_run
from analysis.errors import UserError
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, DocumentVersion, IngestStatus, Snapshot, Symbol
from tests.analysis.answer.rows import SECRET, repository, snapshot
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast

FILLER = "".join(f"# line {number}\n" for number in range(20))
OLD = {
    "pay.py": f"{FILLER}def pay(price):\n    return price\n",
    "gone.py": "def gone():\n    pass\n",
    "same.py": "x = 1\n",
    "tests/test_pay.py": "def test_pay():\n    pay(1)\n",
}
NEW = {
    "pay.py": f"{FILLER}def pay(price, currency):\n    return convert(price, currency)\n",
    "rates.py": f'TOKEN = "{SECRET}"\n\n\ndef convert(price, currency):\n    return price\n',
    "same.py": "x = 1\n",
    "tests/test_pay.py": "def test_pay():\n    pay(1, 'EUR')\n",
}


@pytest.fixture
def versions(cast: Cast) -> tuple[Snapshot, Snapshot]:
    row = repository(cast, OLD)
    old = row.snapshot
    assert old is not None
    new = snapshot(row, NEW)
    for version in DocumentVersion.objects.all():
        define(version)
    return old, new


def define(version: DocumentVersion) -> None:
    text = version.read_text()
    at = text.find("def ")
    if at >= 0:
        signature = text[at : text.index(":", at)]
        name = signature[4 : signature.index("(")]
        Symbol.objects.create(
            version=version, ordinal=0, kind="function", name=name, path=name, signature=signature, start_char=at,
            end_char=len(text), name_start_char=at + 4, name_end_char=at + 4 + len(name),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def words(words_as_meaning: None) -> None:
    """Let sentences be compared by their words."""


def run(old: Snapshot, new: Snapshot) -> Answer:
    answer = changes_ask(old=old, new=new, user=None)
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def test_first_what_is_exact_then_what_it_means(versions: tuple[Snapshot, Snapshot], bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=["def pay(price, currency) now wants a currency."])]
    answer = run(*versions)
    assert (answer.status, answer.question.purpose) == (AnswerStatus.DONE, "changes")
    exact, _, meaning = answer.text.partition("\n\n## What it means\n\n")
    assert exact.splitlines()[0] == (
        "Between 1000000000 and 2000000000 4 files differ: 1 added, 1 removed, 2 changed. "
        "8 lines were added and 5 removed."
    )
    assert "- `pay`, declared otherwise: `def pay(price)` became `def pay(price, currency)`, `pay.py:21`" in exact
    assert "- New: `def convert(price, currency)`, `rates.py:4`" in exact
    assert "- Gone: `def gone()`, `gone.py:1`" in exact
    assert "test_pay.py" not in exact
    assert meaning == "def pay(price, currency) now wants a currency."
    prompt = flat(bundled_llm.requests[0]["messages"][-1]["content"])
    assert (
        "-def pay(price):\n-    return price\n+def pay(price, currency):\n+    return convert(price, currency)"
        in prompt
    )
    assert "# line 2\n" not in prompt  # far from what changed
    assert answer.coverage["changes"] == {"from": 1, "to": 2, "files_changed": 4, "files_read": 4, "left_out": []}


def test_what_is_said_is_cited_in_the_version_that_says_it(
    versions: tuple[Snapshot, Snapshot], bundled_llm: ScriptedLLM
) -> None:
    bundled_llm.replies = [Reply(words=["def pay(price, currency): return convert(price, currency)"])]
    payload = answer_payload(run(*versions))
    cited = {(each["path"], each["snapshot"], each["start_line"]) for each in payload["citations"]}
    assert {("pay.py", 2, 21), ("rates.py", 2, 4), ("gone.py", 1, 1)} <= cited
    gone = next(each for each in payload["citations"] if each["path"] == "gone.py")
    assert (gone["quote"].strip(), gone["stale"]) == ("def gone():", True)
    totals = payload["sentences"][0]
    assert (totals["supported"], totals["citations"]) == (None, [])


def test_no_secret_is_in_the_differences(versions: tuple[Snapshot, Snapshot], bundled_llm: ScriptedLLM) -> None:
    answer = run(*versions)
    assert "•" * len(SECRET) in str(bundled_llm.requests) or "\\u2022" in str(bundled_llm.requests)
    assert SECRET not in str(bundled_llm.requests)
    assert SECRET not in str(answer_payload(answer))


def test_what_weighs_most_comes_first_and_what_there_is_no_room_for_is_said(
    versions: tuple[Snapshot, Snapshot], bundled_llm: ScriptedLLM
) -> None:
    found = Changes(*versions, llm_get())
    assert found.weighed[-1].path == "tests/test_pay.py"
    assert found.left_out == []
    little = Changes(*versions, replace(llm_get(), part_tokens=110))
    given = [piece.change.path for piece in little.chosen]
    assert given[0] == found.weighed[0].path
    assert "tests/test_pay.py" in little.left_out
    assert {*given, *little.left_out} == {each.path for each in found.weighed}


def test_snapshots_that_are_alike_need_no_model(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = repository(cast, OLD)
    old = row.snapshot
    assert old is not None
    answer = run(old, snapshot(row, OLD))
    assert answer.text == "No file that is read differs between 1000000000 and 2000000000."
    assert bundled_llm.requests == []


def test_both_must_have_been_read_in_and_be_of_one_repository(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = repository(cast, OLD)
    old = row.snapshot
    assert old is not None
    with pytest.raises(UserError, match="must have been read in"):
        changes_ask(old=old, new=snapshot(row, NEW, status=IngestStatus.INGESTING), user=None)
    other = repository(cast, OLD, name="other").snapshot
    assert other is not None
    with pytest.raises(ValueError, match="different repositories"):
        changes_ask(old=old, new=other, user=None)
