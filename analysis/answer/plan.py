"""The reading plan: how the documents will be read for a question, what that takes, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.cache import cache
from django.utils.translation import gettext, ngettext

from analysis.answer import material
from analysis.answer.budget import CALL_SECONDS, output_reserve, prompt_room
from analysis.answer.findings import exhaustive
from analysis.answer.material import Scope
from analysis.answer.pack import Find, Packing, packing
from analysis.answer.prompt import DocumentText, Turn, packed_prompt, prefix_key, whole_prompt
from analysis.answer.prompt import material as material_of
from analysis.answer.read_once import kept_tokens, reading_now
from analysis.answer.sweep.plan import Sizes, expected_seconds, plan_sweep, roughly_sized, sized
from analysis.answer.sweep.readers import QuestionReader, asked
from analysis.errors import UserError
from analysis.llm import slots, tokens
from analysis.llm.catalogue import LLM
from analysis.llm.prefixes import recently_sent
from analysis.llm.speed import Speed, speed_of
from analysis.llm.tokens import TokenCount
from analysis.models import Document, Question
from analysis.types import Extent, Mode, PackedFile, ReadingPlan
from config.env import env
from config.traces import traced

LEAST_PACK_TOKENS = 1500  # with less room for it, packing shows next to nothing
PACK_SLACK_TOKENS = 64  # texts that stand side by side may take a few tokens more than each alone
MOST_PACK_USD = 0.25  # a question that nobody chose packing for is answered from passages above this
FILE_LIST = DocumentText("", "", 0, "")
FEW_DOCUMENTS = 20  # whose tags are counted with the question
REMEMBER_SECONDS = 7 * 24 * 3600
PASSAGES_FRAME_TOKENS = 100  # the note that there is more, and each passage's place
FAR = 2  # a sweep that is roughly so many times past patience is not looked at closer


@dataclass(frozen=True)
class Measured:
    """What the question and its documents come to, before a mode is chosen."""

    documents: list[DocumentText]
    document_tokens: int
    frame_tokens: int  # instructions, history and question
    cached_tokens: int
    output_tokens: int
    exact: bool
    llm: LLM
    speed: Speed
    tags_tokens: int = 0  # of the frame, what stands around the texts of many documents

    @property
    def whole_tokens(self) -> int:
        return self.document_tokens + self.frame_tokens

    @property
    def fits(self) -> bool:
        return self.whole_tokens <= prompt_room(self.llm, self.output_tokens)

    @property
    def whole_seconds(self) -> float:
        return CALL_SECONDS + max(0, self.whole_tokens - self.cached_tokens) / self.speed.prefill

    @property
    def already_read(self) -> bool:
        return self.cached_tokens >= self.document_tokens > 0

    @property
    def packable(self) -> bool:
        """Return whether there are files of repositories that could be given in outline."""
        return self.file_count > 1

    @property
    def file_count(self) -> int:
        """How many of the documents are files of repositories."""
        return sum(document.home is not None for document in self.documents)

    @property
    def subject(self) -> str:
        """Return "The whole document is", "The 3 documents together are", "The document and 40 files together are"."""
        files = self.file_count
        many = len(self.documents) - files
        if not files:
            words = ngettext("The whole document is", "The %(many)s documents together are", many)
            return words % {"many": intcomma(many)}
        what = ngettext("file", "%(files)s files", files) % {"files": intcomma(files)}
        if many:
            documents = ngettext("document", "%(many)s documents", many) % {"many": intcomma(many)}
            what = gettext("%(documents)s and %(files)s") % {"documents": documents, "files": what}
        return ngettext("The %(what)s is", "The %(what)s together are", many + files) % {"what": what}


@dataclass(frozen=True)
class Pack:
    """What is packed, and the documents that stand before it whole. taken_tokens: those and everything around."""

    packing: Packing
    others: list[Document]
    beside: list[DocumentText]
    taken_tokens: int

    @property
    def shared_tokens(self) -> int:
        return self.taken_tokens + self.packing.shared_tokens

    def tokens(self, files: list[PackedFile]) -> int:
        """Return the tokens of the whole prompt."""
        return self.shared_tokens + sum(file.tokens for file in files if file.extent is Extent.WHOLE)

    def cached_tokens(self, llm: LLM) -> int:
        """Return how many tokens the endpoint is expected to have read for another question."""
        return self.packing.shared_tokens if _was_read([*self.beside, *self.packing.shared], llm) else 0


Packs = Callable[[], Pack | None]


@traced("plan", of=lambda plan: {"mode": str(plan.mode), "tokens": plan.prompt_tokens, "parts": plan.parts})
def plan_reading(*, scope: Scope, text: str, mode: Mode, llm: LLM, parent: Question | None = None) -> ReadingPlan:
    """Return how a question to `scope` would be read. Nothing is run.

    Raises UserError: no_documents when none is ready, unknown_mode, does_not_fit for a *whole* that cannot be.
    """
    documents = material.ready(scope.rows())
    if not documents:
        raise UserError(gettext("There is no document here that has been read in yet."), code="no_documents")
    return plan_documents(documents, text=text, mode=mode, llm=llm, parent=parent)


def plan_documents(
    documents: list[Document], *, text: str, mode: Mode, llm: LLM, parent: Question | None = None
) -> ReadingPlan:
    """Return how these ready documents and files would be read for a question; raises as `plan_reading`."""
    history = material.history(parent, llm).turns
    measured = measure(documents, text, history, llm, output_tokens=output_reserve(llm))
    reader = QuestionReader(asked(text, history), llm)
    return _chosen_plan(mode, measured, reader, _packs(documents, text, history, measured))


def _packs(documents: list[Document], text: str, history: list[Turn], measured: Measured) -> Packs:
    return lambda: pack_for(documents, text, history, measured.llm, output_tokens=measured.output_tokens)


def measure(documents: list[Document], text: str, history: list[Turn], llm: LLM, *, output_tokens: int) -> Measured:
    """Return what the question and its documents come to."""
    described = material.described_all(documents)
    counted = material.token_count(documents, llm, exact_up_to=llm.window_tokens)
    frame = _frame_tokens(described, text, history, llm)
    tags = _tags_tokens(described, llm) if len(described) > FEW_DOCUMENTS else 0
    return Measured(
        documents=described,
        document_tokens=counted.tokens,
        frame_tokens=frame.tokens,
        cached_tokens=_cached_tokens(described, counted.tokens, llm),
        output_tokens=output_tokens,
        exact=counted.exact and frame.exact,
        llm=llm,
        speed=speed_of(llm),
        tags_tokens=tags,
    )


def pack_for(
    documents: list[Document],
    text: str,
    history: list[Turn],
    llm: LLM,
    *,
    output_tokens: int,
    find: Find | None = None,
) -> Pack | None:
    """Return what is packed for a question and what stands beside it; None where there is nothing to pack, or no room.

    Documents are whole before anything of a repository is. find: what matters, where that is not what `text` finds.
    """
    files = [document for document in documents if document.repository_id]
    if len(files) < 2:
        return None
    others = [document for document in documents if not document.repository_id]
    beside = material.described_all(others)
    homes = [replace(FILE_LIST, home=home) for home in material.homes_of(files).values()]
    frame = packed_prompt([*beside, *homes], homes, history, text, max_output_tokens=1)
    held = material.token_count(others, llm, exact_up_to=llm.window_tokens).tokens
    taken = tokens.count_prompt(frame.messages, llm).tokens + held
    base = prompt_room(llm, output_reserve(llm)) - held
    room = prompt_room(llm, output_tokens) - taken - PACK_SLACK_TOKENS
    if room < LEAST_PACK_TOKENS:
        return None
    return Pack(packing(files, asked(text, history), llm, base=base, room=room, find=find), others, beside, taken)


def in_words(seconds: float) -> str:
    """Return a duration as people say it: 2 s, 3 min 20 s, 1 h 5 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        rest -= rest % 10
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _chosen_plan(requested: Mode, measured: Measured, reader: QuestionReader, packs: Packs) -> ReadingPlan:
    if requested is Mode.PASSAGES:
        why = gettext("You chose passages: the parts that match best are read.")
        return _plan(Mode.PASSAGES, requested, why, measured)
    if requested is Mode.SWEEP:
        sizes = sized(measured, reader)
        why = f"{gettext('You chose sweep.')} {_sweep_words(measured, sizes)}"
        return plan_sweep(measured, sizes, requested=requested, why=why)
    if requested is Mode.PACKED:
        return _packed_as_chosen(measured, packs())
    if requested is Mode.WHOLE:
        if not measured.fits:
            raise UserError(_too_large(measured), code="does_not_fit")
        return _plan(Mode.WHOLE, requested, f"{gettext('You chose whole.')} {_whole_words(measured)}", measured)
    if measured.fits and (measured.already_read or measured.whole_seconds <= env.patience_seconds):
        return _plan(Mode.WHOLE, requested, _whole_words(measured), measured)
    return _auto_without_whole(measured, reader, packs)


