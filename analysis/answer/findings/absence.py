"""Questions that only reading everything can answer, and the sentences that say nothing was found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.llm.catalogue import LLM
from analysis.models import Document

_EXHAUSTIVE = re.compile(
    r"\b(?:list|enumerate)\b"  # list the ...
    r"|\b(?:which|what|find|show|name|identify|extract|collect|give|quote|flag|tell)\b.{0,30}\b(?:all|every|each|any)\b"
    r"(?! (?:day|week|month|quarter|year)\b)"  # a price each month is one thing
    r"|\b(?:is|are|was|were) there\b|\b(?:whether|if) there (?:is|are)\b"
    r"|^\s*(?:does|do|did)\b.{0,60}\b(?:contain|include|have|mention|provide for|address|cover|say anything)\b"
    r"|\b(?:any|no) (?:mention|reference|clause|provision|exception|restriction|limit)s?\b"
    r"|\b(?:how many|how often|anywhere|nowhere|missing|absent|lacks?)\b",
    re.IGNORECASE | re.DOTALL,
)


def exhaustive(question: str) -> bool:
    """Return whether the question asks for every one of something, or whether there is any at all."""
    return bool(_EXHAUSTIVE.search(question))


def absent_sentence(coverage: Mapping[str, Any], llm: LLM) -> str:
    """Return that nothing was found, and what was read to say so, in plain English.

    coverage: the receipt. Only a complete one lets it say that there is nothing; else it says what was not read. llm:
    who has read; one that needs help with reading has its word doubted.
    """
    name = _read_from(coverage)
    if not coverage.get("complete"):
        return f"Nothing about this was found in what could be read of {name}. {_read(coverage)}. {_not_read(coverage)}"
    proof = f"{_read(coverage)}, which is {_all(coverage)}, and none of it was found to answer the question."
    if llm.sweep == "nearest":
        # The receipt proves that all was read, not how well: a model that overlooks things must not sound sure.
        return f"Nothing about this was found in {name}. {proof} {llm.name} is a small model that overlooks things."
    return f"There is nothing about this in {name}. {proof}"


def not_in_passages_sentence(documents: Sequence[Document], passages: int) -> str:
    """Return that the passages which match a question best do not answer it, and what that does not show."""
    name = _named(documents)
    looked = f"the {_count(passages, 'passage')} of {name} that {'match' if passages != 1 else 'matches'}"
    proof = "That is no proof that there is nothing: a sweep reads all of it."
    return f"Nothing about this was found in {looked} the question best. {proof}"


def no_sentence_sentence(documents: Sequence[Document]) -> str:
    """Return that no sentence of the documents comes near to what is asked for, and what that does not show."""
    name = _named(documents)
    looked = "Every sentence was compared with what such a clause says, and no language model has read it for this."
    return f"Nothing about this was found in {name}. {looked} A sweep has all of it read."


def _named(documents: Sequence[Document]) -> str:
    """Return “lease.pdf” or “src/app.py”, "these 3 documents", "these 40 files", "these 2 documents and 40 files"."""
    if len(documents) == 1:
        return f"“{documents[0].name}”"
    files = sum(document.repository_id is not None for document in documents)
    counts = [(len(documents) - files, "document"), (files, "file")]
    return f"these {' and '.join(_count(count, noun) for count, noun in counts if count)}"


def _read_from(coverage: Mapping[str, Any]) -> str:
    """Return the one document or repository by its name, several by how many there are."""
    rows, repositories = coverage["documents"], coverage.get("repositories", [])
    names = [row["document_name"] for row in rows] + [row["name"] for row in repositories]
    if len(names) == 1:
        return f"“{names[0]}”"
    counts = [_count(len(rows), "document")] if rows else []
    counts += [f"{len(repositories):,} repositor{'y' if len(repositories) == 1 else 'ies'}"] if repositories else []
    return f"these {' and '.join(counts)}"


def _all(coverage: Mapping[str, Any]) -> str:
    """Return that this is all there is; of repositories how many files were not read in to begin with."""
    skipped = sum(sum(row["skipped"].values()) for row in coverage.get("repositories", []))
    return (
        f"all there is but for {_count(skipped, 'file')} that {'was' if skipped == 1 else 'were'} not read in"
        if (skipped)
        else "all there is"
    )


def _read(coverage: Mapping[str, Any]) -> str:
    parts = coverage["parts"]
    files = sum(row["files_total"] - row["files_out"] for row in coverage.get("repositories", []))
    pages, characters = coverage["pages_read_count"], coverage["characters_read"]
    read = _count(parts["read"] + parts["cached"], "part")
    held = [_count(pages, "page")] if pages or not files else []
    held += [_count(files, "file")] if files else []
    return f"{read} with {', '.join(held)} and {characters:,} characters were read"


def _not_read(coverage: Mapping[str, Any]) -> str:
    unreadable = sum(last - first + 1 for row in coverage["documents"] for first, last in row["pages_unreadable"])
    left = coverage["characters_total"] - coverage["characters_read"]
    failed, not_ready = coverage["parts"]["failed"], len(coverage["not_read_in"])
    reasons = [
        _count(left, "character") if left else "",
        _count(unreadable, "unreadable page") if unreadable else "",
        f"{_count(failed, 'part')} that failed" if failed else "",
        f"{_count(not_ready, 'document')} that {'was' if not_ready == 1 else 'were'} not ready" if not_ready else "",
    ]
    said = ", ".join(reason for reason in reasons if reason)
    return f"It may be in what was not read: {said}." if said else "It may be in what was not read."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
