"""Sweeps over the files of repositories: small ones share a prompt, and each has a result of its own."""

from __future__ import annotations

from dataclasses import replace

from analysis.answer.ask import answer_regenerate, question_ask
from analysis.answer.payload import answer_payload
from analysis.models import Answer, SweepPart
from analysis.types import Mode
from tests.analysis.answer.rows import repository, snapshot
from tests.analysis.answer.sweep.rows import NEEDLE, QUESTION, Clerk, run
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast


def small_files(number: int, *with_needle: int) -> dict[str, str]:
    return {
        f"src/m{index:02}.py": f"x{index} = {index}\n" + (f"# {NEEDLE.format(index)}\n" if index in with_needle else "")
        for index in range(number)
    }


def swept_repository(cast: Cast, files: dict[str, str], clerk: Clerk) -> Answer:
    row = repository(cast, files)
    return run(
        question_ask(workspace=cast.workspace, user=cast.owner, text=QUESTION, repositories=[row], mode=Mode.SWEEP)
    )


def test_small_files_are_read_together_and_each_has_its_own_result(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    clerk = Clerk(scripted_llm)
    answer = swept_repository(cast, small_files(30, 3, 20), clerk)
    parts = list(SweepPart.objects.filter(answer=answer).select_related("version__document"))
    assert (len(parts), {part.status for part in parts}) == (30, {"done"})
    assert len(clerk.parts) <= 4
    assert all(f"x{index} = {index}\n" in "".join(clerk.parts) for index in range(30))
    found = {part.version.document.path: part.result["findings"] for part in parts if part.result["findings"]}
    assert sorted(found) == ["src/m03.py", "src/m20.py"]
    assert [row["files_whole"] for row in answer.coverage["repositories"]] == [30]
    assert answer.coverage["complete"]
    assert answer.coverage["parts"] == {"total": 30, "read": 30, "cached": 0, "failed": 0}


def test_files_that_are_too_much_together_are_read_one_by_one(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    clerk = Clerk(scripted_llm)
    files = small_files(4, 1)
    answered = clerk.reply

    def reply(body: dict) -> Reply:
        several = flat(body["messages"][-1]["content"]).count("<document ") > 1
        return replace(answered(body), finish="length" if several else "stop")

    scripted_llm.reply_to = reply
    answer = swept_repository(cast, files, clerk)
    assert len(clerk.parts) >= 5
    [found] = [part.result["findings"] for part in SweepPart.objects.filter(answer=answer) if part.result["findings"]]
    assert len(found) == 1


def test_what_is_known_of_files_is_not_read_again_in_a_new_snapshot(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    clerk = Clerk(scripted_llm)
    files = small_files(12, 3)
    first = swept_repository(cast, files, clerk)
    read = len(clerk.parts)
    snapshot(first.question.repositories.get(), {**files, "src/m05.py": f"# {NEEDLE.format(5)}\n"})
    second = run(answer_regenerate(first.question, mode=Mode.SWEEP))
    assert len(clerk.parts) == read + 1
    assert second.coverage["parts"] == {"total": 12, "read": 1, "cached": 11, "failed": 0}
    assert len(answer_payload(second)["findings"]) == 2
    assert answer_payload(second)["findings"][1]["place"] == "src/m05.py:1"
