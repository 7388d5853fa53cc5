"""The recipe of a snapshot against a real database: what it writes, takes over, and leaves when it dies half-way."""

from __future__ import annotations

import pytest

from analysis.models import ChunkVector, Document, DocumentVersion, Posting
from tests.rows import make_repository, make_snapshot

pytestmark = pytest.mark.django_db(transaction=True)

MAIN = "import cart\n\n\ndef main() -> None:\n    print(cart.total([1, 2]))\n"
CART = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
FILES = {"README.md": "# Shop\n\nIt sells things.\n", "src/cart.py": CART, "src/main.py": MAIN, "poetry.lock": "a\n"}


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"


def test_repository_becomes_ready_with_every_file(cast):
    repository = make_repository(cast, FILES)
    snapshot = repository.snapshot
    assert (snapshot.status, snapshot.number, snapshot.label) == ("ready", 1, "version 1")
    assert (snapshot.file_count, snapshot.line_count) == (4, 10)
    rows = list(snapshot.files.values_list("path", "disposition", "line_count"))
    assert rows == [
        ("README.md", "read", 3),
        ("poetry.lock", "lock", 0),
        ("src/cart.py", "read", 2),
        ("src/main.py", "read", 5),
    ]
    for row in snapshot.files.exclude(document=None):
        assert (row.document.path, row.document.name, row.document.version) == (row.path, row.path, row.version)
        assert row.version.read_text() == FILES[row.path]
        assert "".join(row.version.chunks.order_by("ordinal").values_list("text", flat=True)) == FILES[row.path]
        assert ChunkVector.objects.filter(version=row.version).count() == row.version.chunks.count() > 0
        assert Posting.objects.filter(version=row.version).exists()
        assert row.version.status == "ready"


def test_new_snapshot_reads_only_what_has_changed(cast):
    repository = make_repository(cast, FILES)
    before = dict(Document.objects.values_list("path", "version"))
    changed = {path: text for path, text in FILES.items() if path != "README.md"} | {"src/main.py": MAIN + "main()\n"}
    snapshot = make_snapshot(repository, changed)
    after = dict(Document.objects.values_list("path", "version"))
    assert (repository.snapshot, snapshot.number) == (snapshot, 2)
    assert after["src/cart.py"] == before["src/cart.py"]
    assert after["README.md"] is None
    assert after["src/main.py"] not in before.values()
    assert DocumentVersion.objects.get(pk=after["src/main.py"]).number == 2
    assert DocumentVersion.objects.count() == 4
