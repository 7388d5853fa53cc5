"""The terms that a document defines: “Term” means …, (the “Term”), glossaries, and the German and Chinese forms.

Pure functions on hostile text, in time proportional to its length: every pattern is bounded, and what is looked at
around a match is a window of fixed width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analysis.ingest.understand.definitions import Defining, Quoted, definition_spans
from analysis.types import DefinedTerm, ParsedHeading, Span

_MOST_TERM_WORDS, _LONGEST_TERM_CHARS = 12, 120
_BEFORE_CHARS, _AFTER_CHARS = 200, 320  # what is looked at around a quoted term
_LABEL = r"(?:\(?(?:[A-Za-z]{1,4}|\d{1,3}(?:\.\d{1,3}){0,4})[.)]|\d{1,3}(?:\.\d{1,3}){1,4}|[-•*–·|])"

_QUOTED = re.compile(
    r"[“„«](?P<curly>\s{0,2}[^\s“”„«»\"][^“”„«»\"\n]{0,90}(?:\n[^“”„«»\"\n]{1,90})?)[”“»\"]"
    r"|[”\"](?P<plain>[^\s,.;:)“”\"][^“”\"\n]{0,90}(?:\n[^“”\"\n]{1,90})?)(?<!\()[\"”]"
    r"|‘(?P<single>[^‘’“”\n]{1,90})’(?!\w)"
    r"|(?<![\w'])'(?P<bare>[A-Z][^'“”\"\n]{1,60})'(?!\w)"
    r"|\*\*(?P<bold>[^*\n]{1,90})\*\*|(?<!_)__(?P<under>[^_\n]{1,90})__(?!_)"
    r"|[「『](?P<corner>[^「」『』\n]{1,40})[」』]"
)
_MEANS = re.compile(
    r"\s{0,40}[,:]?\s{0,9}(?:"
    r"(?:(?:shall|will|do|does|must)\s+)?(?:(?:each|both|all|also)\s+)?(?:have|has)\s+(?:the|such|its"
    r"|their|that|those|a)\s+"
    r"(?:(?:same|respective|following|ordinary)\s+)?(?:meanings?|definitions?)\b"
    r"|(?:(?:shall|will|is\s+to|are\s+to)\s+)?(?:(?:each|both|also|collectively|only)\s+)?"
    r"(?:means?|refers?\s+to|denotes?|signif(?:y|ies))\b"
    r"|(?:(?:shall|will)\s+be|is|are)\s+(?:hereby\s+)?(?:defined|deemed\s+to\s+mean)\b"
    r"|(?:bedeutet|bedeuten|bezeichnet|bezeichnen|meint)\b"
    r"|是?指的?是?|系指|意指|意为|的含义"
    r")",
    re.IGNORECASE,
)
# Words that define only where a definition is expected: "“Affiliate” includes", "“Affiliate”: any company".
_SAYS = re.compile(
    r"\s{0,9}(?:meaning\b|(?:(?:shall|will)\s+)?(?:include[sd]?|comprises?|be|is|are)|ist|sind"
    r"|umfasst)\b|\s{0,3}[:：–—]\s|\s-\s",
    re.IGNORECASE,
)
# What narrows a term down stands between it and the verb: "“Knowledge”, with respect to the Company, means".
_NARROWED = re.compile(
    r"\s{0,9},?\s{0,9}(?:\([^()]{1,120}\)\s{0,9},?\s{0,9})?"
    r"(?:(?:as|when|where|with|in|for|of|or|and)\b[^“”\"„;:]{0,150}?[\s,])??"
    r"(?:(?:shall|will)\s+)?(?:means?|ha(?:ve|s)\s+(?:the|that|such|its)\s+(?:\w+\s+)?meanings?)\b",
    re.IGNORECASE,
)
_JOINS = re.compile(
    r"\s{0,9}[,/]?\s{0,9}(?:(?:and|or|and/or|und|oder|或|和|、)\s{0,9})?(?:(?:the\s+)?(?:terms?"
    r"|words?)\s+)?(?:(?:an?|the)\s+)?",
    re.IGNORECASE,
)
_TERM_WORD = r"(?:terms?|words?|expressions?|phrases?|definitions?|Begriffe?|Ausdr[uü]cke?)"
_PARAGRAPH_START = re.compile(
    rf"(?:\A|\n)[\s>#|]{{0,40}}(?:{_LABEL}[\s]{{0,12}}){{0,2}}(?:\"|[“„])?(?:(?:the|an?|each|any|der"
    rf"|die|das)\s+)?(?:{_TERM_WORD}\s+)?\Z",
    re.IGNORECASE,
)
_AS = re.compile(r"\bas\s{1,9}(?:the\s+term\s+)?\Z", re.IGNORECASE)  # "as “Affiliate” is defined in the Act"
_TERM_SAID = re.compile(rf"\b{_TERM_WORD}\s{{1,9}}(?:an?\s+|the\s+)?\Z", re.IGNORECASE)
# What leads from an opening parenthesis to the name that is given.
_NAMES = re.compile(
    r"(?:\A|\b(?:the|an?|as|called|named|being|collectively|together|individually|each|and|or|jointly|such|all|both|any"
    r"|hereinafter|hereafter|herein|is|our|your|its|this|these|der|die|das|den|dem|folgenden|nachfolgend|nachstehend"
    r"|gemeinsam|zusammen|jeweils|jede[rs]?|kurz|auch|genannt|als)|简称|合称|统称|称为?|下称)"
    r"\s{0,9}[:,;–—-]?\s{0,9}\Z",
    re.IGNORECASE,
)
_NAMED_IN_TEXT = re.compile(
    r"(?:\b(?:referred\s+to|called|defined|abbreviated)"
    r"(?:\s+(?:herein|hereinafter|hereafter|collectively|individually|jointly|together|below"
    r"|in\s+this\s+\w+|throughout|sometimes|also)){0,4}"
    r"\s+(?:to\s+)?as\s{0,3}:?"
    r"|\b(?:collectively|individually|severally|jointly|together)\s+as"
    r"|\bhere(?:inafter|after|in)(?:\s+referred\s+to)?(?:\s+(?:collectively|individually|jointly|called|also|the)){0,3}"
    r"|\b(?:hereinafter|hereby|herein|are|is)\s+called"
    r"|\b(?:im\s+Folgenden|nachfolgend|nachstehend|im\s+Weiteren)(?:\s+(?:auch|gemeinsam|kurz|jeweils"
    r"|zusammen|als|einzeln)){0,3}"
    r"|(?:以下|下)(?:合称|统称|简称|称)为?|简称为?|合称为?)"
    r"\s{0,9}[,:]?\s{0,9}(?:(?:the|an?|der|die|das|den|dem|each\s+an?)\s+)?\Z",
    re.IGNORECASE,
)
_NOT_NAMED = re.compile(
    r"\b(?:defined|used)\s+in|as\s+(?:such|that)\s+term|within\s+the\s+meaning|e\.g\.|i\.e\."
    r"|\bincluding\b|such\s+as|\bsee\b"
    r"|\bentitled|\bcaptioned|\bheaded|doing\s+business|\bd/b/a\b|\bmarked\b|treated\s+as|\bformerly",
    re.IGNORECASE,
)
_AFTER_NAME = re.compile(
    r"\s{0,9}(?:[,.;:)\]）】/]|(?:and|or|in|as|for|when|collectively|individually|together|respectively"
    r"|hereinafter|herein"
    r"|und|oder|genannt|bezeichnet)\b|\Z)",
    re.IGNORECASE,
)
_IN_PARENTHESIS = re.compile(r"[(\[（【]([^()\[\]（）【】]{0,160})\Z")
_QUOTED_BEFORE = re.compile(r"[“„\"«‘][^“”„\"«»’\n]{1,90}[”“\"»’]")
# A definition that only says where the definition is.
_POINTS = re.compile(
    r"[^.;“”\"]{0,60}?\b(?:meanings?|defined|definitions?)\b[^;“”\"]{0,100}?"
    r"\b(?:Sections?|Articles?|Clauses?|Paragraphs?|Recitals?|Preamble|Exhibits?|Schedules?|Annex"
    r"|Appendix|Agreement|Act|Code|Rules?"
    r"|Regulations?|Law|introduct\w+|opening|first\s+paragraph|GAAP)\b",
    re.IGNORECASE,
)
_SAYS_MORE = re.compile(r"\b(?:following\s+meaning|mean(?:ing|s):|as\s+follows|below\s*:)", re.IGNORECASE)
_UNQUOTED = re.compile(
    rf"(?:^[ \t]{{0,40}}|(?<=[.;]\s\s\s)\s{{0,20}})(?:{_LABEL}[ \t]{{1,12}})?(?:The term )?"
    r"(?P<term>[A-ZÄÖÜ][\w’'&/.-]{0,40}(?:[ \t](?:(?:of|and|or|the|for|to|in|on|by)[ \t]){0,2}"
    r"[A-Z0-9ÄÖÜ][\w’'&/.-]{0,40}){0,6})[ \t]{1,4}"
    r"(?:means?|shall mean|will mean|shall include|(?:shall have|has) the meaning|bedeutet|bezeichnet)\b",
    re.MULTILINE,
)
# Words of interpretation clauses ("“or” is not exclusive"), and pronouns: nothing that a reader would look up.
_NO_TERMS = frozenset(
    "include includes included including or and and/or not from to until till through by of in on at any "
    "all each every "
    "either shall will may must should can herein hereof hereto hereunder hereby hereafter hereinafter "
    "herewith therein "
    "thereof thereto extent it its he she his her hers they their we us our you your i me my who without "
    "limitation but "
    "only if is are be means mean writing written the a an this that these those such other so than then "
    "upon under yes no none n/a ft except because while where when whenever date e.g i.e as".split()
)
_PRONOUNS = frozenset("we us our you your".split())  # what they stand for is told in capitals: ("We")


def find_terms(text: str, headings: Sequence[ParsedHeading] = ()) -> list[DefinedTerm]:
    """Return the terms that `text` defines, in order, each with the whole of its definition.

    A term that is defined twice is there twice; one that is only said to be defined elsewhere has `points`.
    """
    places = {place.quoted.start_char: place for place in _unquoted(text)}
    places |= {place.quoted.start_char: place for place in _defining(text, list(_quotes(text)))}
    ordered = [places[start] for start in sorted(places)]
    spans = definition_spans(text, ordered, [heading.start_char for heading in headings])
    return [_term(text, place, span) for place, span in zip(ordered, spans, strict=True)]


def _term(text: str, place: Defining, span: Span) -> DefinedTerm:
    quoted = place.quoted
    return DefinedTerm(quoted.term, quoted.start_char, quoted.end_char, *span, points=_points(text, place, span))


def _points(text: str, place: Defining, span: Span) -> bool:
    said = text[place.quoted.outer_end : min(span.end_char, place.quoted.outer_end + _AFTER_CHARS)]
    return not place.named and bool(_POINTS.match(said)) and not _SAYS_MORE.search(said)


def _quotes(text: str) -> Iterator[Quoted]:
    for match in _QUOTED.finditer(text):
        group = match.lastgroup or ""
        inner = match[group].rstrip(" ,;.:\u00a0")
        start = match.start(group) + len(inner) - len(inner.lstrip())
        term = " ".join(inner.split())
        if _is_term(term):
            yield Quoted(term, start, match.start(group) + len(inner), match.start(), match.end())


def _is_term(term: str) -> bool:
    words = [word.strip(",()") for word in term.lower().split()]
    if (
        not words
        or len(words) > _MOST_TERM_WORDS
        or len(term) > _LONGEST_TERM_CHARS
        or not any(char.isalpha() for char in term)
    ):
        return False
    if "__" in term or all(word in _NO_TERMS for word in words):
        return words[0] in _PRONOUNS and term[:1].isupper()
    return True


def _defining(text: str, quotes: Sequence[Quoted]) -> Iterator[Defining]:
    """Yield the quotes that are defined where they stand, last first; both of "“A” and “B” mean"."""
    following, says = None, False
    for quoted in reversed(quotes):
        joined = following is not None and _JOINS.fullmatch(text, quoted.outer_end, following.outer_start) is not None
        says = _says(text, quoted) or (says and joined)
        if says or _is_named(text, quoted):
            yield Defining(quoted, named=not says)
        following = quoted


def _says(text: str, quoted: Quoted) -> bool:
    """Whether "means" or its kin follow the term."""
    at, end = quoted.outer_end, quoted.outer_end + _AFTER_CHARS
    before = text[max(0, quoted.outer_start - 60) : quoted.outer_start]
    if _MEANS.match(text, at, end):
        return not _AS.search(before)
    expected = _PARAGRAPH_START.search(before) or _TERM_SAID.search(before)
    if expected and _NARROWED.match(text, at, end):
        return True
    return bool(expected) and _SAYS.match(text, at, end) is not None


def _is_named(text: str, quoted: Quoted) -> bool:
    """Whether the term is a name that is given here: (the “Term”), hereinafter “Term”."""
    closed = text[quoted.end_char : quoted.outer_end].strip()[:1] in {".", ",", ";"}  # “Continuing Employees.”
    if not closed and not _AFTER_NAME.match(text, quoted.outer_end, quoted.outer_end + 30):
        return False
    before = text[max(0, quoted.outer_start - _BEFORE_CHARS) : quoted.outer_start]
    if _NAMED_IN_TEXT.search(before):
        return True
    inside = _IN_PARENTHESIS.search(before)
    if not inside:
        return False
    words = _QUOTED_BEFORE.sub(" and ", inside[1]).strip()
    last = words.rpartition(", ")[2] or words
    if quoted.term[0].islower() and len(words.split()) > 4:  # "(including rights as an “authorized user”)"
        return False
    return _NAMES.search(words) is not None and not _NOT_NAMED.search(last)


def _unquoted(text: str) -> Iterator[Defining]:
    """Yield the terms of a glossary without quotes: a line that opens with capitalised words and "means"."""
    for match in _UNQUOTED.finditer(text):
        if _is_term(match["term"]) and not match["term"].startswith(("This ", "The ", "It ", "Which ")):
            yield Defining(Quoted(match["term"], *match.span("term"), *match.span("term")), named=False)
