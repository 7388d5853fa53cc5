"""What was found part by part, made into an answer: in one prompt where it fits, else condensed in batches first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from analysis.answer import masked
from analysis.answer.budget import prompt_room
from analysis.answer.cite import cite
from analysis.answer.findings import Found, reduce_prompt
from analysis.answer.receipt import page_number
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import count_prompt, count_tokens
from analysis.models import PartStatus, SweepPart
from analysis.repository.lines import LineTable, line_tables
from analysis.types import Prompt, Source, Span, lines_in_words

PLACE_TOKENS = 24  # what stands around a finding in a prompt
MOST_ROUNDS = 6
LONGEST_LINE = 120  # characters of code that are quoted beside its place

Ask = Callable[[Prompt], str]


def found_in(parts: Sequence[SweepPart]) -> list[Found]:
    """Return what was found, in the order of the documents; findings that overlap are one."""
    found: list[Found] = []
    tables = line_tables(part.version_id for part in parts if part.result.get("findings"))
    for _, of_version in groupby(parts, key=lambda part: part.version_id):
        held = list(of_version)
        found += [_found(held[0], span, note, tables) for span, note in _joined(_spans(held))]
    return found


def final_prompt(question: str, items: list[Found], llm: LLM, condense: Ask) -> Prompt | None:
    """Return the prompt that answers the question, its findings condensed until they fit.

    None when they do not fit however often they are condensed, or when the condensing was stopped: the findings then
    stand for themselves. condense: has a prompt completed; "" when that was stopped.
    """
    for _ in range(MOST_ROUNDS):
        prompt = reduce_prompt(question, items, llm, final=True)
        if _fits(prompt, llm):
            return prompt
        batches = list(_batches(question, items, llm))
        if len(batches) >= len(items):
            return None
        condensed = [_condensed(question, batch, llm, condense) for batch in batches]
        if not all(item.source.text for item in condensed):
            return None
        items = condensed
    return None


def left_out(text: str, items: Sequence[Found], coded: Collection[int] = ()) -> list[Found]:
    """Return the findings that no sentence of the answer rests on. coded: the versions that are source code."""
    cited = [
        (citation.version_id, Span(citation.start_char, citation.end_char))
        for sentence in cite(text, [item.source for item in items], coded=coded)
        for citation in sentence.citations
    ]
    return [item for item in items if not any(_rests_on(item.source, *place) for place in cited)]


def listed(items: Iterable[Found]) -> str:
    """Return the findings as Markdown: their quotes, each under its place."""
    blocks = []
    for place, held in groupby(items, key=_heading):
        quotes = "\n".join(f"- {quoted(item)}" for item in held)
        blocks.append(f"**{place.replace('*', ' ')}**\n\n{quotes}")
    return "\n\n".join(blocks)


def quoted(item: Found) -> str:
    """Return the finding's words in quotation marks, on one line; of code its lines and the first of them."""
    if item.lines:
        first = next((line for line in item.source.text.splitlines() if line.strip()), "")
        code = " ".join(first.replace("`", "'").split())[:LONGEST_LINE]
        return f"`{item.source.document_name}:{item.lines}`" + (f" `{code}`" if code else "")
    return f"“{' '.join(item.source.text.split())}”"


def _heading(item: Found) -> str:
    name = item.source.document_name
    return name if item.lines else f"{name}, page {item.page_number}"


def _spans(parts: Iterable[SweepPart]) -> list[tuple[Span, str]]:
    return [
        (Span(part.start_char + each["start_char"], part.start_char + each["end_char"]), each["note"])
        for part in parts
        if part.status == PartStatus.DONE
        for each in part.result.get("findings", [])
    ]


def _joined(spans: Iterable[tuple[Span, str]]) -> list[tuple[Span, str]]:
    joined: list[tuple[Span, str]] = []
    for span, note in sorted(spans):
        if joined and span.start_char < joined[-1][0].end_char:
            before, said = joined[-1]
            notes = " ".join(dict.fromkeys(each for each in (said, note) if each))
            joined[-1] = (Span(before.start_char, max(before.end_char, span.end_char)), notes)
        else:
            joined.append((span, note))
    return joined


def _found(part: SweepPart, span: Span, note: str, tables: Mapping[int, LineTable]) -> Found:
    document = part.version.document
    source = Source(str(document.pk), document.name, part.version_id, *span, masked.read(part.version, *span))
    table = tables.get(part.version_id)
    if table is not None:
        lines = lines_in_words(*table.lines_of(*span))
        return Found(source, 1, f"lines {lines}", note, lines)
    number = page_number(part.version_id, span.start_char)
    return Found(source, number, f"page {number}", note)


def _fits(prompt: Prompt, llm: LLM) -> bool:
    """Return whether the findings fit the window, and are no more text than the LLM is given at once."""
    tokens = count_prompt(prompt.messages, llm).tokens
    evidence = sum(count_tokens(source.text, llm) for source in prompt.sources)
    return tokens <= prompt_room(llm, prompt.max_output_tokens) and evidence <= llm.part_tokens


def _batches(question: str, items: Sequence[Found], llm: LLM) -> Iterator[list[Found]]:
    """Yield the findings in runs that fit one prompt each."""
    frame = reduce_prompt(question, [replace(items[0], source=replace(items[0].source, text=""))], llm, final=False)
    room = prompt_room(llm, frame.max_output_tokens) - count_prompt(frame.messages, llm).tokens
    room = min(room, llm.part_tokens)
    batch, left = list[Found](), room
    for item in items:
        tokens = count_tokens(item.source.text, llm) + PLACE_TOKENS
        if batch and tokens > left:
            yield batch
            batch, left = [], room
        batch.append(item)
        left -= tokens
    yield batch


def _condensed(question: str, batch: list[Found], llm: LLM, condense: Ask) -> Found:
    """Return one item in place of several: what the LLM says of them, at the place of the first."""
    if len(batch) == 1:
        return batch[0]
    text = condense(reduce_prompt(question, batch, llm, final=False)).strip()
    first, last = batch[0], batch[-1]
    place = first.place if first.place == last.place else f"{first.place} to {last.place}"
    source = replace(first.source, end_char=max(first.source.end_char, first.source.start_char + 1), text=text)
    return Found(source, first.page_number, place, note="condensed")


def _rests_on(source: Source, version_id: int, span: Span) -> bool:
    overlap = span.start_char < source.end_char and source.start_char < span.end_char
    return source.version_id == version_id and overlap
