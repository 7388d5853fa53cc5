"""Headings as Chinese contracts print them: 第一章 总则, 第二条 服务内容, 一、合同标的, （一）交付, 附件一."""

from __future__ import annotations

import re
from typing import NamedTuple

from analysis.numerals import HAN_DIGITS, han_number

_NUMBER = rf"[{HAN_DIGITS}\d]{{1,6}}"
_GAP = r"[\s\u3000]*[:：、.．]?[\s\u3000]*"
_ORDINAL = re.compile(
    rf"(?P<label>第\s?(?P<number>{_NUMBER})\s?(?P<unit>[编編篇章节節条條]))(?![之的款项項和及、]){_GAP}(?P<rest>.*)"
)
_LISTED = re.compile(rf"(?P<label>(?P<number>[{HAN_DIGITS}]{{1,3}}))[、．.][\s\u3000]*(?P<rest>\S.*)")
_BRACKETED = re.compile(rf"(?P<label>[（(](?P<number>[{HAN_DIGITS}]{{1,3}})[)）])[\s\u3000]*(?P<rest>\S.*)")
_ANNEX = re.compile(rf"(?P<label>附[件录錄表]\s?(?P<number>{_NUMBER})?){_GAP}(?P<rest>.*)")
_NAME = re.compile(
    r"[\u3400-\u9fff（）()《》、·\w\s-]{0,36}(?:合同|合同书|协议|协议书|協議|協議書|契约|章程|条款|條款|承诺书|备忘录|声明|总则|附则|前言|鉴于)"
)
_HAN = re.compile(r"[\u3400-\u9fff]")
# What makes a line a sentence, or part of one.
_SENTENCE = re.compile(r"[。；;，,！？!?：:]|应当|應當|不得")
_TITLE_END = re.compile(r"[：:]|[\s\u3000]+")
LONGEST_TITLE = 30


class Read(NamedTuple):
    """A line read as a heading. family: annex, division, clause, listed, bracketed or caps; title_end: in the line."""

    family: str
    label: str
    title: str
    number: tuple[int, ...]
    title_end: int
    run_in: bool


def is_title(text: str) -> bool:
    """Whether `text` is Chinese and short enough, and no sentence, so that it may be a section's title."""
    return bool(_HAN.search(text)) and len(text) <= LONGEST_TITLE and not _SENTENCE.search(text)


def read(line: str, *, alone: bool) -> Read | None:
    """Return the line as a heading, None if it is none. alone: it is a paragraph of its own.

    An article (第一条) opens a section also where its text follows in the same line; its title is then "".
    """
    if match := _ORDINAL.match(line):
        family = "clause" if match["unit"] in "条條" else "division"
        return _labelled(match, family, sentence_allowed=family == "clause")
    for pattern, family in ((_ANNEX, "annex"), (_LISTED, "listed"), (_BRACKETED, "bracketed")):
        match = pattern.fullmatch(line)
        if match:
            return _labelled(match, family, sentence_allowed=False)
    if alone and _NAME.fullmatch(line) and is_title(line):
        return Read("caps", "", line, (), len(line), run_in=False)
    return None


def _labelled(match: re.Match[str], family: str, *, sentence_allowed: bool) -> Read | None:
    title, run_in = _title(match["rest"])
    if match["rest"] and not title and not sentence_allowed:
        return None
    end = match.start("rest") + len(title) if title else match.end("label")
    return Read(family, match["label"], title, (_value(match["number"]),), end, run_in)


def _title(rest: str) -> tuple[str, bool]:
    """Return the title at the start of `rest` and whether text runs on after it."""
    if is_title(rest):
        return rest, False
    head = _TITLE_END.split(rest, maxsplit=1)[0]
    return (head, True) if head != rest and is_title(head) else ("", bool(rest))


def _value(number: str | None) -> int:
    return int(number) if number and number.isdecimal() else han_number(number or "") or 1
