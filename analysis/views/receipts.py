"""The receipt under an answer: a strip of each document's pages by how they were read, and the figures in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext, gettext_lazy, ngettext

from analysis.answer.receipt import SEEN, SKIPPED, SWEPT, UNREADABLE, WAYS, WHOLE, Ranges, size
from analysis.answer.receipt_code import PART, in_words
from analysis.answer.render import place_url
from analysis.types import Extent, lines_in_words
from analysis.views.figures import counted, dollars, duration, page_ranges, range_words

SAID = {
    WHOLE: gettext_lazy("read whole"),
    SWEPT: gettext_lazy("read by the sweep"),
    SEEN: gettext_lazy("seen as passage"),
    UNREADABLE: gettext_lazy("unreadable"),
    SKIPPED: gettext_lazy("not read"),
}
# Each way has its own height too, from the strip's foot: colours alone would tell some people nothing.
HEIGHTS = {WHOLE: 10, SWEPT: 7, SEEN: 4, UNREADABLE: 10, SKIPPED: 1}

# What each way to read is called on a receipt.
MODE_NAMES = {
    "whole": gettext_lazy("whole"),
    "passages": gettext_lazy("passages"),
    "packed": gettext_lazy("packed"),
    "sweep": gettext_lazy("sweep"),
}
MODES = {
    "whole": gettext_lazy("Whole: all of it stood before the language model at once"),
    "passages": gettext_lazy("Passages: the parts that match the question best"),
    "packed": gettext_lazy("Packed: the files that matter whole, the others in outline, as far as the window holds"),
    "sweep": gettext_lazy("Sweep: every part was read by itself, then what was found was put together"),
}


@dataclass(frozen=True)
class Stretch:
    """Pages side by side that were read in the same way; x and width in pages, y and height of 10 downwards."""

    way: str
    x: int
    width: int
    y: int
    height: int


@dataclass(frozen=True)
class Strip:
    """A document's pages, from left to right. cited: where marks stand, in pages from 0. words: all of it in words."""

    document_id: str
    name: str
    pages: int
    stretches: list[Stretch]
    cited: list[int]
    words: str


@dataclass(frozen=True)
class Legend:
    """What one height and colour of a strip means."""

    way: str
    said: str
    y: int
    height: int


@dataclass(frozen=True)
class Fact:
    """A line of the receipt."""

    label: str
    words: str


@dataclass(frozen=True)
class Receipt:
    """What `_receipt.html` draws. passages: what was sent, where it was not the whole."""

    strips: list[Strip]
    legend: list[Legend]
    facts: list[Fact]
    passages: list[dict[str, Any]]
    repositories: list[ReadFiles]


@dataclass(frozen=True)
class ReadFiles:
    """What was read of a repository. words: all of it in words; extents: the files by how much of each was read."""

    words: str
    extents: list[tuple[str, str, list[ReadFile]]]


@dataclass(frozen=True)
class ReadFile:
    """A file that was read, or some of it: lines says which, "" for all. url: where it is seen as it was read."""

    path: str
    lines: str
    url: str


def files_of(row: Mapping[str, Any]) -> ReadFiles:
    """Return what a receipt says of one repository; the files that were left out are counted, not listed."""
    named = [
        (str(Extent.WHOLE), gettext("read whole")),
        (str(Extent.SKELETON), gettext("in outline")),
        (PART, gettext("in part")),
    ]
    extents = [(extent, said, _read_files(row, row[extent])) for extent, said in named if row.get(extent)]
    return ReadFiles(in_words(row), extents)


def _read_files(row: Mapping[str, Any], paths: Iterable[str]) -> list[ReadFile]:
    """Return the files of a receipt; of those read in part, `paths` says which lines."""
    lines = paths if isinstance(paths, Mapping) else {}
    place = {"repository_id": row["repository_id"], "snapshot": row["snapshot"]}
    found = []
    for path in paths:
        runs = lines.get(path) or [[0, 0]]
        words = ", ".join(lines_in_words(*run) for run in runs)
        url = place_url(place | {"path": path, "start_line": runs[0][0], "end_line": runs[0][1]})
        found.append(ReadFile(path, words, url))
    return found


