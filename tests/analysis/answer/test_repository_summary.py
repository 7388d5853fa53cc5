"""Summaries of repositories: what is stated exactly, what the LLM writes, and what either rests on."""

from __future__ import annotations

import re

import pytest

from analysis.answer import plan as plans
from analysis.answer.ask import repository_summary_ask
from analysis.answer.payload import answer_payload
from analysis.answer.run import answer_run
from analysis.errors import UserError
from analysis.llm.speed import Speed
from analysis.models import Answer, AnswerStatus, Import, Question, Repository, Symbol
from analysis.types import Mode
from tests.analysis.answer.rows import SECRET, repository
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast

MAIN = 'import shop.cart\n\n\ndef main():\n    shop.cart.total([])\n\n\nif __name__ == "__main__":\n    main()\n'
CART = 'def total(prices):\n    """Add the prices up."""\n    return sum(prices)\n'
FILES = {
    "README.md": "# Shop\n\nA shop for books.\n\n## Usage\n\n```sh\npython -m shop\n```\n",
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["urllib3>=2"]\n',
    "shop/__main__.py": MAIN,
    "shop/cart.py": CART,
    "shop/keys.py": f'KEY = "{SECRET}"\n',
}


@pytest.fixture
def shop(cast: Cast) -> Repository:
    row = repository(cast, FILES, name="shop")
    main, cart, keys = (row.documents.get(path=f"shop/{name}.py").version for name in ("__main__", "cart", "keys"))
    assert main
    assert cart
    assert keys
    Import.objects.create(version=main, ordinal=0, module="shop.cart", names=[], start_char=0, end_char=16)
    symbol(cart, "total", "def total(prices)", CART, kind="function")
    symbol(keys, "KEY", f'KEY = "{SECRET}"', FILES["shop/keys.py"], kind="constant")
    return row


def symbol(version, name: str, signature: str, text: str, *, kind: str) -> None:
    start = text.index(name)
    Symbol.objects.create(
        version=version, ordinal=0, kind=kind, name=name, path=name, signature=signature, start_char=0,
        end_char=len(text), name_start_char=start, name_end_char=start + len(name),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def words(words_as_meaning: None, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.reply_to = lambda body: Reply(words=[said(flat(body["messages"][-1]["content"]))])


def said(asked: str) -> str:
    return "A shop for books." if "What is this code base" in asked else "return sum(prices) adds the prices up."


def summarised(row: Repository, path: str = "") -> Answer:
    answer = repository_summary_ask(repository=row, user=None, path=path)
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def titles(answer: Answer) -> list[str]:
    return re.findall(r"^## (.+)$", answer.text, re.MULTILINE)


def under(answer: Answer, title: str) -> str:
    return answer.text.partition(f"## {title}\n\n")[2].partition("\n## ")[0].strip()


def test_an_overview_states_what_is_known_and_has_the_rest_written(shop: Repository, bundled_llm: ScriptedLLM) -> None:
    answer = summarised(shop)
    assert (answer.status, answer.mode) == (AnswerStatus.DONE, Mode.WHOLE)
    assert titles(answer) == [
        "What it is", "What it does", "Main parts", "How it hangs together", "Entry points", "How to run it",
        "Dependencies", "Worth knowing",
    ]  # fmt: skip
    assert under(answer, "What it is") == "A shop for books."
    assert "`shop/__main__.py:8-9`" in under(answer, "Entry points") or "shop/__main__.py:" in under(
        answer, "Entry points"
    )
    assert under(answer, "How to run it") == "- Run: `python -m shop`, `README.md:8`"
    assert under(answer, "Dependencies").startswith("- `urllib3>=2`")
    assert "What looks like keys, tokens or passwords is in `shop/keys.py`." in under(answer, "Worth knowing")
    assert "1 file not read in: not text 1." in under(answer, "Worth knowing")
    assert len(bundled_llm.requests) == 4


def test_each_statement_is_cited_at_its_line_or_is_lecterns_own_count(shop: Repository) -> None:
    payload = answer_payload(summarised(shop))
    by_text = {sentence["text"]: sentence for sentence in payload["sentences"]}
    run = next(sentence for text, sentence in by_text.items() if "python -m shop" in text)
    assert run["supported"] is True
    cited = payload["citations"][run["citations"][0]]
    assert (cited["path"], cited["start_line"], cited["quote"]) == ("README.md", 8, "python -m shop")
    own = next(sentence for text, sentence in by_text.items() if "not read in" in text)
    assert (own["supported"], own["citations"]) == (None, [])


def test_a_file_has_what_it_defines_and_who_imports_it(shop: Repository) -> None:
    answer = summarised(shop, "shop/cart.py")
    assert titles(answer) == ["What it is for", "How it works", "What it defines", "How it is used"]
    assert under(answer, "What it defines") == "- `def total(prices)` (function, line 1)"
    assert under(answer, "How it is used") == "- Imported by: `shop/__main__.py`"
    assert [row["whole"] for row in answer.coverage["repositories"]] == [["shop/cart.py"]]


def test_a_folder_is_read_by_itself(shop: Repository, bundled_llm: ScriptedLLM) -> None:
    answer = summarised(shop, "shop/")
    assert titles(answer)[:2] == ["What it is for", "What is in it"]
    assert "urllib3" not in answer.text
    assert "urllib3" not in str(bundled_llm.requests)


def test_no_secret_is_sent_or_written(shop: Repository, bundled_llm: ScriptedLLM) -> None:
    answers = [summarised(shop), summarised(shop, "shop/keys.py")]
    assert SECRET not in str(bundled_llm.requests)
    assert all(SECRET not in str(answer_payload(answer)) for answer in answers)
    assert f'`KEY = "{"•" * len(SECRET)}"`' in under(answers[1], "What it defines")


def test_past_patience_each_heading_has_passages_of_its_own(
    shop: Repository, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "speed_of", lambda llm: Speed(1.0, 20.0))
    monkeypatch.setattr("analysis.answer.retrieve.retrieve", lambda query, documents, limit: [])
    answer = summarised(shop)
    assert (answer.status, answer.mode) == (AnswerStatus.DONE, Mode.PASSAGES)
    assert under(answer, "How to run it") == "- Run: `python -m shop`, `README.md:8`"


def test_the_same_summary_is_one_question_and_is_not_begun_twice(shop: Repository) -> None:
    first = repository_summary_ask(repository=shop, user=None)
    assert repository_summary_ask(repository=shop, user=None) == first
    answer_run(str(first.pk))
    assert repository_summary_ask(repository=shop, user=None).number == 2
    repository_summary_ask(repository=shop, user=None, path="shop")
    assert Question.objects.count() == 2
    with pytest.raises(UserError) as caught:
        repository_summary_ask(repository=shop, user=None, path="nowhere")
    assert caught.value.code == "unknown_path"
