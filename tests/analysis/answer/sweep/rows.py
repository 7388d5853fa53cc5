"""A document of sections for sweeps, and an endpoint that copies from each part what it was scripted to."""

from __future__ import annotations

import json
import re
from typing import Any

from analysis.answer.ask import question_ask
from analysis.answer.run import answer_run
from analysis.models import Answer, Document, Heading, SweepPart
from analysis.types import Mode
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast

QUESTION = "Who may audit the books?"
LIST = "List every clause on audits."
PART = "part of the document"  # what only the prompt for a part says
CONDENSE = "State what these passages say"
NEEDLE = "The auditor number {} may inspect the books of the company."


def section(number: int, *sentences: str, words: int = 1660) -> str:
    """One section, as long as one part: its needle is in the middle."""
    filler = " ".join(f"s{number}" for _ in range(words // 2))
    return f"SECTION {number}\n{filler}.\n{' '.join(sentences)}\n{filler}.\n"


def contract(found: dict[int, str], sections: int = 6) -> str:
    return "".join(section(number, *([found[number]] if number in found else [])) for number in range(sections))


def swept_document(cast: Cast, text: str, name: str = "lease.pdf", *, pages: int = 6) -> Document:
    row = document(cast, name, text, pages=pages)
    headings(row, text)
    return row


def headings(row: Document, text: str) -> None:
    for ordinal, match in enumerate(re.finditer(r"SECTION \d+", text)):
        Heading.objects.create(
            version=row.version, ordinal=ordinal, level=1, start_char=match.start(), end_char=match.end(),
            section_end_char=len(text),
        )  # fmt: skip


def asked(cast: Cast, *documents: Document, text: str = QUESTION, mode: Mode = Mode.SWEEP) -> Answer:
    return question_ask(workspace=cast.workspace, user=cast.owner, text=text, documents=list(documents), mode=mode)


def run(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def rows_of(answer: Answer) -> list[tuple[Any, ...]]:
    """What stands in the rows of the parts, but for how they came there."""
    rows = SweepPart.objects.filter(answer=answer)
    return list(rows.values_list("ordinal", "start_char", "end_char", "status", "result", "lease_token"))


def held(body: dict[str, Any]) -> bool:
    """Return whether the request wants the completion held to a shape."""
    return "response_format" in body


def in_lines(found: list[str]) -> str:
    return "\n".join(found) or "NONE"


class Clerk:
    """Replies as a language model would that copies what it finds: every sentence with an auditor in it."""

    def __init__(self, server: ScriptedLLM, final: str = "The auditor may inspect the books.") -> None:
        self.server = server
        self.final = final
        self.condensed = 0
        server.reply_to = self.reply

    def reply(self, body: dict[str, Any]) -> Reply:
        prompt = flat(body["messages"][-1]["content"])
        if PART in prompt:
            found = re.findall(r"The auditor number \S+ may inspect the books of the company\.", prompt)
            return Reply(words=[json.dumps({"quotes": found}) if held(body) else in_lines(found)])
        if CONDENSE in prompt:
            self.condensed += 1
            return Reply(words=[f"Digest {self.condensed}."])
        return Reply(words=[self.final])

    @property
    def parts(self) -> list[str]:
        """The prompts for parts that have come in."""
        return [prompt for body in self.server.requests if PART in (prompt := flat(body["messages"][-1]["content"]))]

    @property
    def last(self) -> str:
        return flat(self.server.requests[-1]["messages"][-1]["content"])
