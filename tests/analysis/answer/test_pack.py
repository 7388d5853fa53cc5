"""Packing: which files are whole, in outline or out, to the token; and what every question shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.answer import plan as plans
from analysis.answer.ask import question_ask
from analysis.answer.material import Scope
from analysis.answer.pack.fit import Candidate, chosen, fitted, outlined, without_one
from analysis.answer.pack.listing import listing
from analysis.answer.pack.outlines import outlines
from analysis.answer.payload import answer_payload
from analysis.answer.plan import plan_reading
from analysis.answer.run import answer_run
from analysis.errors import UserError
from analysis.llm.registry import llm_get
from analysis.llm.speed import Speed
from analysis.models import Answer, AnswerStatus, Document, Repository, Symbol
from analysis.repository.tree import FileNode, folded
from analysis.types import Extent, Hit, Mode, PackedFile, ReadingPlan
from tests.analysis.answer.rows import SECRET, document, repository
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast

BODY = "    total = total + value\n" * 120
NAMES = ("alpha", "beta", "gamma", "delta", "omega")
FILES = {f"src/{name}.py": f'def {name}_sum(value):\n    """Add to {name}."""\n{BODY}' for name in NAMES}
QUESTION = "What does gamma_sum do?"


# Plain numbers


def candidates(scores: list[float]) -> list[Candidate]:
    return [Candidate(f"d{n}", f"f{n}.py", "app", rank=n, score=score) for n, score in enumerate(scores)]


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 900), st.floats(0, 5)), max_size=40), st.integers(0, 20_000)
)
def test_what_is_fitted_is_within_the_room_and_every_file_is_in_one_extent(
    files: list[tuple[int, int, float]], room: int
) -> None:
    held = candidates([score for _, _, score in files])
    whole = {f"d{n}": tokens for n, (tokens, _, _) in enumerate(files)}
    outline = {f"d{n}": tokens for n, (_, tokens, _) in enumerate(files)}
    outlines_of = outlined(held, room=room // 2, sizes=lambda ids: {id: outline[id] for id in ids}, at_once=7)
    assert sum(outlines_of.values()) <= room // 2
    wholes = chosen(held, room=room - sum(outlines_of.values()), sizes=lambda ids: {id: whole[id] for id in ids})
    assert sum(wholes.values()) + sum(outlines_of.values()) <= room
    packed = fitted(held, outlines_of, wholes)
    assert sorted(file.document_id for file in packed) == sorted(whole)
    assert {file.document_id for file in packed if file.extent is Extent.WHOLE} == set(wholes)
    assert all(file.why for file in packed if file.extent is Extent.OUT)
    least = min((whole[id] for id, (_, _, score) in zip(whole, files, strict=True) if score > 0), default=None)
    if least is not None and not wholes:
        assert least > room - sum(outlines_of.values())


def test_score_by_token_decides_and_what_does_not_fit_is_passed_over() -> None:
    held = candidates([1.0, 0.9, 0.2])
    sizes = {"d0": 4000, "d1": 1000, "d2": 500}
    assert chosen(held, room=2000, sizes=lambda ids: sizes) == {"d1": 1000, "d2": 500}
    assert chosen(held, room=6000, sizes=lambda ids: sizes) == {"d0": 4000, "d1": 1000, "d2": 500}


def test_what_turns_out_too_much_is_given_in_outline_again() -> None:
    files = [
        PackedFile("a", "a.py", Extent.WHOLE, 100, "matches the question"),
        PackedFile("b", "b.py", Extent.WHOLE, 900, "defines x"),
        PackedFile("c", "c.py", Extent.SKELETON, 9),
    ]
    less = without_one(files, 50, {"a": 7, "c": 9})
    assert [(file.extent, file.tokens) for file in less] == [
        (Extent.SKELETON, 7), (Extent.WHOLE, 900), (Extent.SKELETON, 9),
    ]  # fmt: skip
    assert less[0].why == "matches the question, no room"
    assert without_one(files, 5000, {})[1].extent is Extent.OUT


def test_the_tree_is_told_in_as_much_detail_as_fits() -> None:
    tree = folded([FileNode("README.md"), *(FileNode(f"src/deep/m{n}.py") for n in range(20))])
    everything = listing(tree, limit=1000, size=len)
    assert everything.startswith("./ (21 read) README.md\n  src/ (20 read)\n    deep/ (20 read) m0.py m1.py")
    assert listing(tree, limit=60, size=len) == "./ (21 read)\n  src/ (20 read)\n    deep/ (20 read)"
    assert listing(tree, limit=40, size=len) == "./ (21 read)\n  src/ (20 read)"
    assert listing(tree, limit=4, size=len) == ""


# From the question to the receipt


@pytest.fixture
def app(cast: Cast) -> Repository:
    row = repository(cast, FILES)
    for each in row.documents.select_related("version"):
        assert each.version is not None
        name = each.path.removeprefix("src/").removesuffix(".py")
        text = FILES[each.path]
        Symbol.objects.create(
            version=each.version, ordinal=0, kind="function", name=f"{name}_sum", path=f"{name}_sum",
            signature=f"def {name}_sum(value)", start_char=0, end_char=len(text), name_start_char=4,
            name_end_char=8 + len(name), doc_start_char=text.index('"""'), doc_end_char=text.index('"""\n') + 3,
        )  # fmt: skip
    return row


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, words_as_meaning: None) -> None:
    """Nothing is retrieved, so that names in the question decide; reading is quick enough for anything."""
    monkeypatch.setattr("analysis.answer.retrieve.retrieve", lambda query, documents, limit: [])
    monkeypatch.setattr(plans, "speed_of", lambda llm: Speed(4000.0, 20.0))


def planned(
    cast: Cast, *repositories: Repository, mode: Mode = Mode.PACKED, text: str = QUESTION, **more
) -> ReadingPlan:
    scope = Scope(cast.workspace, repositories=repositories, **more)
    return plan_reading(scope=scope, text=text, mode=mode, llm=llm_get())


def extents(plan: ReadingPlan) -> dict[str, str]:
    return {file.path: file.extent.value for file in plan.files}


def run(cast: Cast, row: Repository, text: str = QUESTION, **more) -> Answer:
    answer = question_ask(
        workspace=cast.workspace, user=cast.owner, text=text, repositories=[row], mode=Mode.PACKED, **more
    )
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def test_the_outline_of_a_file_is_its_heads_and_first_comments(app: Repository) -> None:
    version = app.documents.get(path="src/beta.py").version
    assert version is not None
    spans = outlines([version.pk])[version.pk]
    assert "".join(version.read_text(*span) for span in spans) == 'def beta_sum(value):\n    """Add to beta."""\n'
    Symbol.objects.all().delete()
    assert outlines([version.pk])[version.pk] == spans  # remembered


def test_what_the_question_names_is_whole_and_the_rest_in_outline(
    cast: Cast, app: Repository, bundled_llm: ScriptedLLM
) -> None:
    bundled_llm.window_tokens = 4096
    plan = planned(cast, app)
    assert plan.mode is Mode.PACKED
    assert extents(plan) == {path: "whole" if path == "src/gamma.py" else "skeleton" for path in FILES}
    gamma = next(file for file in plan.files if file.extent is Extent.WHOLE)
    assert gamma.why == "defines gamma_sum"
    assert plan.why.startswith("You chose packed. 1 of 5 files whole, 4 in outline; reading takes about")
    assert planned(cast, app, mode=Mode.AUTO).mode is Mode.PACKED


def test_an_answer_from_what_was_packed(cast: Cast, app: Repository, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.window_tokens = 4096
    bundled_llm.replies = [Reply(words=["def gamma_sum(value): Add to gamma."])]
    answer = run(cast, app)
    assert (answer.status, answer.mode) == (AnswerStatus.DONE, "packed")
    prompt = flat(bundled_llm.requests[0]["messages"][1]["content"])
    assert FILES["src/gamma.py"] in prompt
    assert 'outline of src/alpha.py]\ndef alpha_sum(value):\n    """Add to alpha."""\n' in prompt
    assert prompt.count(BODY) == 1
    sent = len(bundled_llm.tokenize(bundled_llm.template(bundled_llm.requests[0]["messages"])))
    assert sent <= answer.plan["prompt_tokens"] <= sent + 120
    [read] = answer.coverage["repositories"]
    assert (read["files_whole"], read["files_skeleton"], read["files_out"]) == (1, 4, 0)
    assert (read["whole"], len(read["skeleton"])) == (["src/gamma.py"], 4)
    assert not answer.coverage["complete"]
    assert answer.coverage["passages"] == []
    assert answer_payload(answer)["citations"][0]["path"] == "src/gamma.py"


def test_what_questions_share_is_the_same_bytes_and_is_not_read_again(
    cast: Cast, app: Repository, bundled_llm: ScriptedLLM
) -> None:
    bundled_llm.window_tokens = 4096
    first, second = run(cast, app), run(cast, app, "And what does `alpha_sum`, in alpha.py, do with its value then?")
    one, other = (flat(body["messages"][1]["content"]) for body in bundled_llm.requests)
    shared = one.rindex("<repository ")
    assert one[:shared] == other[: other.rindex("<repository ")]
    assert second.plan["cached_tokens"] > 0
    assert second.usage["cached_tokens"] >= second.plan["cached_tokens"]
    assert first.plan["cached_tokens"] == 0


def test_a_contract_is_whole_before_anything_is_packed(cast: Cast, app: Repository, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.window_tokens = 4096
    answer = run(cast, app, documents=[document(cast, text="The licence is MIT. " * 20)])
    prompt = flat(bundled_llm.requests[0]["messages"][1]["content"])
    assert prompt.index("The licence is MIT.") < prompt.index("<repository")
    assert answer.coverage["documents"][0]["pages_read"] == [[1, 1]]
    big = document(cast, text="word " * 3000)
    with pytest.raises(UserError, match="too small a window") as caught:
        run(cast, app, documents=[big])
    assert caught.value.code == "does_not_fit"


def test_what_fits_is_read_whole_and_documents_alone_are_not_packed(
    cast: Cast, app: Repository, bundled_llm: ScriptedLLM
) -> None:
    bundled_llm.window_tokens = 32768
    assert planned(cast, app).mode is Mode.WHOLE
    with pytest.raises(UserError, match="Packing is for repositories"):
        plan_reading(scope=Scope(cast.workspace, [document(cast)]), text="?", mode=Mode.PACKED, llm=llm_get())


def test_a_window_too_small_for_all_outlines_leaves_files_out_and_says_which(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    bundled_llm.window_tokens = 3072
    many = {f"src/m{n:02}.py": "x = 1\n" * 60 for n in range(30)} | {"tests/test_m.py": "y = 2\n" * 60}
    plan = planned(cast, repository(cast, many), text="What is in m07.py?")
    assert extents(plan)["src/m07.py"] == "whole"
    assert extents(plan)["tests/test_m.py"] == "out"
    assert {file.extent for file in plan.files} == set(Extent)
    assert plan.prompt_tokens <= 3072 - 400 - 32
    assert len(plan.files) == 31


def test_reading_that_takes_too_long_is_not_chosen_by_itself(
    cast: Cast, app: Repository, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled_llm.window_tokens = 4096
    monkeypatch.setattr(plans, "speed_of", lambda llm: Speed(20.0, 20.0))
    plan = planned(cast, app, mode=Mode.AUTO)
    assert plan.mode is Mode.PASSAGES
    assert "Choose packed for whole files where it matters, or sweep" in plan.why


def test_no_outline_holds_a_secret(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.window_tokens = 2700
    files = {"a.py": f"KEY = '{SECRET}'\n" + "a = 1\n" * 200, "b.py": f"KEY = '{SECRET}'\n" + "b = 1\n" * 300}
    answer = run(cast, repository(cast, files), "What is in a.py?")
    assert answer.mode == "packed"
    sent = "\n".join(flat(message["content"]) for body in bundled_llm.requests for message in body["messages"])
    assert sent.count("•" * len(SECRET)) == 3  # two outlines and one whole file
    assert SECRET not in sent


def test_hits_and_the_files_beside_them_count(
    cast: Cast, app: Repository, bundled_llm: ScriptedLLM, monkeypatch
) -> None:
    bundled_llm.window_tokens = 4096
    row = Document.objects.get(path="src/omega.py")
    found = Hit(str(row.pk), row.path, row.version_id or 0, 0, 9, 1, "def omega", 0.8, start_line=1, end_line=1)
    monkeypatch.setattr("analysis.answer.retrieve.retrieve", lambda query, documents, limit: [found])
    plan = planned(cast, app, text="Where is the last letter?")
    assert [file.path for file in plan.files if file.extent is Extent.WHOLE] == ["src/omega.py"]
    assert plan.files[4].why == "matches the question"
