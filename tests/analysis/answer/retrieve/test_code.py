"""Retrieval in source code: names, paths, definitions and lines."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from analysis.answer.retrieve import retrieve
from analysis.answer.retrieve.candidates import Candidate, Candidates, cosines_of
from analysis.models import ChunkVector, Document, Repository
from analysis.types import Span
from tests.analysis.answer.retrieve.rows import FEES, LAW, put, put_file

pytestmark = pytest.mark.django_db

OPEN = '''class Oven:
    """A place to bake in."""

    def heat_up(self, degrees):
        """Warm the oven."""
        self.fan.start()
        return self.wait_until(degrees)

'''
COOL = """    def cool_down(self):
        self.door.open()

"""
DOUGH = '''def knead_dough(flour, water):
    """Mix until it is smooth."""
    return mix(flour, water, salt=0.02)

'''
CHECK = """def test_heat_up():
    oven = Oven()
    assert oven.heat_up(180) == 180
    assert oven.heat_up(0) == 0
    assert not oven.is_open
    assert oven.fan.running
    assert oven.lamp.colour == 'amber'
"""


@pytest.fixture
def bakery(cast) -> Repository:
    repository = Repository.objects.create(workspace=cast.workspace, name="bakery")
    put_file(repository, "src/bakery/oven.py", OPEN, COOL)
    put_file(repository, "src/bakery/recipes/dough.py", DOUGH)
    put_file(repository, "tests/test_oven.py", CHECK)
    put_file(repository, "README.md", "# Bakery\n\nHeats up ovens and kneads dough.\n", language="en", syntax="")
    return repository


def ask(query: str, limit: int = 5, **only) -> list[str]:
    hits = retrieve(query, documents=Document.objects.filter(**only), limit=limit)
    return [f"{hit.document_name}:{hit.lines}" if hit.start_line else hit.document_name for hit in hits]


@pytest.mark.parametrize(
    "query", ["heat_up", "heatUp", "How does the oven heat up?", "`Oven.heat_up`", "bakery.oven.Oven.heat_up()"]
)
def test_a_definition_is_found_however_it_is_asked_for(bakery, query):
    assert ask(query, 1) == ["src/bakery/oven.py:1-7"]


def test_hits_say_where_they_stand(bakery):
    hit = retrieve("cool_down", documents=Document.objects.all(), limit=1)[0]
    assert (hit.start_line, hit.end_line, hit.lines) == (9, 10, "9-10")
    assert hit.symbol == "cool_down(self)"
    assert hit.repository_id == str(bakery.pk)
    assert hit.text == COOL.rstrip()
    assert (OPEN + COOL)[hit.start_char : hit.end_char] == hit.text


def test_tests_and_prose_come_after_the_source_unless_they_are_asked_for(bakery):
    assert ask("heat up the oven", 1) == ["src/bakery/oven.py:1-7"]
    assert ask("Which test checks heat_up?", 1) == ["tests/test_oven.py:1-7"]
    assert ask("What does the readme say about dough?", 1) == ["README.md:1-3"]


@pytest.mark.parametrize("named", ["dough.py", "recipes/dough.py", "bakery.recipes.dough", "src/bakery/recipes/"])
def test_files_that_are_named_come_first(bakery, named):
    assert ask(f"In {named}, what does the oven do with its fan?", 1) == ["src/bakery/recipes/dough.py:1-3"]


def test_no_character_is_in_two_hits_and_each_is_a_span(bakery):
    hits = retrieve("oven dough heat mix salt", documents=Document.objects.all(), limit=20)
    texts = {d.version_id: d.version.read_text() for d in Document.objects.select_related("version")}
    assert len(hits) == 5
    assert all(texts[hit.version_id][hit.start_char : hit.end_char] == hit.text for hit in hits)
    places = sorted((hit.version_id, hit.start_char, hit.end_char) for hit in hits)
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(places))


def test_contracts_are_found_as_before_and_beside_code(cast, bakery):
    put(cast.workspace, "lease.pdf", LAW, FEES)
    alone = retrieve("governed by the laws of Ireland", documents=Document.objects.filter(repository=None), limit=3)
    beside = retrieve("governed by the laws of Ireland", documents=Document.objects.all(), limit=20)
    assert beside[0] == alone[0]
    assert [hit for hit in beside if not hit.start_line] == alone
    assert ask("knead_dough", 1) == ["src/bakery/recipes/dough.py:1-3"]


def test_what_lawyers_call_otherwise_is_not_looked_for_in_code(bakery):
    from analysis.answer.retrieve.code import asking_in_code

    assert set(asking_in_code("expiration", ["code", "en"]).weights) == {"expir"}


def test_an_outsider_finds_nothing_of_a_repository(cast, bakery):
    elsewhere = cast.outsider.workspaces.get()
    put(elsewhere, "theirs.pdf", FEES)
    assert ask("heat_up oven", workspace=elsewhere) == ["theirs.pdf"]


def test_a_passage_without_a_vector_counts_as_the_middle_one_of_the_others():
    def found(*cosines: float | None) -> list[float]:
        chunks = [
            Candidate(1, n, "d", "a.py", Span(n, n + 1), 1, "", "x", cosine, (Span(n, n + 1),))
            for n, cosine in enumerate(cosines)
        ]
        numbers = np.arange(len(chunks))
        return cosines_of(Candidates(chunks, numbers, numbers, numbers)).tolist()

    assert found(0.5, None, 0.25, 0.75) == [0.5, 0.5, 0.25, 0.75]
    assert found(None, None) == [0.0, 0.0]
    assert found(0.25, 0.0) == [0.25, 0.0]


def test_what_has_no_vector_yet_is_found_by_words_before_what_has_one_and_fewer_words(bakery):
    query = "mix flour and water until smooth"
    before = ask(query, limit=1)
    ChunkVector.objects.filter(version__document__path="src/bakery/recipes/dough.py").delete()
    assert ask(query, limit=1) == before == ["src/bakery/recipes/dough.py:1-3"]


@pytest.mark.parametrize(
    ("query", "bakery_too", "bread_too"),
    [
        ("How does bread-api heat up the oven?", False, True),
        ("How does the bakery project heat up the oven?", True, False),
        ("What does `bakery` do to heat up?", True, False),
        ("Does a bakery heat up the oven?", True, True),
        ("heat up in bread-api-client", True, True),
        ("heat_up in the repository bakery or in bread-api", True, True),
    ],
)
def test_of_several_repositories_only_those_plainly_named_are_searched(bakery, cast, query, bakery_too, bread_too):
    put_file(Repository.objects.create(workspace=cast.workspace, name="bread-api"), "src/bread.py", OPEN)
    put(cast.workspace, "lease.txt", "The landlord shall heat up the oven.")
    found = {place.partition(":")[0] for place in ask(query, limit=30)}
    assert ("src/bakery/oven.py" in found, "src/bread.py" in found) == (bakery_too, bread_too)
    assert "lease.txt" in found
