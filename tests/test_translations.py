"""Every text of the pages in every language: none left out, none stale, and nothing that a translation breaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.urls import reverse
from django.utils.translation import trans_real
from lxml import etree, html
from lxml.html import HtmlElement
from pytest_django.fixtures import Settings

from tests import test_routes
from tests.conftest import Cast
from tests.test_routes import ANYONE, API, OURS, ROUTES
from workspaces.catalogue import texts
from workspaces.models import User
from workspaces.scripted import SCRIPTED

# The rows and the visits of the test of every route.
arguments, visit = test_routes.arguments, test_routes.visit
CATALOGUES = sorted(Path(settings.LOCALE_PATHS[0]).glob("*/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|</?[a-z]+[^>]*>")


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


# ---- Every page, with each translated text between marks ------------------------------------------------------------

OPEN, CLOSE = "⟦", "⟧"
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-where")
# Of language models and their servers the facts are data, and of the evaluation's runs what they were run with.
NOT_READ = ("script", "style", "code", "pre", "kbd")
DATA_ON = {
    "models",
    "llm",
    "endpoint",
    "endpoint_add",
    "evaluation_run",
    "evaluation_runs",
    "evaluation_compare",
    "api-1:openapi-view",
}
# What the rows of the test hold, and names that are the same in every language.
DATA = re.compile(
    r"""\b(?:The[ ]Firm|\w+@firm\.example|lease\.pdf|Deals|shop|made-up|folder(?:/a\.py)?|a\.py|term(?:\(\))?
    |(?:How[ ]long[?]|theirs
    |The|term|is|five|years|Delaware|law|naïve|or|not|governs|A[ ]lease|Hello|Section[ ]1|away|test-llm|def)
    |0\.1\.0(?:,[ ]\w+(?:[ ]changed)?)?
    |(?:days|events|host|role):[ ]\S+|ERP|Why[?]
    |version[ ]\d+|python|text|function|Editor,[ ]until
    |Ctrl[ ]Enter|Lectern|UTC|English|Deutsch|PDF|Python|Django|PostgreSQL|pgvector|Valkey
    |Qwen2\.5-Coder[ ]0\.5B[ ]\(bundled\)(?:[ ]·[ ]\d+k)?
    |https?:\S+|tests/fixtures/|snap|vendor/ours/)(?!\w)""",
    re.VERBOSE,
)
NUMBERS = "//@x | //@y | //@x1 | //@x2 | //@cx | //@cy | //@width | //@height | //@max | //@min | //progress/@value"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?%?|")
WORD = re.compile(r"[^\W\d_]{3,}")


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Have each German text stand between marks: what is outside of them on a page, nobody has translated."""
    settings.LANGUAGE_CODE = "de"  # that visitors get, whose browser asks for nothing
    german = trans_real.translation("de")
    for name in ("gettext", "ngettext"):
        plain = getattr(german, name)
        monkeypatch.setattr(
            german, name, lambda *words, plain=plain: f"{OPEN}{plain(*words)}{CLOSE}" if words[0] else ""
        )


@pytest.fixture
def reader(cast: Cast) -> User:
    """Return an administrator who owns the firm's workspace and reads German."""
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True, is_superuser=True, language="de")
    cast.owner.refresh_from_db()
    return cast.owner


def pages(visit, reader: User) -> Iterator[tuple[str, HtmlElement]]:
    """Yield each page by the name of its route: those for anyone to a visitor too, the others to the reader."""
    for name in [name for name in OURS if name not in API]:
        for user in (reader, None) if ROUTES[name] is ANYONE else (reader,):
            reply = visit(user, name, "GET")
            if not reply.streaming and reply["Content-Type"].startswith("text/html") and reply.content.strip():
                yield f"{name}{'' if user else ' signed out'}", html.fromstring(reply.content.decode())


def shown(page: HtmlElement) -> Iterator[str]:
    """Yield what a person can read or hear on a page and stands outside of all marks."""
    yield from (outside(each.get(name, "")) for each in page.iter(etree.Element) for name in SPOKEN)
    # A translated text may have elements in it: where it ends is known from all of the page.
    texts = [(text, text.getparent()) for text in page.xpath("//text()")]
    bare = outside("".join(text for text, _ in texts))
    at = 0
    for text, parent in texts:
        words, at = bare[at : at + len(text)], at + len(text)
        if not any(each.tag in NOT_READ for each in [parent, *parent.iterancestors()]):
            yield words


def outside(words: str) -> str:
    """Return `words` with blanks for what stands between marks."""
    depth, found = 0, []
    for sign in words:
        depth += (sign == OPEN) - (sign == CLOSE)
        found.append(sign if depth == 0 and sign != CLOSE else " ")
    return "".join(found)


def test_nothing_on_any_page_is_left_untranslated(visit, cast: Cast, reader: User, marked: None):
    left: dict[str, set[str]] = {}
    numbers: list[tuple[str, str]] = []
    for name, page in pages(visit, reader):
        numbers += [(name, value) for value in page.xpath(NUMBERS) if not NUMBER.fullmatch(value)]
        for text in [] if name in DATA_ON else shown(page):
            bare = DATA.sub(" ", text)
            if WORD.search(bare):
                left.setdefault(" ".join(bare.split()), set()).add(name)
    assert left == {}
    assert numbers == []  # a decimal comma is for people, not for the browser


def test_a_person_reads_the_language_they_chose_and_programs_english(client, cast: Cast):
    client.force_login(cast.editor)
    settings_page = reverse("account_settings")
    english = client.get(settings_page, headers={"Accept-Language": "fr"})
    assert '<html lang="en">' in english.content.decode()
    browsers = client.get(settings_page, headers={"Accept-Language": "de-CH, fr;q=0.5"})
    assert '<html lang="de">' in browsers.content.decode()
    reply = client.post(settings_page, {"name": "Ana", "language": "de"}, follow=True)
    assert "Ihre Einstellungen sind gespeichert." in reply.content.decode()
    assert '<html lang="de">' in client.get("/w/firm/", headers={"Accept-Language": "en"}).content.decode()
    answered = client.get("/api/v1/workspaces", headers={"Accept-Language": "de"})
    assert (answered.status_code, answered["Content-Language"]) == (200, "en")
    client.post(settings_page, {"name": "Ana", "language": ""})
    cast.editor.refresh_from_db()
    assert cast.editor.language == ""


def test_mail_is_in_the_language_of_whom_it_goes_to(client, cast: Cast, mailoutbox):
    EmailAddress.objects.create(user=cast.editor, email=cast.editor.email, verified=True, primary=True)
    User.objects.filter(pk=cast.editor.pk).update(language="de")
    client.post(reverse("account_reset_password"), {"email": cast.editor.email}, headers={"Accept-Language": "en"})
    assert [(each.subject, "neues Passwort" in each.body) for each in mailoutbox] == [
        ("Lectern: Ein neues Passwort wählen", True)
    ]