def receipt_of(payload: Mapping[str, Any], names: Mapping[str, str]) -> Receipt:
    """Return the receipt of an answer. names: of its documents, by id."""
    coverage = payload["coverage"]
    strips = [strip_of(row, payload["citations"]) for row in coverage.get("documents") or []]
    drawn = {stretch.way for strip in strips for stretch in strip.stretches}
    return Receipt(
        strips=strips,
        legend=[Legend(way, str(SAID[way]), 10 - HEIGHTS[way], HEIGHTS[way]) for way in WAYS if way in drawn],
        facts=facts_of(payload),
        passages=[
            passage | {"name": names.get(str(passage["document_id"]), ""), "url": place_url(passage)}
            for passage in coverage.get("passages") or []
            if not passage.get("start_line")  # those in files are told by lines, with their repository
        ],
        repositories=[files_of(row) for row in coverage.get("repositories") or []],
    )


def strip_of(row: Mapping[str, Any], citations: list[dict[str, Any]]) -> Strip:
    """Return the strip of one document of a receipt."""
    ways = row.get("pages") or _ways_of_old(row)
    stretches = [
        Stretch(way, first - 1, count, 10 - HEIGHTS[way], HEIGHTS[way])
        for way in WAYS
        for first, count in page_ranges(ways[way])
    ]
    cited = sorted(
        {
            page["page_number"]
            for citation in citations
            if citation["document_id"] == row["document_id"]
            for page in citation["pages"]
        }
    )
    words = "; ".join(filter(None, [_pages_words(ways, row["pages_total"]), _cited_words(cited)]))
    return Strip(
        document_id=row["document_id"],
        name=row["document_name"],
        pages=row["pages_total"],
        stretches=sorted(stretches, key=lambda stretch: stretch.x),
        cited=[number - 1 for number in cited],
        words=words,
    )


def receipt_line(payload: Mapping[str, Any]) -> list[str]:
    """Return the receipt's line, piece by piece."""
    usage = payload["usage"]
    sent, cached = _tokens(payload)
    pieces = [mode_name(payload["mode"])]
    if sent:
        words = gettext("%(tokens)s tokens, %(share)s cached") if cached else gettext("%(tokens)s tokens")
        pieces.append(words % {"tokens": intcomma(sent), "share": _percent(cached, sent)})
    pieces += [usage["llm"], dollars(usage["cost_usd"])]
    if usage["seconds_to_first_token"]:
        pieces.append(gettext("first word %(time)s") % {"time": duration(usage["seconds_to_first_token"])})
    if usage["seconds"]:
        pieces.append(duration(usage["seconds"]))
    return [piece for piece in pieces if piece]


def mode_name(mode: str | None) -> str:
    """Return what a way to read is called, "" as long as none was chosen."""
    return str(MODE_NAMES.get(mode or "", mode or ""))


def facts_of(payload: Mapping[str, Any]) -> list[Fact]:
    """Return the lines of the receipt that there is something to say in."""
    coverage = payload["coverage"]
    facts = {
        gettext("How"): MODES.get(str(payload["mode"]), ""),
        gettext("Read"): _read_words(coverage),
        gettext("Parts"): _parts_words(coverage),
        gettext("Not read"): _not_ready_words(coverage),
        gettext("Plan"): (payload["plan"] or {}).get("why", ""),
        gettext("Tokens"): _tokens_words(payload),
        gettext("Counted"): _counted_words(coverage, payload["usage"]),
        gettext("Language model"): payload["usage"]["llm"],
        gettext("Cost"): _cost_words(payload["usage"]),
        gettext("Time"): _time_words(payload["usage"]),
        gettext("Left out"): _history_words(coverage.get("history_dropped", 0)),
        gettext("Cut off"): gettext("The answer reached its longest permitted length.")
        if coverage.get("answer_cut")
        else "",
    }
    return [Fact(label, words) for label, words in facts.items() if words]


def _ways_of_old(row: Mapping[str, Any]) -> dict[str, Ranges]:
    """Return the pages of a receipt from before it said how each was read."""
    ways: dict[str, Ranges] = defaultdict(list)
    ways[WHOLE if row["characters_read"] >= row["characters_total"] else SEEN] = row["pages_read"]
    ways[SKIPPED], ways[UNREADABLE] = row["pages_skipped"], row.get("pages_unreadable", [])
    return ways


def _pages_words(ways: Mapping[str, Ranges], total: int) -> str:
    """Return "18 pages read whole", or each way with its pages: "pages 1-3 seen in passages, 4-18 not read"."""
    used = [way for way in WAYS if ways[way]]
    if len(used) == 1:
        return (
            f"{counted(total, 'page')} {SAID[used[0]]}"
            if total > 1
            else (gettext("The one page %(how)s") % {"how": SAID[used[0]]})
        )
    listed = (f"{range_words(ways[way])} {SAID[way]}" for way in used)
    return (
        (gettext("Of %(total)s pages: %(listed)s") % {"total": intcomma(total), "listed": ", ".join(listed)})
        if used
        else ""
    )


