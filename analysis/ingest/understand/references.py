"""Where a document refers to its own parts ("Section 4.2(b)"), to other documents, and to parts it does not have.

Pure functions on hostile text, in time proportional to its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analysis.ingest.understand.numbering import ANNEXES, Key, Numbering, Part, number_parts, part_key
from analysis.types import Aim, CrossReference, DefinedTerm, ParsedHeading, Span

_WORD = (
    r"(?:[Ss]ub-?)?[Ss]ections?|SECTIONS?|Secs?\.|Articles?|ARTICLES?|Art\.|(?:[Ss]ub-?)?[Cc]lauses?|CLAUSES?"
    r"|(?:[Ss]ub-?)?[Pp]aragraphs?|PARAGRAPHS?|[Pp]aras?\.|Exhibits?|EXHIBITS?|Schedules?|SCHEDULES?|Annex(?:es)?|ANNEX"
    r"|Annexures?|Appendi(?:x|ces)|APPENDIX|Attachments?|Ziffern?|Ziff\.|Artikeln?|Anlagen?|Anhang|Absatz|Abs\."
)
_PLAIN = r"\d{1,4}(?:\.\d{1,3}){0,4}(?:[A-Z](?![A-Za-z]))?|[IVXLC]{1,7}(?![\w])|[A-Z](?:[-.]?\d{1,3})?(?![\w])"
_ITEMS = r"(?:[ \t]?\(\s?[A-Za-z0-9]{1,5}\s?\)){0,6}"
_NUMBER = rf"(?:[“\"]?(?:{_PLAIN})[”\"]?{_ITEMS}|[“\"]?\([A-Za-z0-9]{{1,5}}\){_ITEMS}[”\"]?)"
_AND = (
    r"\s{0,3}(?:,\s{0,3}(?:(?:and|or|und|AND|OR)\s{1,3})?|(?:and/or|and|or|AND|OR|through|to|und|oder|bis"
    r"|sowie)\s{1,3}|[-–—&]\s{0,3})"
)
_MENTION = re.compile(
    rf"\b(?P<word>{_WORD})\s{{1,9}}(?P<numbers>{_NUMBER}(?:{_AND}(?:{_NUMBER})){{0,24}})"
    rf"|(?P<sign>§{{1,2}})\s{{0,4}}(?P<signed>\d{{1,4}}(?:\.\d{{1,3}}){{0,4}}[a-z]?{_ITEMS}"
    rf"(?:{_AND}\d{{1,4}}[a-z]?(?![\w.])){{0,9}})"
)
_ONE = re.compile(rf"[“\"]?(?P<plain>{_PLAIN}|\d{{1,4}}[a-z])?[”\"]?(?P<items>{_ITEMS})[”\"]?")
_ITEM = re.compile(r"\(\s?([A-Za-z0-9]{1,5})\s?\)")
_SEPARATOR = re.compile(_AND)
_PART_OF = re.compile(r"\s{1,3}(?:of|in|to|under)\s{1,3}(?:this\s)?")
_FORM = re.compile(r"Schedules?\s+(?:13[DEG]|14[A-Z]|TO\b).*|Form\b.*", re.S)
_ACRONYM = re.compile(r"[A-Z]{3,6}")
_THIS_ONE = re.compile(r"\b(?:this|hereto|hereof|dieser|diesen)\b|本", re.I)
_THIS = re.compile(
    r"\b(?P<this>(?:[Tt]his|[Dd]iese[rsmn]?)\s{1,3}(?P<word>Section|Article|Clause|Paragraph|Exhibit"
    r"|Schedule|Annex|Appendix|"
    r"section|article|clause|paragraph|subsection|Ziffer|Artikel|Anlage))\b(?!\s{0,3}[\d(IVX])"
)
_GERMAN_PARAGRAPH = re.compile(
    r"\s{1,3}(?:Abs\.|Absatz)\s{0,3}(?P<item>\d{1,2})(?:\s{1,3}(?:Satz|S\.|Nr\.|Nummer)\s{0,3}\d{1,2}){0,2}"
)
_CHINESE = re.compile(
    r"第(?P<article>[零〇一二三四五六七八九十百两\d]{1,6})条(?:第[一二三四五六七八九十\d]{1,4}[款项]){0,2}"
    r"|附件[ \t]?(?P<annex>[一二三四五六七八九十\d]{1,3})"
)
# Whose part it is, said after it.
_OWN_AFTER = re.compile(
    r"\s{0,3},?\s{0,3}(?:hereof|hereto|herein|hereunder|above|below|of\s+this|to\s+this|in\s+this"
    r"|dieses|dieser|oben|unten)\b",
    re.I,
)
_WHOSE_AFTER = re.compile(
    r"\s{1,3}(?:\([^()]{1,60}\)\s{0,3})?(?P<link>of|to|in|under|from|OF|TO|IN|UNDER)\s+(?P<the>(?:the|THE|that\s+certain"
    r"|such|said|any|each|its|their)\s+)?"
    r"(?P<what>[A-Z][\w’'.&/-]{0,30}(?:\s(?:(?:of|and|the|for)\s){0,2}[A-Z0-9][\w’'.&/-]{0,30}){0,6}"
    r"|\d{1,2}\s+(?:U\.S|C\.F)|(?:19|20)\d\d\s+Act)"
)
_LAW_AFTER = re.compile(
    r"\s{1,3}(?:des\s+|der\s+)?(?:[A-Z][A-Za-zäöü]{0,12}(?:G|GB|O|VO|ZPO|gesetz(?:es|buchs?)?|ordnung)\b|U\.?S\.?C)"
)
_OTHER_BEFORE = re.compile(
    r"(?:U\.\s?S\.\s?C\.?|USC|C\.\s?F\.\s?R\.?|CFR|\bCode|\bAct(?:\s+of\s+\d{4})?|Regulations?"
    r"|\bRegs?\.|ERISA|\bRule|\bStat\.|[DMN]GCL|\bLaw|\bUCC|HIPAA"
    r"|Disclosure|Title\s+\d+|》)(?:,|’s|'s)?\s{0,3}(?:at\s+)?\Z"
)
_OTHER_DOCUMENT = re.compile(
    r"(?:Agreement|A(?:ct|CT)|C(?:ode|ODE)|Letter|Plan|Form|Statement|Indenture|Lease|Contract|Bylaws|By-laws"
    r"|Charter|Articles|Note|Licen[sc]e|Order|"
    r"Disclosure Schedules?|Rules?|Regulations?|Law|Policy|Guarant(?:y|ee)|Report|Directive|ERISA"
    r"|[DMN]GCL|DLLCA|UCC|Constitution|Title|\d.*|"
    r"GDPR|Convention|Treaty|Terms|Addendum|Amendment|Instrument|Warrant|Certificate|Memorandum"
    r"|Circular|Handbook|Manual)\b",
)
_OWN_NAMES = frozenset("agreement contract lease amendment addendum policy deed plan note undertaking".split())
_STATUTE_FROM = 40  # a bare "Section 262" of a contract whose own sections end far below is one of a law
_ALONE_CHARS = 40
_NEAR_CHARS = 20_000


@dataclass(frozen=True)
class _Mention:
    """What looks like a reference. word: "Section", "this Section"; numbers: "4.2(b) and 5"."""

    word: str
    span: Span
    numbers: str
    numbers_start: int


@dataclass(frozen=True)
class _One:
    """One number of a mention: "4.2" and its items ("b", "ii")."""

    plain: str
    items: tuple[str, ...]
    span: Span


def find_references(
    text: str, headings: Sequence[ParsedHeading] = (), terms: Sequence[DefinedTerm] = ()
) -> list[CrossReference]:
    """Return the references in `text`, in order, each with its target where it is in this text.

    terms: by which the document calls itself and others ("Section 3 of the Credit Agreement").
    """
    mentions = sorted([*_mentions(text), *_chinese_mentions(text)], key=lambda mention: mention.span)
    numbering = number_parts(text, headings, [mention.span for mention in mentions])
    own = _own_names(text, terms)
    found: dict[int, CrossReference] = {}
    for mention in mentions:
        if mention.span.start_char not in numbering.openings and not _stands_alone(text, mention.span):
            for reference in _resolved(text, mention, numbering, own):
                found.setdefault(reference.start_char, reference)
    for reference in _these(text, numbering):
        found.setdefault(reference.start_char, reference)
    return [found[start] for start in sorted(found)]


def _mentions(text: str) -> Iterator[_Mention]:
    for match in _MENTION.finditer(text):
        word, group = (match["word"], "numbers") if match["word"] else (match["sign"], "signed")
        yield _Mention(word, Span(*match.span()), match[group], match.start(group))


def _chinese_mentions(text: str) -> Iterator[_Mention]:
    for match in _CHINESE.finditer(text):
        group = "article" if match["article"] else "annex"
        yield _Mention("条" if match["article"] else "附件", Span(*match.span()), match[group], match.start(group))


def _stands_alone(text: str, span: Span) -> bool:
    """Whether the words are a line by themselves: a title, or the number that a filing gave an exhibit."""
    before = text[max(0, span.start_char - _ALONE_CHARS) : span.start_char].rpartition("\n")
    after = text[span.end_char : span.end_char + _ALONE_CHARS].partition("\n")
    alone = not before[2].strip(" \t*#|-–—") and (bool(before[1]) or span.start_char < _ALONE_CHARS)
    return alone and not after[0].strip(" \t*#|-–—.:") and (bool(after[1]) or span.end_char + _ALONE_CHARS > len(text))


def _ones(mention: _Mention) -> Iterator[_One]:
    """Yield the numbers of a mention; "(c)" of "4(a) and (c)" is one of section 4."""
    if mention.word in {"条", "附件"}:
        yield _One(mention.numbers, (), mention.span)
        return
    before: _One | None = None
    at = 0
    while match := _ONE.match(mention.numbers, at):
        start = mention.numbers_start
        one = _One(
            match["plain"] or (before.plain if before else ""),
            tuple(_ITEM.findall(match["items"])),
            Span(start + match.start(), start + match.end()),
        )
        if match.end() == at or (before and not _goes_on(before, one, bool(match["plain"]))):
            return
        yield one
        separator = _SEPARATOR.match(mention.numbers, match.end())
        if separator is None:
            return
        before, at = one, separator.end()


def _goes_on(before: _One, one: _One, numbered: bool) -> bool:
    """Whether a number belongs to the list before it: "4(a) and (c)", and not "Section 4 and (y) the notice"."""
    if numbered:
        return one.plain[0].isdigit() == before.plain[:1].isdigit()
    return bool(before.items) and one.items[0].islower() == before.items[-1].islower()


def _resolved(text: str, mention: _Mention, numbering: Numbering, own: frozenset[str]) -> Iterator[CrossReference]:
    """Yield a reference for each number of the mention."""
    parents = list(_parents(text, mention))
    elsewhere = _is_elsewhere(text, mention, parents, own)
    for index, one in enumerate(_ones(mention)):
        start, end = mention.span.start_char if index == 0 else one.span.start_char, one.span.end_char
        german = _GERMAN_PARAGRAPH.match(text, end) if mention.word.startswith("§") else None
        items = (german["item"],) if german else one.items
        end = german.end() if german else end
        label = f"{_singular(mention.word)} {one.plain}{''.join(f'({item})' for item in items)}"
        if elsewhere or _LAW_AFTER.match(text, end):
            yield CrossReference(start, end, label, Aim.ELSEWHERE)
            continue
        aim, target = _aimed(text, mention, replace(one, items=items), parents, numbering)
        if aim is not None:
            yield CrossReference(start, end, label, aim, *(target or (None, None)))


def _singular(word: str) -> str:
    if word.startswith("§"):
        return "§"
    if word.lower().startswith("appendi"):
        return "Appendix"
    if word.lower() == "annexes":
        return "Annex"
    return word[:-1] if word.endswith(("s", "S")) else word


def _parents(text: str, mention: _Mention) -> Iterator[_Mention]:
    """Yield what the mention is part of: of "(c) of Section 5 of Exhibit A", "Section 5", then "Exhibit A"."""
    at = mention.span.end_char
    for _ in range(3):
        link = _PART_OF.match(text, at)
        match = _MENTION.match(text, link.end()) if link else None
        if match is None or not match["word"]:
            return
        at = match.end()
        yield _Mention(match["word"], Span(*match.span()), match["numbers"], match.start("numbers"))


def _is_elsewhere(text: str, mention: _Mention, parents: Sequence[_Mention], own: frozenset[str]) -> bool:
    """Whether the part is said to be one of another document, or of a law."""
    start, end = mention.span.start_char, (parents[-1] if parents else mention).span.end_char
    if _FORM.fullmatch(text, start, mention.span.end_char) or _OTHER_BEFORE.search(text[max(0, start - 40) : start]):
        return True
    if _OWN_AFTER.match(text, end):
        return False
    whose = _WHOSE_AFTER.match(text, end)
    if whose is None:
        return False
    what = whose["what"].rstrip(".,")
    if what.lower() in own:
        return False
    return bool(_OTHER_DOCUMENT.search(what) or (whose["link"] == "of" and _ACRONYM.fullmatch(what)))


def _own_names(text: str, terms: Sequence[DefinedTerm]) -> frozenset[str]:
    """Return the words by which the document calls itself, in small letters: "agreement"."""
    defined: dict[str, bool] = {}
    for term in terms:
        name = term.term.lower().removeprefix("the ").removeprefix("this ")
        if _OWN_NAMES.intersection(name.split()) and not term.points:
            said = (
                text[term.definition_start_char : term.definition_end_char][:200]
                + text[term.start_char - 12 : term.start_char]
            )
            defined[name] = defined.get(name, False) or bool(_THIS_ONE.search(said))
    return frozenset(
        {name for name in _OWN_NAMES if name not in defined} | {name for name, is_own in defined.items() if is_own}
    )


def _aimed(
    text: str, mention: _Mention, one: _One, parents: Sequence[_Mention], numbering: Numbering
) -> tuple[Aim | None, Span | None]:
    """Return where the number leads and its span; no aim where the document's numbers are not known well enough."""
    outer = _outer(parents, numbering)
    if not one.plain:
        found = _items_near(text, mention, one, outer, numbering)
        return (Aim.HERE, found) if found else (Aim.NOWHERE if numbering.parts else None, None)
    part = _part(mention, one, outer, numbering)
    if part is None:
        return _without_part(mention, one, numbering), None
    if not one.items:
        return Aim.HERE, part.span
    if found := numbering.item(one.items, part.span):
        return Aim.HERE, found
    # Items that this reading of the text has not recognised are not said to be missing.
    return (Aim.NOWHERE, None) if numbering.item(_first(one.items[0]), part.span) else (Aim.HERE, part.span)


