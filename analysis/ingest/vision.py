"""Scanned pages and pictures, read by a language model that sees in place of OCR."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import LecternError
from analysis.ingest import sandbox
from analysis.ingest.calls import Stop, account_of, side_by_side
from analysis.ingest.parse.transcripts import Transcripts
from analysis.llm.catalogue import LLM
from analysis.llm.registry import vision_llm
from analysis.models import Transcript
from analysis.types import CallPurpose

if TYPE_CHECKING:
    from analysis.ingest.run import Run

logger = logging.getLogger(__name__)

# So many pages are drawn at a start of the child, and held in memory.
PAGES_A_START = 8
# An endpoint that has failed on so many pages in a row is not asked about the rest.
GIVE_UP_AFTER = 3


def page_transcripts(run: Run, path: Path) -> Transcripts | None:
    """Return what a language model reads on the file's page images; None where none is set, or there are none.

    Pages that were read before are not read again. A page that fails is named in `failed`, and left to OCR.
    """
    llm = vision_llm()
    if llm is None:
        return None
    version = run.version
    numbers = sandbox.scans(path, name=version.document.name, password=version.password, on_progress=run.report)
    return _Pages(run, path, llm, numbers).read() if numbers else None


class _Pages:
    """The pages of one version that have to be read, and how far reading them has come."""

    def __init__(self, run: Run, path: Path, llm: LLM, numbers: list[int]) -> None:
        self.run, self.path, self.llm, self.numbers = run, path, llm, numbers
        kept = Transcript.objects.filter(version=run.version, llm=llm.id, number__in=numbers)
        self.texts: dict[int, str] = dict(kept.values_list("number", "text"))
        self.failed: list[int] = []
        self._failed_in_a_row = 0

    def read(self) -> Transcripts:
        self._report()
        missing = [number for number in self.numbers if number not in self.texts]
        size = max(PAGES_A_START, self.llm.parallel)
        for at in range(0, len(missing), size):
            self._read_batch(missing[at : at + size])
        return Transcripts(self.llm.name, self.texts, sorted(self.failed))

    def _read_batch(self, numbers: list[int]) -> None:
        if self._failed_in_a_row >= GIVE_UP_AFTER:
            self.failed += numbers
            return
        pictures = sandbox.page_pictures(self.path, numbers, password=self.run.version.password)
        jobs = {number: partial(self._read_page, picture) for number, picture in sorted(pictures.items())}
        for number, read in side_by_side(jobs, parallel=self.llm.parallel, lost=self.run.lost):
            if isinstance(read, LecternError):
                self._fail(number, read)
            else:
                self._keep(number, read)
            self._report()

    def _read_page(self, picture: bytes, should_stop: Stop) -> str:
        from analysis.llm.media import read_page

        account = account_of(self.run.version.document, CallPurpose.VISION)
        return read_page(self.llm, picture, account, should_stop=should_stop)

    def _keep(self, number: int, text: str) -> None:
        text = text.replace("\0", "")
        with self.run.writing():
            Transcript.objects.update_or_create(
                version=self.run.version, number=number, llm=self.llm.id, defaults={"text": text}
            )
        self.texts[number] = text
        self._failed_in_a_row = 0

    def _fail(self, number: int, error: LecternError) -> None:
        logger.warning("%s could not read page %s of version %s: %s", self.llm.id, number, self.run.version.pk, error)
        self.failed.append(number)
        self._failed_in_a_row += 1

    def _report(self) -> None:
        self.run.report("vision", len(self.texts) + len(self.failed), len(self.numbers))
