"""Every text of the pages in every language: none left out, none stale, and nothing that a translation breaks."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings

from tests import test_routes
from workspaces.catalogue import texts
from workspaces.scripted import SCRIPTED

# The rows and the visits of the test of every route.
arguments, visit = test_routes.arguments, test_routes.visit
CATALOGUES = sorted(Path(settings.LOCALE_PATHS[0]).glob("*/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\w*\}|</?[a-z]+[^>]*>")


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.parts[-3])
def catalogue(request: pytest.FixtureRequest) -> polib.POFile:
    return polib.pofile(str(request.param))


class TestCatalogue:
    def test_it_has_the_texts_of_the_sources_and_no_others(self, catalogue: polib.POFile):
        """`manage.py translations` brings it up to date."""
        kept = {(entry.msgctxt or "", entry.msgid): entry.msgid_plural for entry in catalogue}
        assert kept == {key: each.plural for key, each in texts().items()}

    def test_each_is_translated(self, catalogue: polib.POFile):
        assert [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy] == []

    def test_placeholders_and_tags_are_those_of_the_text(self, catalogue: polib.POFile):
        wrong = [
            (entry.msgid, words) for entry in catalogue for words in _translations(entry) if _differs(entry, words)
        ]
        assert wrong == []

    def test_what_is_compiled_is_what_is_written(self, catalogue: polib.POFile):
        compiled = polib.mofile(str(Path(catalogue.fpath).with_suffix(".mo")))
        assert {_key(entry): _translations(entry) for entry in compiled} == {
            _key(entry): _translations(entry) for entry in catalogue
        }


def test_scripts_say_what_is_listed_for_them():
    said: set[str] = set()
    for path in Path(settings.BASE_DIR, "static").glob("*.js"):
        source = path.read_text()
        for call in re.findall(r"\b(?:say|many)\(((?:[^()]|\([^()]*\))*)\)", source):
            said.update(re.findall(r'"([^"]+)"', call))
        said.update(re.findall(r'Error: "([^"]+)"', source))  # passkeys.js: by the name of what went wrong
    assert said == set(SCRIPTED)


def _translations(entry: polib.MOEntry | polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def _key(entry: polib.MOEntry | polib.POEntry) -> tuple[str, str]:
    return entry.msgctxt or "", entry.msgid


def _differs(entry: polib.POEntry, words: str) -> bool:
    """Return whether a translation names other values than its text. A singular may leave its number out."""
    wanted, found = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid)), set(PLACEHOLDER.findall(words))
    return found != wanted and not (entry.msgid_plural and found == set(PLACEHOLDER.findall(entry.msgid)))
