"""Which repositories a query names, so that of several only their files are searched.

A name counts where it is plainly one: by its shape (`shop-api`, `pgVector`), in quotes, or beside a word for a code
base. One that is a word of any sentence, as `requests` is, does not count by itself: files left out by mistake cost an
answer, too many of them only some places in the ranking. Documents of no repository are never left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.answer.retrieve.naming import Member
from analysis.identifiers import has_code_shape

_CODE_BASE = r"(?:repository|repo|code[ -]?base|project|package|library|Projekt|Paket|Bibliothek|Codebasis)"
_SHAPED = re.compile(r"\w[-.]\w|\d")


def in_named_repositories(query: str, files: Sequence[Member]) -> Sequence[Member]:
    """Return the files of the repositories that the query names; all of them where it names none."""
    names = {file.repository for file in files}
    named = {name for name in names if name and _is_named(name, query)} if len(names) > 1 else set()
    return [file for file in files if file.repository in named] if named else files


def _is_named(name: str, query: str) -> bool:
    written = re.escape(name)
    if has_code_shape(name) or _SHAPED.search(name):
        return bool(re.search(rf"(?<![\w.-]){written}(?![\w-])", query, re.IGNORECASE))
    quoted = rf"[`\"'“”„‘’«»]{written}[`\"'“”‘’«»]"
    before = rf"\b{_CODE_BASE}\s+(?:called\s+|named\s+)?{written}\b"
    after = rf"\b{written}(?:['’]s)?[\s-]{_CODE_BASE}\b"
    return bool(re.search(f"{quoted}|{before}|{after}", query, re.IGNORECASE))