def _first(label: str) -> tuple[str]:
    return ("1" if label.isdigit() else "a" if label.islower() else "A",)


def _outer(parents: Sequence[_Mention], numbering: Numbering) -> Part | None:
    """Return the part that the mention is said to be in."""
    found: Part | None = None
    for parent in reversed(parents):
        one = next(_ones(parent), None)
        if one and one.plain:
            found = _part(parent, one, found, numbering) or found
    return found


def _part(mention: _Mention, one: _One, outer: Part | None, numbering: Numbering) -> Part | None:
    if mention.word in {"条", "附件"}:
        key = part_key("附件" if mention.word == "附件" else "section", one.plain)
        return numbering.find(key, mention.span.start_char)
    key = part_key(mention.word, one.plain)
    annex = outer if outer and outer.key[0] in ANNEXES.values() else None
    for name in (key, *_other_names(key)):
        if part := numbering.find(name, mention.span.start_char, annex):
            return part
    return None


def _other_names(key: Key) -> list[Key]:
    """Return what else the part may be called: "Section 4" of a document whose articles are its sections."""
    if key[0] in {"section", "article"}:
        return [("article" if key[0] == "section" else "section", *key[1:])]
    return [(name, *key[1:]) for name in ("exhibit", "schedule", "annex", "appendix", "attachment") if name != key[0]]


