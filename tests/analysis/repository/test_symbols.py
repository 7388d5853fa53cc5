"""Symbols: outlines, definitions by nearness, references with lines, finding by part of a name."""

from __future__ import annotations

import pytest

from analysis.models import Snapshot, SymbolUse
from analysis.repository.symbols import definitions, find_symbols, outline, references, symbol_at
from analysis.repository.symbols.finding import humps
from analysis.repository.symbols.rows import first_paragraph
from tests.analysis.repository.rows import add_imports, add_symbols, add_uses, make_rows, version_at
from tests.conftest import Cast

SESSIONS = '''from .adapters import send


class Session:
    """Keeps settings.

    Between requests.
    """

    def request(self, url):
        return self.send(url)

    def send(self, url):
        return send(url)


def send_all(urls):
    return [send(url) for url in urls]
'''
ADAPTERS = "def send(url):\n    return url\n"
OTHER = "def send(mail):\n    return mail\n\n\ndef request():\n    return send(1)\n"
FILES = {
    "http/sessions.py": SESSIONS,
    "http/adapters.py": ADAPTERS,
    "mail/send.py": OTHER,
    "tests/test_send.py": ADAPTERS,
}


@pytest.fixture
def snapshot(cast: Cast) -> Snapshot:
    snapshot = make_rows(cast, FILES)
    sessions = version_at(snapshot, "http/sessions.py")
    add_symbols(sessions, "Session", "Session.request", "Session.send", "send_all")
    add_imports(sessions, (".adapters", ("send",)))
    add_symbols(version_at(snapshot, "http/adapters.py"), "send")
    add_symbols(version_at(snapshot, "mail/send.py"), "send", "request")
    add_symbols(version_at(snapshot, "tests/test_send.py"), "send")
    for path in FILES:
        add_uses(version_at(snapshot, path), "send")
    return snapshot


def test_an_outline_says_what_stands_in_what_at_which_lines(snapshot: Snapshot) -> None:
    rows = outline(version_at(snapshot, "http/sessions.py"))
    assert [(row.path, row.depth, row.start_line, row.line, row.end_line) for row in rows] == [
        ("Session", 0, 4, 4, 16),
        ("Session.request", 1, 10, 10, 12),
        ("Session.send", 1, 13, 13, 16),
        ("send_all", 0, 17, 17, 18),
    ]
    assert rows[0].doc == "Keeps settings."
    assert rows[0].file_path == "http/sessions.py"


def places(snapshot: Snapshot, name: str, path: str, words: str) -> list[tuple[str, str, str]]:
    version = version_at(snapshot, path)
    found = definitions(snapshot, name, (version, version.read_text().index(words) + len(words) - len(name)))
    return [(row.file_path, row.path, row.nearness) for row in found]


def test_the_word_before_the_dot_names_the_nearest_definition(snapshot: Snapshot) -> None:
    assert places(snapshot, "send", "http/sessions.py", "self.send")[0] == ("http/sessions.py", "Session.send", "scope")


def test_what_is_imported_is_nearer_than_what_is_elsewhere(snapshot: Snapshot) -> None:
    found = places(snapshot, "send", "http/sessions.py", "[send")
    assert [place for place in found if place[1] == "send"] == [
        ("http/adapters.py", "send", "imported"),
        ("mail/send.py", "send", "elsewhere"),
        ("tests/test_send.py", "send", "elsewhere"),
    ]


def test_the_own_file_is_nearest_where_nothing_is_imported(snapshot: Snapshot) -> None:
    assert places(snapshot, "send", "mail/send.py", "return send")[0] == ("mail/send.py", "send", "file")


def test_a_dotted_name_is_told_from_others_and_falls_back(snapshot: Snapshot) -> None:
    assert [row.path for row in definitions(snapshot, "Session.request")] == ["Session.request"]
    assert [row.path for row in definitions(snapshot, "session.request")] == ["request", "Session.request"]
    assert definitions(snapshot, "absent") == []