def _cited_words(cited: list[int]) -> str:
    words = ngettext("cited: page %(pages)s", "cited: pages %(pages)s", len(cited))
    return words % {"pages": range_words(cited)} if cited else ""


def _read_words(coverage: Mapping[str, Any]) -> str:
    total, read = coverage["characters_total"], coverage["characters_read"]
    if not total:
        return ""
    share = gettext("all") if read >= total else _percent(read, total)
    pages = coverage.get("pages_total", 0)
    unreadable = sum(size(row.get("pages_unreadable") or []) for row in coverage.get("documents") or [])
    words = gettext("%(read)s of %(total)s characters (%(share)s)") % {
        "read": intcomma(read),
        "total": intcomma(total),
        "share": share,
    }
    if pages:
        on = {"read": intcomma(coverage["pages_read_count"]), "pages": counted(pages, "page")}
        words += gettext(", on %(read)s of %(pages)s") % on
    if unreadable:
        words += gettext("; %(pages)s could not be read") % {"pages": counted(unreadable, "page")}
    return words


def _parts_words(coverage: Mapping[str, Any]) -> str:
    parts = coverage.get("parts") or {}
    if not isinstance(parts, dict):  # of a receipt from before parts were told apart
        return (gettext("Read in %(parts)s parts, then combined") % {"parts": parts}) if parts > 1 else ""
    total = parts.get("total", 0)
    left = total - parts.get("read", 0) - parts.get("cached", 0) - parts.get("failed", 0)
    said = [
        (parts.get("read"), gettext("read now")),
        (parts.get("cached"), gettext("known from an earlier sweep")),
        (parts.get("failed"), gettext("could not be read")),
        (left, gettext("not reached")),
    ]
    counts = ", ".join(f"{intcomma(number)} {words}" for number, words in said if number)
    return f"{counted(total, 'part')}: {counts}" if total else ""


def _not_ready_words(coverage: Mapping[str, Any]) -> str:
    names = [each["document_name"] for each in coverage.get("not_read_in") or []]
    return (
        (gettext("%(names)s: not read in when the question was answered") % {"names": ", ".join(names)})
        if names
        else ""
    )


def _tokens(payload: Mapping[str, Any]) -> tuple[int, int]:
    coverage, usage = payload["coverage"], payload["usage"]
    if coverage["tokens_sent"]:
        return coverage["tokens_sent"], coverage["tokens_cached"]
    return usage["prompt_tokens"], usage["cached_tokens"]


def _tokens_words(payload: Mapping[str, Any]) -> str:
    usage = payload["usage"]
    sent, cached = _tokens(payload)
    written = gettext("%(tokens)s written") % {"tokens": intcomma(usage["completion_tokens"])}
    if thought := usage.get("reasoning_tokens"):
        written += gettext(", %(thought)s of them thinking") % {"thought": intcomma(thought)}
    return (
        (
            gettext("%(sent)s sent, %(cached)s of them (%(share)s) cached; %(written)s")
            % {
                "sent": intcomma(sent),
                "cached": intcomma(cached),
                "share": _percent(cached, sent),
                "written": written,
            }
        )
        if sent
        else ""
    )


def _counted_words(coverage: Mapping[str, Any], usage: Mapping[str, Any]) -> str:
    exact = coverage.get("estimate_exact")
    if exact is None:
        return ""
    planned = (
        gettext("Planned with the model's own tokenizer")
        if exact
        else gettext("Planned with an estimate, not the model's tokenizer")
    )
    return planned + (
        gettext("; what was used was counted here, since the endpoint did not say") if usage.get("estimated") else ""
    )


def _cost_words(usage: Mapping[str, Any]) -> str:
    saved = usage.get("saved_usd") or 0
    return dollars(usage["cost_usd"]) + (
        (gettext("; the cache saved %(saved)s") % {"saved": dollars(saved)}) if saved > 0 else ""
    )


def _time_words(usage: Mapping[str, Any]) -> str:
    if not usage["seconds"]:
        return ""
    first = usage["seconds_to_first_token"]
    words = gettext("%(time)s in all") % {"time": duration(usage["seconds"])}
    if first:
        words += gettext(", first word after %(time)s") % {"time": duration(first)}
    if usage.get("calls"):
        words += gettext(", in %(calls)s") % {"calls": counted(usage["calls"], "call")}
    return words


def _history_words(dropped: int) -> str:
    return (
        (gettext("%(questions)s of this thread did not fit") % {"questions": counted(dropped, "earlier question")})
        if dropped
        else ""
    )


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.0%}".replace("%", " %")