def _auto_without_whole(measured: Measured, reader: QuestionReader, packs: Packs) -> ReadingPlan:
    """Return the plan for documents that do not fit, or take too long to read at once: a sweep where all is asked for,
    else repositories packed where that is quick and cheap enough.

    The words name what else could be chosen, and how long that would take.
    """
    reason = _slow_words(measured) if measured.fits else _too_large(measured).rstrip(".")
    sizes = roughly_sized(measured, reader)
    everything = exhaustive(reader.question)
    if everything and expected_seconds(measured, sizes) <= FAR * env.sweep_patience_seconds:
        sizes = sized(measured, reader)
        if expected_seconds(measured, sizes) <= env.sweep_patience_seconds:
            why = gettext("%(reason)s, and the question asks for everything there is.") % {"reason": reason}
            why = f"{why} {_sweep_words(measured, sizes)}"
            return plan_sweep(measured, sizes, requested=Mode.AUTO, why=why)
    packed = _packed_within_patience(measured, packs, reason)
    if packed is not None:
        return packed
    why = gettext("%(reason)s, so passages are used.") % {"reason": reason}
    ways = [gettext("whole to wait for it")] if measured.fits else []
    ways += [gettext("packed for whole files where it matters")] if measured.packable else []
    time = in_words(expected_seconds(measured, sizes))
    ways += [gettext("sweep to have every part read, about %(time)s") % {"time": time}]
    choices = gettext("Choose %(ways)s.") % {"ways": gettext(", or ").join(ways)}
    return _plan(Mode.PASSAGES, Mode.AUTO, f"{why} {choices}", measured)


