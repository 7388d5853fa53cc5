"""The bundled server's slots: one each, the one that has read the document, and first come, first served."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from analysis.llm import slots
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.progress import connection
from analysis.types import Priority
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast


def test_two_people_have_a_slot_each_and_a_third_waits(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = replace(llm_get(), slots=3)
    waited: list[bool] = []
    with (
        slots.slot_for(llm, "a", should_stop=lambda: False) as first,
        slots.slot_for(llm, "b", should_stop=lambda: False) as second,
    ):
        assert {first.number, second.number} == {0, 1}
        with slots.slot_for(llm, "c", should_stop=lambda: bool(waited), on_wait=lambda: waited.append(True)) as third:
            assert third is None
    assert waited == [True]


def test_a_question_gets_the_slot_that_has_read_its_document(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = llm_get()
    slots.remember_read(llm, 0, "lease")
    slots.remember_read(llm, 1, "deed")
    for key, number in [("deed", 1), ("lease", 0), ("deed", 1)]:
        with slots.slot_for(llm, key, should_stop=lambda: False) as slot:
            assert (slot.number, slot.held) == (number, key)
            assert slots.read_by(llm)[number] == ""
        slots.remember_read(llm, number, key)


def test_sweeps_share_one_of_peoples_slots_and_reading_ahead_has_its_own(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = llm_get()
    assert [slots.slots_for(llm, priority) for priority in Priority] == [[0, 1], [1], [2]]


class Line:
    """Threads that stand in line for a slot."""

    def __init__(self, llm: LLM) -> None:
        self.llm = llm
        self.served: list[str] = []
        self.threads: list[threading.Thread] = []

    def join(self, name: str, priority: Priority) -> None:
        """Have one more come; return once it stands in line and waits."""
        waits = threading.Event()
        self.threads.append(threading.Thread(target=self._stand, args=(name, priority, waits.set)))
        self.threads[-1].start()
        assert waits.wait(60)

    def end(self) -> list[str]:
        for thread in self.threads:
            thread.join(60)
        return self.served

    def _stand(self, name: str, priority: Priority, on_wait: Callable[[], None]) -> None:
        with slots.slot_for(self.llm, "", priority=priority, should_stop=lambda: False, on_wait=on_wait) as slot:
            self.served.append(f"{name} on {slot.number}")


def test_who_comes_first_is_served_first_and_people_before_sweeps(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = replace(llm_get(), slots=2)  # one for people
    line = Line(llm)
    with slots.slot_for(llm, "", should_stop=lambda: False):
        line.join("sweep", Priority.SWEEP)
        for name in "abc":
            line.join(name, Priority.PERSON)
    assert line.end() == ["a on 0", "b on 0", "c on 0", "sweep on 0"]


def test_nobody_waits_behind_somebody_who_waits_for_another_slot(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = llm_get()
    with slots.slot_for(llm, "", should_stop=lambda: False, priority=Priority.SWEEP) as swept:
        line = Line(llm)
        line.join("second sweep", Priority.SWEEP)
        with (
            slots.slot_for(llm, "", should_stop=lambda: False) as person,
            slots.slot_for(llm, "", should_stop=lambda: False, priority=Priority.AHEAD) as ahead,
        ):
            assert (swept.number, person.number, ahead.number) == (1, 0, 2)
    assert line.end() == ["second sweep on 1"]


def test_who_died_in_the_line_is_passed_over(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = llm_get()
    connection().zadd(slots._line(llm), {"dead:0,1": 0})
    with slots.slot_for(llm, "", should_stop=lambda: False) as slot:
        assert slot.number in (0, 1)
    assert connection().zcard(slots._line(llm)) == 0
