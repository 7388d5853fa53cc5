"""Filters in a search: parsed in one place, explained where they are wrong."""

from __future__ import annotations

import pytest

from analysis.answer.retrieve.filters import Filters, filters_in, narrowed, search
from analysis.errors import UserError
from analysis.models import Document, Repository
from tests.analysis.answer.retrieve.rows import FEES, put, put_file


@pytest.mark.parametrize(
    ("query", "words", "filters"),
    [
        ("how are urls parsed", "how are urls parsed", Filters()),
        ("parse path:src/core -path:tests", "parse", Filters(paths=("src/core",), not_paths=("tests",))),
        ('PATH:"my folder" read', "read", Filters(paths=("my folder",))),
        ("lang:Python lang:.ts send", "send", Filters(syntaxes=("python", "typescript"))),
        ("lang:C++ send", "send", Filters(syntaxes=("cpp",))),
        ("symbol:Session.request", "Session.request", Filters(symbols=("Session.request",))),
        ("std::vector http://a.b/path:x", "std::vector http://a.b/path:x", Filters()),
    ],
)
def test_filters_are_taken_out_of_the_words(query: str, words: str, filters: Filters):
    assert filters_in(query) == (words, filters)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("parse path: src", "“path:” should be, without a space, as in path:src/core"),
        ("lang:klingon parse", "“klingon” is no language"),
        ("path:src", "Say what to search for beside path:src"),
        ("-lang:python parse", "Only a path can be left out"),
        ('parse path:"src', "ends with one"),
    ],
)
def test_a_wrong_filter_is_explained(query: str, said: str):
    with pytest.raises(UserError, match=r"\w") as raised:
        filters_in(query)
    assert said in raised.value.message
    assert (raised.value.code, raised.value.status) == ("bad_filter", 422)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("path:src x", {"src/core/a.py", "src/ui/b.ts", "lib/src/c.py"}),
        ("path:src/core x", {"src/core/a.py"}),
        ("path:a.py x", {"src/core/a.py"}),
        ("path:*.py x", {"src/core/a.py", "lib/src/c.py"}),
        ("path:src/*/b.ts x", {"src/ui/b.ts"}),
        ("path:lib/**.py x", {"lib/src/c.py"}),
        ("path:sr x", set()),
        ("-path:src x", {"", "README.md"}),
        ("path:src -path:core lang:py x", {"lib/src/c.py"}),
        ("symbol:Oven.heat x", {"src/core/a.py"}),
        ("symbol:heat x", {"src/core/a.py", "lib/src/c.py"}),
    ],
)
def test_files_that_filters_leave(cast, query: str, paths: set[str]):
    repository = Repository.objects.create(workspace=cast.workspace, name="bakery")
    put_file(repository, "src/core/a.py", "class Oven:\n    def heat(self):\n        pass\n")
    put_file(repository, "src/ui/b.ts", "let b = 1\n", syntax="typescript")
    put_file(repository, "lib/src/c.py", "def heat():\n    pass\n")
    put_file(repository, "README.md", "Ovens.\n", language="en", syntax="markdown")
    put(cast.workspace, "lease.pdf", FEES)
    _, filters = filters_in(query)
    assert {each.path for each in narrowed(Document.objects.all(), filters)} == paths


@pytest.mark.django_db
def test_a_symbol_is_looked_for_where_it_is_defined(cast):
    repository = Repository.objects.create(workspace=cast.workspace, name="bakery")
    put_file(repository, "a.py", "class Oven:\n    size = 1\n", "    def heat(self):\n        pass\n")
    put_file(repository, "b.py", "oven.heat()\noven.heat()\n")
    hits = search("symbol:Oven.heat", documents=Document.objects.all(), limit=5)
    assert {hit.document_name for hit in hits} == {"a.py"}
    assert hits[0].start_line == 3