def _packed_as_chosen(measured: Measured, pack: Pack | None) -> ReadingPlan:
    if measured.packable and measured.fits:
        why = f"{gettext('You chose packed, and nothing has to be left out.')} {_whole_words(measured)}"
        return _plan(Mode.WHOLE, Mode.PACKED, why, measured)
    if pack is None:
        raise UserError(_not_packed(measured), code="does_not_fit")
    return packed_plan(measured, pack, pack.packing.fitted(), gettext("You chose packed."), requested=Mode.PACKED)


def _not_packed(measured: Measured) -> str:
    if not measured.packable:
        return gettext("Packing is for repositories, of which files can be given in outline.")
    words = gettext("%(llm)s has too small a window for repositories to be packed, beside what else is asked about.")
    return words % {"llm": measured.llm.name}


def _packed_within_patience(measured: Measured, packs: Packs, reason: str) -> ReadingPlan | None:
    """Return the plan to pack as much as can be read within patience; None where that is little or costs much."""
    readable = int((env.patience_seconds - CALL_SECONDS) * measured.speed.prefill)
    if not measured.packable or readable < LEAST_PACK_TOKENS:
        return None
    pack = packs()
    if pack is None:
        return None
    left = readable - max(0, pack.taken_tokens + pack.packing.shared_tokens - pack.cached_tokens(measured.llm))
    if left < LEAST_PACK_TOKENS:
        return None
    why = gettext("%(reason)s, so the files that the question needs are read whole and others in outline.")
    why %= {"reason": reason}
    plan = packed_plan(measured, pack, pack.packing.fitted(left), why, requested=Mode.AUTO)
    whole = any(file.extent is Extent.WHOLE for file in plan.files)
    return plan if whole and plan.cost_usd_cold <= MOST_PACK_USD else None


