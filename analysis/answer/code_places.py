"""Places in the files of repositories as people write them, "src/app.py:12-18", with the snapshot they were read in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.answer import masked
from analysis.models import SnapshotFile, VersionText
from analysis.repository.lines import LineTable, line_tables
from analysis.types import lines_in_words

# What a place in a document has instead.
NO_CODE: dict[str, Any] = {
    "path": None,
    "start_line": 0,
    "end_line": 0,
    "repository_id": None,
    "snapshot": None,
    "commit": None,
    "stale": False,
}


@dataclass(frozen=True)
class Quoted:
    """A quote with its place. current_id: the version that its document has now."""

    version_id: int
    start_char: int
    end_char: int
    quote: str
    path: str = ""
    repository_id: str = ""
    current_id: int | None = None

    @property
    def key(self) -> tuple[int, int, int]:
        return self.version_id, self.start_char, self.end_char


class CodePlaces:
    """What there is to say of quotes, looked up for all of them in a constant number of queries.

    Quotes from documents alone cost none, but for those whose document has a new version.
    """

    def __init__(self, quotes: Iterable[Quoted], snapshots: Mapping[str, int] | None = None) -> None:
        """Look up what is known of `quotes`. snapshots: the number of each repository's that was read, by its id."""
        held = list(quotes)
        ids = {each.version_id for each in held if each.repository_id}
        self._tables: dict[int, LineTable] = line_tables(ids) if ids else {}
        self._secrets = masked.secrets_of(ids) if ids else {}
        self._snapshots = _snapshots(ids, snapshots or {}) if ids else {}
        now = {each.current_id for each in held if each.current_id not in (None, each.version_id)}
        self._now = dict(VersionText.objects.filter(version__in=now).values_list("version_id", "text")) if now else {}

    def quote(self, quoted: Quoted) -> str:
        """Return the quote with its secrets masked."""
        return masked.mask(quoted.quote, quoted.start_char, self._secrets.get(quoted.version_id, ()))

    def of(self, quoted: Quoted) -> dict[str, Any]:
        """Return the fields that a quote from a file has beside those of all quotes; `NO_CODE`'s for a document's."""
        if not quoted.repository_id:
            return NO_CODE | {"stale": self._stale(quoted)}
        table = self._tables.get(quoted.version_id)
        start, end = table.lines_of(quoted.start_char, quoted.end_char) if table else (0, 0)
        number, commit = self._snapshots.get(quoted.version_id, (None, None))
        return {
            "place": place_in_words(quoted.path, start, end),
            "path": quoted.path,
            "start_line": start,
            "end_line": end,
            "repository_id": quoted.repository_id,
            "snapshot": number,
            "commit": commit or None,
            "stale": self._stale(quoted),
        }

    def _stale(self, quoted: Quoted) -> bool:
        """Return whether the words are no longer in the document as it is now."""
        changed = quoted.current_id != quoted.version_id
        return changed and quoted.quote not in self._now.get(quoted.current_id or 0, "")


def place_in_words(path: str, start_line: int, end_line: int) -> str:
    """Return "src/app.py:12-18"; the path alone where the lines are not known."""
    lines = lines_in_words(start_line, end_line)
    return f"{path}:{lines}" if lines else path


def _snapshots(version_ids: set[int], read: Mapping[str, int]) -> dict[int, tuple[int, str]]:
    """Return the number and commit of a snapshot that has each version: the one that was read, else the newest."""
    rows = SnapshotFile.objects.filter(version__in=version_ids).order_by("snapshot__number")
    fields = ("version_id", "snapshot__number", "snapshot__commit", "snapshot__repository_id")
    found: dict[int, tuple[int, str]] = {}
    for version_id, number, commit, repository_id in rows.values_list(*fields):
        if version_id is not None and found.get(version_id, (0, ""))[0] != read.get(str(repository_id)):
            found[version_id] = (number, commit)
    return found
