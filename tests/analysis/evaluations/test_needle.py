"""The needle test: where it is put, and what counts as found."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.evaluations.needle import NEEDLE, haystacks
from analysis.llm.registry import llm_get
from analysis.llm.tokens import count_tokens
from analysis.models import Call, Document, EvaluationRun
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from workspaces.models import Workspace

FILLER = "Nothing of this matters here at all. " * 400


@pytest.fixture
def essays(tmp_path: Path) -> Path:
    (tmp_path / "essay.txt").write_text(FILLER)
    (tmp_path / "LICENSE.txt").write_text("A licence is no essay.")
    return tmp_path


def test_the_needle_stands_between_two_sentences_at_each_depth(db: None, bundled_llm: ScriptedLLM) -> None:
    stacks = list(haystacks(FILLER, [200, 400], [0, 0.5, 1], llm_get()))
    assert [(stack.tokens, stack.depth) for stack in stacks] == [
        (200, 0), (200, 0.5), (200, 1), (400, 0), (400, 0.5), (400, 1),
    ]  # fmt: skip
    for stack in stacks:
        before, after = stack.text[: stack.needle.start_char].rstrip(), stack.text[stack.needle.end_char :]
        assert stack.text[slice(*stack.needle)] == NEEDLE
        assert before == "" or before.endswith("here at all.")
        assert after.strip() == "" or after.startswith(" Nothing")
        rest = stack.text.replace(NEEDLE, "")
        assert stack.tokens * 0.8 < count_tokens(rest, llm_get()) <= stack.tokens + 2
        assert abs(len(before) / len(rest) - stack.depth) < 0.1


@pytest.mark.django_db(transaction=True)
def test_what_is_said_and_cited_is_counted_and_nothing_is_left_behind(
    bundled_llm: ScriptedLLM, words_as_meaning: None, essays: Path, tmp_path: Path
) -> None:
    bundled_llm.replies = [Reply(words=[NEEDLE]), Reply(words=["Walk", " the", " bridge."])]
    figures = tmp_path / "figures.json"
    call_command(
        "evaluate", "needle", str(essays), "--modes", "whole", "--tokens", "300", "--depths", "0.5", "1",
        "--json", str(figures), stdout=io.StringIO(),
    )  # fmt: skip
    written = json.loads(figures.read_text())
    assert [(trial["values"]["said"], trial["values"]["cited"]) for trial in written["trials"]] == [(1, 1), (0, 0)]
    assert written["figures"]["measures"]["said"]["value"] == 0.5
    assert written["figures"]["failed"] == 1
    run = EvaluationRun.objects.get()
    assert (run.name, run.folder, run.llm, run.options["modes"]) == ("needle", essays.name, llm_get().id, ["whole"])
    assert Workspace.objects.count() == Document.objects.count() == Call.objects.count() == 0


def test_a_folder_that_is_not_there_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="There is no folder /nowhere"):
        call_command("evaluate", "needle", "/nowhere")