def packed_plan(measured: Measured, pack: Pack, files: list[PackedFile], why: str, *, requested: Mode) -> ReadingPlan:
    """Return the plan to read `files`, each in its extent."""
    llm = measured.llm
    prompt_tokens = pack.tokens(files)
    cached = pack.cached_tokens(llm)
    seconds = CALL_SECONDS + (prompt_tokens - cached) / measured.speed.prefill
    return ReadingPlan(
        mode=Mode.PACKED,
        requested=requested,
        why=f"{why} {packed_words(files)}; {gettext('reading takes about %(time)s') % {'time': in_words(seconds)}}.",
        llm=llm.id,
        document_ids=[document.document_id for document in measured.documents],
        document_tokens=measured.document_tokens,
        prompt_tokens=prompt_tokens,
        cached_tokens=cached,
        window_tokens=llm.window_tokens,
        output_tokens=measured.output_tokens,
        expected_seconds=round(seconds, 1),
        cost_usd_cold=_cost(llm, prompt_tokens, 0, measured.output_tokens),
        cost_usd_cached=_cost(llm, prompt_tokens, pack.shared_tokens, measured.output_tokens),
        exact=measured.exact,
        files=files,
    )


def packed_words(files: list[PackedFile]) -> str:
    """Return how many files are read how, in words: "3 of 40 files whole, 30 in outline, 7 left out"."""
    counts = Counter(file.extent for file in files)
    whole, outlined, left = (intcomma(counts[extent]) for extent in (Extent.WHOLE, Extent.SKELETON, Extent.OUT))
    said = [gettext("%(whole)s of %(all)s files whole") % {"whole": whole, "all": intcomma(len(files))}]
    said += [gettext("%(count)s in outline") % {"count": outlined}] if counts[Extent.SKELETON] else []
    said += [gettext("%(count)s left out") % {"count": left}] if counts[Extent.OUT] else []
    return ", ".join(said)


def _sweep_words(measured: Measured, sizes: Sizes) -> str:
    known = sizes.parts_cached
    again = gettext(", %(known)s of them known from before") % {"known": intcomma(known)} if known else ""
    words = ngettext(
        "Every word is read: one part is gone through%(again)s, in about %(time)s.",
        "Every word is read: all %(parts)s parts are gone through%(again)s, in about %(time)s.",
        sizes.parts,
    )
    time = in_words(expected_seconds(measured, sizes))
    return words % {"parts": intcomma(sizes.parts), "again": again, "time": time}


def _whole_words(measured: Measured) -> str:
    size, time = _size_words(measured), {"time": in_words(measured.whole_seconds)}
    if measured.already_read:
        return f"{size}, {gettext('read already: the first word takes about %(time)s') % time}."
    return f"{size}{_being_read(measured) or '; ' + gettext('reading takes about %(time)s') % time}."


def _slow_words(measured: Measured) -> str:
    time = {"time": in_words(measured.whole_seconds)}
    here = "; " + gettext("reading takes about %(time)s here") % time
    return f"{_size_words(measured)}{_being_read(measured) or here}"


def _size_words(measured: Measured) -> str:
    """Return "The whole document is 7,900 tokens"."""
    size = {"subject": measured.subject, "tokens": intcomma(measured.document_tokens)}
    return gettext("%(subject)s %(tokens)s tokens") % size


def _being_read(measured: Measured) -> str:
    """Return how far the reading ahead of any question has come with the one document; "" if there is none."""
    reading = reading_now(measured.documents[0], measured.llm) if len(measured.documents) == 1 else None
    if reading is None or not measured.llm.slots:
        return ""
    share = reading.tokens_done / max(1, reading.tokens_total)
    pages = reading.version.page_count
    read = {"read": intcomma(round(share * pages)), "pages": intcomma(pages)}
    place = gettext("%(read)s of %(pages)s pages") % read if pages > 1 else f"{share:.0%}"
    words = gettext(", being read now, %(place)s; about %(time)s until then")
    return words % {"place": place, "time": in_words(measured.whole_seconds)}


