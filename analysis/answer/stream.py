"""An answer while it is written: its words and its progress, as events that every reader follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from analysis import progress
from analysis.answer.ask import stop_key
from analysis.answer.precedence import give_way
from analysis.answer.prompt import DocumentText, prefix_key
from analysis.answer.read_once import STEP_TOKENS, Reader, prefix_tokens, prompt_tokens
from analysis.answer.readings import load, usable_reading
from analysis.llm import llamacpp, slots
from analysis.llm.catalogue import LLM
from analysis.llm.client import Stop
from analysis.llm.ledger import NOTHING, metered, record
from analysis.llm.prefixes import note_sent
from analysis.llm.speed import learn_speed
from analysis.models import CallStatus, Reading
from analysis.sentences import split_sentences
from analysis.types import Account, Priority, Prompt, Span, Token, Usage

PROGRESS_SECONDS = 0.5  # progress is shown at most this often


@dataclass
class Writer:
    """What has been written of one answer so far. A run that starts again starts with a fresh one, at start_char 0."""

    answer_id: str
    should_stop: Stop
    account: Account
    priority: Priority = Priority.PERSON
    text: str = ""
    reasoning: str = ""
    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    stopped: bool = False
    _fresh: bool = True
    _shown_at: float = 0.0

    def progress(self, stage: str, message: str, done: int = 0, total: int = 0) -> None:
        """Show how far the work has come, in a sentence."""
        self._emit("progress", {"stage": stage, "message": message, "done": done, "total": total})

    def add(self, text: str) -> None:
        """Append to the answer. White space that a completion begins with is left out."""
        text = text.lstrip() if self._fresh else text
        if text:
            self._fresh = False
            self._emit("token", {"start_char": len(self.text), "text": text})
            self.text += text

    def say(self, words: str) -> Span:
        """Append Lectern's own words on what was read; return their place, which no source has to bear out."""
        start = len(self.text)
        self.add(words)
        return Span(start, len(self.text))

    def add_heading(self, title: str) -> None:
        """Append a heading; a completion under it follows."""
        self.add(f"{chr(10) * 2 if self.text else ''}## {title}{chr(10) * 2}")
        self._fresh = True

    def cut_to_sentence(self) -> None:
        """Take back what follows the last full sentence since the last heading, if there is one."""
        begun = self.text.rfind("\n## ")
        sentences = split_sentences(self.text, self.text.find("\n\n", begun + 1) + 2)
        if len(sentences) > 1:
            end = sentences[-2].end_char
            self._emit("token", {"start_char": end, "text": ""})
            self.text = self.text[:end]

    def think(self, text: str) -> None:
        """Append to the model's thinking aloud."""
        if not self.reasoning:
            self.progress("thinking", "Thinking")
        self._emit("reasoning", {"start_char": len(self.reasoning), "text": text})
        self.reasoning += text

    def count(self, usage: Usage) -> None:
        """Add one call's usage to the answer's. The time to the first word is the first call's, waiting included."""
        before = self.usage
        self.usage = Usage(
            prompt_tokens=before.prompt_tokens + usage.prompt_tokens,
            cached_tokens=before.cached_tokens + usage.cached_tokens,
            completion_tokens=before.completion_tokens + usage.completion_tokens,
            reasoning_tokens=before.reasoning_tokens + usage.reasoning_tokens,
            seconds_to_first_token=before.seconds_to_first_token or usage.seconds_to_first_token,
            seconds=before.seconds + usage.seconds,
            finish_reason=usage.finish_reason,
            cache_written_tokens=before.cache_written_tokens + usage.cache_written_tokens,
            estimated=before.estimated or usage.estimated,
        )
        self.calls += 1
        self.stopped = self.stopped or usage.finish_reason == "stopped"

    def due(self) -> bool:
        """Return whether it is time to show progress again."""
        now = time.monotonic()
        if now - self._shown_at < PROGRESS_SECONDS:
            return False
        self._shown_at = now
        return True

    def _emit(self, name: str, data: dict[str, object]) -> None:
        progress.emit(progress.answer_stream(self.answer_id), name, data)


def stop_flag(answer_id: object) -> Stop:
    """Return a function that says whether somebody has asked for this answer to stop."""
    key = stop_key(answer_id)
    return lambda: bool(progress.connection().exists(key))


def complete(
    writer: Writer,
    llm: LLM,
    prompt: Prompt,
    *,
    reads: list[DocumentText],
    place: Callable[[int, int], str],
    on_text: Callable[[str], None] | None = None,
    account: Account | None = None,
) -> Usage:
    """Write one completion into `writer` and return its usage.

    reads: the documents whose whole texts open the prompt, so that what has been read of them is used again. place:
    where the reading is, in words, from tokens done and total. on_text: takes the text instead of the writer. account:
    instead of the writer's.
    """
    usage = Usage()
    tokens = completion(
        llm, prompt, reads=reads, account=account or writer.account, priority=writer.priority,
        should_stop=writer.should_stop, on_wait=_waits(writer),
    )  # fmt: skip
    for token in tokens:
        if token.kind == "prefill" and writer.due():
            writer.progress("reading", place(token.done, token.total), token.done, token.total)
        elif token.kind == "text":
            (on_text or writer.add)(token.text)
        elif token.kind == "reasoning":
            writer.think(token.text)
        elif token.kind == "end" and token.usage is not None:
            usage = token.usage
    writer.count(usage)
    return usage


