"""What a document calls itself and who its parties are, read from how contracts open.

Contracts say both in their first lines: a title, then the names of the parties, each with the short name that the rest
of the text uses ("Acme Limited, a company ... (the “Supplier”)"). A name is what is written as one; a role is what
stands in quotes after it. What is not found is left out: a wrong party is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.types import Identity, Party, Span

OPENING_CHARACTERS = 8_000
TITLE_WITHIN_CHARACTERS = 2_500
TITLE_MAX_CHARACTERS = 160
# From the first "between": parties stand before the recitals, or at least on the same page.
PREAMBLE_CHARACTERS = 3_000
NAME_MAX_CHARACTERS = 120
MOST_PARTIES = 12
# How far before a short name it says that it is of several parties.
TOGETHER_CHARACTERS = 40
# A company's name, its form, its address, then its short name: all within this.
APART_CHARACTERS = 900
CLOSE_CHARACTERS = 150

_KIND = (
    r"(?:agreements?|contract|lease|licen[cs]e|policy|deed|plan of merger|amendment(?:\s+no\.?\s*\d+)?|addendum|"
    r"terms and conditions|undertaking|indenture|memorandum of understanding|letter of intent|"
    r"statement of work|order form|guaranty|guarantee|charter|by-?laws|power of attorney|promissory note|"
    r"\w*vertrag|\w*vereinbarung)"
)
_KIND_ENDS = re.compile(rf"\b{_KIND}\b", re.IGNORECASE)
_WIDE_TITLE = re.compile(r"[\u4e00-\u9fff（）()]{2,40}(?:合同|协议书?|協議書?|章程|条款)")
_CAPITAL = r"[A-Z][\w&/,.'’-]*"
_SMALL = "of|and|to|the|for"
_THIS_TITLE = re.compile(rf"\b(?i:this)\s+((?:{_CAPITAL}|{_SMALL})(?:[ \t\n]+(?:{_CAPITAL}|{_SMALL}))*)")
_THIS = re.compile(r"(?i)\bthis\b")
_CAPITALS = re.compile(r"(?:[^a-z\n]|(?<=[A-Z])s\b){9,}(?![a-z])")
_LABEL = re.compile(r"(?i)^\W*(?:exhibit|annex|schedule|appendix)\s+[\w().-]*\d[\w().-]*\s*")
_NOT_TITLE = re.compile(r"(?i)^\W*(?:exhibit|execution|source\b|draft\b|page\b|table of contents|dated?\b|\[)")

_BETWEEN = re.compile(r"(?i)\b(?:between|among|amongst|zwischen|parties\s*:|made\s+by)\b")
_PREAMBLE_END = re.compile(
    r"\b(?:WHEREAS|Whereas|RECITALS?|Recitals|WITNESSETH|W I T N E S S E T H|BACKGROUND|Präambel|TABLE OF CONTENTS|"
    r"Source:|(?i:now,?\s+therefore))\b|\n\s*(?:ARTICLE|Article|Section|SECTION|§)\s*[1I]\b|\n\s*1\.?\s+[A-Z]"
)
# The short name, in quotes; several after one name are joined by "or" and "and".
_ROLE = re.compile(r"[\"“”„«]\s*([^\"“”„«»\n]{1,60}?)\s*[,.]?\s*[\"“”»]")
_BETWEEN_ROLES = re.compile(r"[\s,]*(?:or|and|und|oder)?[\s,]*(?:the|der|die)?\s*")
_NO_ROLE = re.compile(
    r"(?i)^(?:this |the |insert )?(?:.*\bagreement|.*\bdate|.*\bact|.*\binformation|.*\bpurpose|.*\bcontract|"
    r"part(?:y|ies)|term|name|collectively|vertrag|parteien?|lease|deed|nda|licen[cs]e|amendment|plan|merger|transaction|discussions)$"
)
_TOGETHER = re.compile(r"(?i)\b(?:collectively|together|jointly|each|either|both|gemeinsam|zusammen)\b")
_WORD = r"(?:[A-Z0-9ÄÖÜ][\w&.'’@/+-]*|[a-z]{1,3}[A-Z][\w.'’-]*|&)"
# "salesforce.com, inc." writes itself small, and is a name by its ending.
_SMALL_NAME = r"\b[a-z][\w.-]*[\w],?\s+(?:inc|llc|ltd|corp|plc|gmbh)\b\.?"
_NAME = re.compile(rf"{_SMALL_NAME}|{_WORD}(?:(?:,?\s+|\s+(?:of|de|the|van|von|der|for|für)\s+){_WORD})*")
# What stands behind these is where a party is, not who it is.
_PLACE = re.compile(r"(?i)\b(?:at|in|near|from)\s+$")
_SUFFIX = (
    r"(?:inc|incorporated|corp|corporation|company|co|llc|l\.l\.c|ltd|limited|plc|l\.?p|llp|n\.a|gmbh(?: & co\.? kg)?|"
    r"ag|kg|se|s\.a|s\.p\.a|s\.r\.l|n\.v|b\.v|oy|ab|trust|fund|bank|university|foundation|association|e\.v)"
)
# "Co., Ltd." and "Bank, N.A." end once; a name goes on after "Trust Company" or "University of".
_SUFFIXES = re.compile(
    rf"(?i)\b{_SUFFIX}\b\.?(?:,?\s+{_SUFFIX}\b\.?)*(?!\s+(?:of|for|de)\s)(?=\s*(?:,|\(|$|\n|\s[A-Z0-9]))"
)
_SUFFIX_ENDS = re.compile(
    rf"(?i)(?<=[\w.,&])\s+{_SUFFIX}\.?(?:\s+of\s.*)?$|\b(?:university|bank|foundation|association)\s+of\b"
)
# "among PSS, PSS Merger Corp." names two.
_ANOTHER = re.compile(r"(\w+),\s+(?=\1\s)")
_JOINED = re.compile(r"(?i)(?:and|or|und|by|the parties)\s+(?=\w)")
_NO_NAME = re.compile(
    rf"(?i)^(?:\W*|\d.*|.*\b(?:insert|dated|section|confidential information|effective date|name of)\b.*|.*\b{_KIND}|"
    r"(?:the |each |one |other |first |second )?(?:part(?:y|ies)|part|and|company|corporation|name))$"
)
_OWN_WORDS = re.compile(
    r"(?i)\b(?:agreement|article|schedule|exhibit|section|act|board|broker|business|closing|committee|confidential\w*|"
    r"account|content|days?|date|evaluation|information|laws?|members?|part(?:y|ies)|policy|program|purpose|representatives|republic|sales|"
    r"registered|term|united states|waiver|district|state|street|road|avenue|suite|seller|buyer|company|recipient)\b"
)
_WIDE_PARTY = re.compile(r"(甲方|乙方|丙方|丁方)\s*(?:[（(][^）)\n]{0,12}[）)])?\s*[：:]\s*([^\n，。；;：:（(]{2,60})")


def identity_of(text: str) -> Identity:
    """Return the title and the parties of a canonical text, as far as its opening says them."""
    opening = text[:OPENING_CHARACTERS]
    title = _title(opening)
    return Identity(text[slice(*title)], *title, tuple(_parties(opening)))


def _title(opening: str) -> Span:
    """Return where the title stands, an empty span if there is none: a line of its own, or "This ... Agreement"."""
    candidates = [*_title_lines(opening[:TITLE_WITHIN_CHARACTERS]), *_this_titles(opening)]
    return next(iter(candidates), Span(0, 0))


def _title_lines(opening: str) -> Iterator[Span]:
    """Yield the lines, or beginnings of lines, that are written as a title and end in a kind of document."""
    if wide := _WIDE_TITLE.search(opening):
        yield Span(*wide.span())
    for line in re.finditer(r"[^\n]+", opening):
        label = _LABEL.match(line[0])
        words = line[0][label.end() if label else 0 :]
        start = line.end() - len(words.lstrip(" \t*#_"))
        words = _THIS.split(opening[start : line.end()])[0]
        capitals = _CAPITALS.match(words)
        end = _kind_end(capitals[0] if capitals else words)
        short = capitals or len(words.strip()) <= TITLE_MAX_CHARACTERS / 2
        if end and short and not _NOT_TITLE.match(words) and _is_titled(words[:end]):
            yield Span(start, start + end)


def _kind_end(words: str) -> int:
    ends = [match.end() for match in _KIND_ENDS.finditer(words[:TITLE_MAX_CHARACTERS])]
    return ends[-1] if ends else 0


def _is_titled(words: str) -> bool:
    """Whether the words are capitalised as those of a title are, all but the small ones."""
    long = [word for word in re.findall(r"[^\W\d_]+", words) if len(word) > 3]
    return bool(long) and sum(word[0].isupper() for word in long) >= 0.8 * len(long)


def _this_titles(opening: str) -> Iterator[Span]:
    for match in _THIS_TITLE.finditer(opening):
        end = _kind_end(match[1])
        if end > len("Agreement") + 2:
            yield Span(match.start(1), match.start(1) + end)


def _parties(opening: str) -> list[Party]:
    """Return the parties in the order of the text, each once."""
    found: dict[str, Party] = {}
    for party in [*_wide_parties(opening), *_parties_between(opening)]:
        key = re.sub(r"\W+", " ", party.name).casefold().strip()
        if key not in found or (party.roles and not found[key].roles):
            found[key] = party
    return list(found.values())[:MOST_PARTIES]


def _wide_parties(opening: str) -> Iterator[Party]:
    for match in _WIDE_PARTY.finditer(opening):
        name = match[2].strip()
        if name.strip("_ "):
            yield Party(name, (match[1],), match.start(2), match.start(2) + len(name))


def _parties_between(opening: str) -> list[Party]:
    """Return those that the first "between" names with short names; if none does, those that one names without."""
    stretches = [_stretch(opening, match.end()) for match in _BETWEEN.finditer(opening)]
    ways = [_with_roles(opening, *stretch) for stretch in stretches]
    ways += [_without_roles(opening, *stretch) for stretch in stretches]
    return next((found for way in ways if (found := list(way))), [])


def _stretch(opening: str, start: int) -> Span:
    """Return where the parties can stand that are named from `start` on."""
    stop = _PREAMBLE_END.search(opening, start, start + PREAMBLE_CHARACTERS)
    return Span(start, stop.start() if stop else min(len(opening), start + PREAMBLE_CHARACTERS))


def _with_roles(text: str, start: int, end: int) -> Iterator[Party]:
    """Yield a party for each group of quoted short names that a name stands before.

    The last is before they are named together, or before something else is defined a long way on.
    """
    some = False
    for group_start, group_end, roles in _role_groups(text, start, end):
        together = _TOGETHER.search(text, max(start, group_start - TOGETHER_CHARACTERS), group_start)
        if (some and together) or group_start - start > APART_CHARACTERS:
            return
        name = _name(text, start, group_start) if roles else None
        if name and (some or _is_company(text[slice(*name)]) or name.start_char - start < CLOSE_CHARACTERS):
            some = True
            yield Party(text[slice(*name)], roles, *name)
        start = group_end


def _role_groups(text: str, start: int, end: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield (start, end, roles) of short names that stand together, as in (“ABC” or the “Supplier”)."""
    groups: list[list[re.Match[str]]] = []
    for match in _ROLE.finditer(text, start, end):
        if groups and _BETWEEN_ROLES.fullmatch(text, groups[-1][-1].end(), match.start()):
            groups[-1].append(match)
        else:
            groups.append([match])
    for group in groups:
        roles = tuple(one[1].strip() for one in group if not _NO_ROLE.match(one[1].strip()))
        yield group[0].start(), group[-1].end(), roles