def _too_large(measured: Measured) -> str:
    room = max(0, prompt_room(measured.llm, measured.output_tokens) - measured.frame_tokens)
    words = gettext(
        "%(size)s and %(llm)s can read %(room)s at once "
        "(a window of %(window)s, less room for the question and the answer)."
    )
    window = intcomma(measured.llm.window_tokens)
    size = _size_words(measured)
    return words % {"size": size, "llm": measured.llm.name, "room": intcomma(room), "window": window}


def plan_in(mode: Mode, measured: Measured, why: str) -> ReadingPlan:
    """Return the plan to read in `mode`, whatever else would be possible."""
    return _plan(mode, Mode.AUTO, why, measured)


def _plan(mode: Mode, requested: Mode, why: str, measured: Measured) -> ReadingPlan:
    whole = mode is not Mode.PASSAGES
    llm = measured.llm
    prompt_tokens = measured.whole_tokens if whole else passages_tokens(measured)
    cached_tokens = min(measured.cached_tokens, prompt_tokens) if whole else 0
    seconds = measured.whole_seconds if whole else CALL_SECONDS + prompt_tokens / measured.speed.prefill
    return ReadingPlan(
        mode=mode,
        requested=requested,
        why=why,
        llm=llm.id,
        document_ids=[document.document_id for document in measured.documents],
        file_count=measured.file_count,
        document_tokens=measured.document_tokens,
        prompt_tokens=prompt_tokens,
        cached_tokens=cached_tokens,
        window_tokens=llm.window_tokens,
        output_tokens=measured.output_tokens,
        expected_seconds=round(seconds, 1),
        cost_usd_cold=_cost(llm, prompt_tokens, 0, measured.output_tokens),
        cost_usd_cached=_cost(llm, prompt_tokens, min(measured.document_tokens, prompt_tokens), measured.output_tokens),
        exact=measured.exact,
    )


def _cost(llm: LLM, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
    return llm.cost_usd(prompt_tokens=prompt_tokens, cached_tokens=cached_tokens, completion_tokens=completion_tokens)


def passages_tokens(measured: Measured) -> int:
    """Return the size of a prompt of passages: never more than the documents themselves.

    Of many documents only those that have passages stand in it, with their tags.
    """
    evidence = min(measured.llm.passage_tokens, measured.document_tokens)
    count = len(measured.documents)
    absent = max(0, count - FEW_DOCUMENTS) / count
    return evidence + measured.frame_tokens - round(measured.tags_tokens * absent) + PASSAGES_FRAME_TOKENS


def _frame_tokens(documents: list[DocumentText], text: str, history: list[Turn], llm: LLM) -> TokenCount:
    """Return the tokens of the prompt without the documents' texts; the tags of many are counted once."""
    few = len(documents) <= FEW_DOCUMENTS
    held = [replace(document, text="") for document in documents] if few else []
    frame = whole_prompt(held, history, text, max_output_tokens=1)
    counted = tokens.count_prompt(frame.messages, llm)
    return counted if few else TokenCount(counted.tokens + _tags_tokens(documents, llm), counted.exact)


def _tags_tokens(documents: list[DocumentText], llm: LLM) -> int:
    """Return the tokens of what stands around the documents' texts."""
    key = f"tags:{llm.id}:{prefix_key(documents)}"
    known: int | None = cache.get(key)
    if known is None:
        known = tokens.count_tokens(material_of([replace(document, text="") for document in documents]), llm)
        cache.set(key, known, timeout=REMEMBER_SECONDS)
    return known


def _cached_tokens(documents: list[DocumentText], document_tokens: int, llm: LLM) -> int:
    """Return how many tokens of these documents the endpoint is expected to have read already."""
    kept = kept_tokens(documents[0], llm) if llm.slots and len(documents) == 1 else 0
    return max(kept, document_tokens if _was_read(documents, llm) else 0)


def _was_read(documents: list[DocumentText], llm: LLM) -> bool:
    """Return whether the endpoint is expected to have read what opens a prompt of these documents."""
    key = prefix_key(documents)
    if llm.slots:
        return key in slots.read_by(llm).values()
    return llm.cache != "none" and recently_sent(llm, key)