def completion(
    llm: LLM,
    prompt: Prompt,
    *,
    reads: list[DocumentText],
    account: Account,
    priority: Priority,
    should_stop: Stop,
    on_wait: Callable[[], None],
) -> Iterator[Token]:
    """Yield a completion's tokens, on a slot that has read the documents already if there is one.

    Below a person's priority the prompt is read in steps, and whoever goes first goes between them.
    """
    key = prefix_key(reads) if reads else ""
    if not llm.slots:
        yield from _learning(llm, metered(llm, prompt, account, should_stop=should_stop))
        if key:
            note_sent(llm, key)
        return
    begun = time.monotonic()
    free = give_way(llm, priority, should_stop, on_wait)
    with slots.slot_for(llm, key, priority=priority, should_stop=should_stop, on_wait=on_wait) as slot:
        if slot is None or not free:
            yield Token("end", usage=Usage(finish_reason="stopped"))
            return
        waited = time.monotonic() - begun
        finished = False
        call = _Call(llm, prompt, account, slot, reads, priority, should_stop, on_wait)
        for token in _learning(llm, call.tokens()):
            finished = finished or token.kind in ("text", "end")
            yield _later(token, waited)
        if key and finished:
            slots.remember_read(llm, slot.number, key)


@dataclass(frozen=True)
class _Call:
    """A completion on a slot of the bundled server."""

    llm: LLM
    prompt: Prompt
    account: Account
    slot: slots.Slot
    reads: list[DocumentText]
    priority: Priority
    should_stop: Stop
    on_wait: Callable[[], None]

    def tokens(self) -> Generator[Token, None, None]:
        """Yield the tokens; what opens the prompt is read or loaded first where the slot has not got it.

        What a slot has read is remembered outside the server, which may have been restarted since: the first report of
        progress tells, and then the document is loaded after all.
        """
        reading = usable_reading(self.reads[0], self.llm) if len(self.reads) == 1 else None
        if reading is None or self.slot.held != prefix_key(self.reads):
            yield from self._after_reading(reading)
            return
        with closing(self._metered()) as stream:
            for token in stream:
                if _cache_missed(token, reading):
                    break
                yield token
            else:
                return
        yield from self._after_reading(reading)

    def _after_reading(self, reading: Reading | None) -> Generator[Token, None, None]:
        """Yield the tokens once the slot has read, or been given, what stands before the question."""
        before = Usage()
        if reading is None or not load(self.llm, self.slot.number, reading):
            before = yield from self._read()
        if self.should_stop():
            yield self._stopped(before)
        else:
            yield from self._metered(before)

    def _stopped(self, before: Usage) -> Token:
        """Return the end of a completion that was stopped before it began; what was read for it is noted."""
        if before.prompt_tokens > before.cached_tokens:
            record(self.llm, before, self.account, status=CallStatus.STOPPED, prompt=self.prompt)
        return Token("end", usage=replace(before, finish_reason="stopped"))

    def _read(self) -> Generator[Token, None, Usage]:
        """Have the slot read the one document that opens the prompt, or what does not belong to a person in steps."""
        if len(self.reads) == 1:
            return (yield from self._reader(self.reads[0]).read())
        if self.priority is not Priority.PERSON:
            return (yield from self._in_steps())
        return Usage()

    def _reader(self, document: DocumentText) -> Reader:
        return Reader(
            self.llm, self.slot.number, document, prefix_tokens(document, self.llm), self.priority,
            self.should_stop, self.on_wait, held=self.slot.held == prefix_key([document]),
        )  # fmt: skip

    def _in_steps(self) -> Generator[Token, None, Usage]:
        """Have the slot read the prompt up to its last step, giving way in between; return what was read."""
        tokens = prompt_tokens(self.prompt.messages, self.llm)
        done, fresh, seconds = 0, 0, 0.0
        while len(tokens) - done > STEP_TOKENS and self._free():
            begun = time.monotonic()
            read = llamacpp.prefill(
                self.llm, tokens[: done + STEP_TOKENS], slot=self.slot.number, should_stop=self.should_stop
            )
            seconds += time.monotonic() - begun
            if read is None:
                break
            done, fresh = done + STEP_TOKENS, fresh + read
            yield Token("prefill", done=done, total=len(tokens))
        self._free()
        return Usage(prompt_tokens=done, cached_tokens=done - fresh, seconds=seconds)

    def _free(self) -> bool:
        return give_way(self.llm, self.priority, self.should_stop, self.on_wait)

    def _metered(self, before: Usage = NOTHING) -> Generator[Token, None, None]:
        return metered(
            self.llm, self.prompt, self.account, slot=self.slot.number, should_stop=self.should_stop, before=before
        )


def _learning(llm: LLM, tokens: Iterator[Token]) -> Iterator[Token]:
    """Yield the tokens and learn from the last one how fast the endpoint is."""
    for token in tokens:
        if token.kind == "end" and token.usage is not None:
            learn_speed(llm, token.usage)
        yield token


def _cache_missed(token: Token, reading: Reading) -> bool:
    """Return whether this report of progress shows that the slot has not got what it was thought to have."""
    reported = token.usage if token.kind == "prefill" else None
    return reported is not None and reported.cached_tokens < reading.tokens_total // 2


def _later(token: Token, seconds: float) -> Token:
    """Return the end token with the time spent waiting for a slot, which a person spends waiting too."""
    if token.usage is None or token.kind != "end":
        return token
    usage = token.usage
    first = usage.seconds_to_first_token + seconds if usage.seconds_to_first_token else 0.0
    return replace(token, usage=replace(usage, seconds_to_first_token=first, seconds=usage.seconds + seconds))


def _waits(writer: Writer) -> Callable[[], None]:
    return lambda: writer.progress("waiting", "Waiting for the language model, which is busy with other questions")