def _name(text: str, start: int, end: int) -> Span | None:
    """Return the name that a role stands for: the first that is a company's, else the first of a person close by."""
    names = list(_names(text, start, end))
    companies = [name for name in names if _is_company(text[slice(*name)])]
    people = [name for name in names if end - name.end_char < CLOSE_CHARACTERS and _is_person(text, name)]
    return next(iter(companies or people), None)


def _is_company(name: str) -> bool:
    return bool(_SUFFIX_ENDS.search(name))


def _is_person(text: str, span: Span) -> bool:
    """Whether it may be a person or a body that is named: several words, none of them a contract's own, no place."""
    name = text[slice(*span)]
    if _PLACE.search(text, max(0, span.start_char - 10), span.start_char):
        return False
    return bool(re.search(r"\s", name)) and not _OWN_WORDS.search(name) and not re.search(r"\w{3}\.\s|\d", name)


def _without_roles(text: str, start: int, end: int) -> Iterator[Party]:
    """Yield what is written as a company's name, where nobody has a short name."""
    for name in _names(text, start, min(end, start + PREAMBLE_CHARACTERS // 4)):
        if _is_company(text[slice(*name)]):
            yield Party(text[slice(*name)], (), *name)


def _names(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield what is written as a name, cut after each ending that tells a company: an address may follow it."""
    for run in _NAME.finditer(text, start, end):
        at = run.start()
        for cut in [*(match.end() for match in _SUFFIXES.finditer(text, *run.span())), run.end()]:
            name = text[at:cut].strip(" \n\t,")
            first = text.find(name, at, cut)
            joined = _JOINED.match(name) or _ANOTHER.match(name)
            if joined:
                first, name = first + joined.end(), name[joined.end() :]
            if name and len(name) <= NAME_MAX_CHARACTERS and not _NO_NAME.match(name):
                yield Span(first, first + len(name))
            at = cut