def _without_part(mention: _Mention, one: _One, numbering: Numbering) -> Aim | None:
    """Return what a number means that no part has: a law's, a missing part's, or nothing that can be said."""
    key = part_key(mention.word, one.plain)
    if key[0] in ANNEXES.values():
        return Aim.NOWHERE
    if not isinstance(key[1], int) or len(numbering.parts) < 3:
        return None
    if len(key) == 2 and key[1] >= max(_STATUTE_FROM, 2 * numbering.highest):
        return Aim.ELSEWHERE
    return Aim.NOWHERE


def _items_near(text: str, mention: _Mention, one: _One, outer: Part | None, numbering: Numbering) -> Span | None:
    """Return the item that "clause (iii)" means: the nearest of that name, in the section around it first."""
    if outer:
        return numbering.item(one.items, outer.span)
    char = mention.span.start_char
    below = text[mention.span.end_char : mention.span.end_char + 12].strip().startswith("below")
    for within in [
        *(part.span for part in numbering.around(char)),
        Span(max(0, char - _NEAR_CHARS), min(len(text), char + _NEAR_CHARS)),
    ]:
        if found := numbering.nearest_item(one.items[0], char, within, below=below):
            return numbering.item(one.items[1:], found) or found
    return None


def _these(text: str, numbering: Numbering) -> Iterator[CrossReference]:
    """Yield "this Section" and its kin, with the part around each."""
    for match in _THIS.finditer(text):
        kind = part_key(match["word"], "A")[0]
        around = [part for part in numbering.around(match.start()) if part.key[0] == kind]
        if around:
            yield CrossReference(*match.span("this"), match["this"], Aim.HERE, *around[0].span)