def test_references_have_their_line_and_what_they_stand_in(snapshot: Snapshot) -> None:
    found = references(snapshot, "send")
    assert [(file.path, file.count) for file in found] == [("http/sessions.py", 4), ("mail/send.py", 1)]
    assert [(place.line, place.words, place.symbol) for place in found[0].places] == [
        (1, "from .adapters import send", ""),
        (11, "        return self.send(url)", "Session.request"),
        (14, "        return send(url)", "Session.send"),
        (18, "    return [send(url) for url in urls]", "send_all"),
    ]
    text = SESSIONS
    assert {text[place.start_char : place.end_char] for place in found[0].places} == {"send"}


def test_past_the_limit_references_are_only_counted(snapshot: Snapshot) -> None:
    found = references(snapshot, "send", limit=3)
    assert [(file.count, len(file.places)) for file in found] == [(4, 3), (1, 0)]


def test_queries_do_not_grow_with_files(snapshot: Snapshot, cast: Cast, django_assert_max_num_queries) -> None:
    many = make_rows(cast, {f"pkg/file{number}.py": ADAPTERS for number in range(30)})
    for file in many.files.all():
        add_symbols(file.version, "send")
        SymbolUse.objects.create(version=file.version, name="send", places=b"\4\0\0\0")
    with django_assert_max_num_queries(5):
        assert sum(len(file.places) for file in references(many, "send")) == 30
    with django_assert_max_num_queries(5):
        assert len(definitions(many, "send", limit=40)) == 30
    with django_assert_max_num_queries(5):
        assert len(find_symbols(many, "sen", 40)) == 30


def test_another_snapshot_is_another_world(snapshot: Snapshot, cast: Cast) -> None:
    older = make_rows(cast, {"a.py": ADAPTERS}, repository=snapshot.repository)
    assert definitions(older, "send") == []
    assert references(older, "send") == []
    assert find_symbols(older, "send") == []


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("SesReq", "Session.request"),
        ("session.request", "Session.request"),
        ("ses", "Session"),
        ("send_a", "send_all"),
        ("SendAll", "send_all"),
        ("nd_al", "send_all"),
        ("request", "request"),
    ],
)
def test_part_of_a_name_finds_the_symbol(snapshot: Snapshot, query: str, first: str) -> None:
    assert find_symbols(snapshot, query)[0].path == first


def test_finding_keeps_to_kinds_and_folders(snapshot: Snapshot) -> None:
    assert [row.path for row in find_symbols(snapshot, "send", kinds=["method"])] == ["Session.send"]
    assert {row.file_path for row in find_symbols(snapshot, "send", path="mail")} == {"mail/send.py"}
    assert find_symbols(snapshot, "send", path="mai") == []
    assert find_symbols(snapshot, "  _. ") == []
    assert find_symbols(snapshot, "s(e") == []


def test_tests_come_after_the_program(snapshot: Snapshot) -> None:
    paths = [row.file_path for row in find_symbols(snapshot, "send") if row.path == "send"]
    assert paths == ["http/adapters.py", "mail/send.py", "tests/test_send.py"]


def test_the_innermost_symbol_holds_a_character(snapshot: Snapshot) -> None:
    version = version_at(snapshot, "http/sessions.py")
    assert symbol_at(version, SESSIONS.index("self.send")).path == "Session.request"
    assert symbol_at(version, SESSIONS.index("Keeps")).path == "Session"
    assert symbol_at(version, 0) is None


def test_words_of_identifiers() -> None:
    assert humps("SesReq") == ["Ses", "Req"]
    assert humps("parse_HTTPUrl2") == ["parse", "HTTP", "Url", "2"]
    assert humps("XMLHttpRequest") == ["XML", "Http", "Request"]


def test_the_first_paragraph_has_no_marks() -> None:
    assert first_paragraph('"""Sends it.\n\n    And more."""') == "Sends it."
    assert first_paragraph("/**\n * Sends it\n * at once.\n *\n * @param x\n */") == "Sends it at once."
    assert first_paragraph("/// Sends it.\n/// At once.") == "Sends it. At once."
