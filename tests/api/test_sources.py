"""Source code over the HTTP interface, of a small repository that is really read in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.models import Repository, Secret
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import make_repository, make_snapshot

SHOP = '''"""A shop."""

from app.store import Store

KEY = "AKIAQ4ZKX2WJ7NPLM5RT"


class Shop:
    """Sells things.

    All day.
    """

    def __init__(self) -> None:
        self.store = Store()

    def sell(self, item: str) -> str:
        """Sell one item."""
        return self.store.take(item)


if __name__ == "__main__":
    print(Shop().sell("tea"))
'''
STORE = "class Store:\n    def take(self, item):\n        return item\n"
LICENCE = """MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software
"""
FILES = {
    "app/__init__.py": "VERSION = 1\n",
    "app/shop.py": SHOP,
    "app/store.py": STORE,
    "README.md": "# Shop\n\n## Usage\n\n```sh\npython -m app.shop\n```\n",
    "LICENSE": LICENCE,
    "web/app.min.js": "var a=1;\n",
}


@pytest.fixture
def repository(cast: Cast, tmp_path: Path, settings: Any) -> Repository:
    settings.MEDIA_ROOT = tmp_path
    return make_repository(cast, FILES)


def test_all_that_is_known_of_a_repository(viewer: Caller, repository: Repository) -> None:
    """One test for all reads: reading a repository in takes longer than asking about it."""
    place = f"/repositories/{repository.pk}"
    tree_and_file(viewer, place, repository)
    symbols(viewer, place)
    structure(viewer, place)
    changes(viewer, place, repository)


def tree_and_file(viewer: Caller, place: str, repository: Repository) -> None:
    top = viewer.get(f"{place}/tree").json()
    assert (top["snapshot"], top["path"], top["file_count"]) == (1, "", 6)
    assert [folder["path"] for folder in top["folders"]] == ["app", "web"]
    assert top["dispositions"] == {"read": 5, "minified": 1}
    web = viewer.get(f"{place}/tree", path="web").json()
    assert [(file["name"], file["disposition"], file["document_id"]) for file in web["files"]] == [
        ("app.min.js", "minified", None)
    ]
    missing = viewer.get(f"{place}/tree", path="nowhere")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_path")

    key = SHOP.index("AKIA")
    Secret.objects.get_or_create(
        version=repository.documents.get(path="app/shop.py").version, start_char=key, defaults={"end_char": key + 20}
    )
    lines = viewer.get(f"{place}/files", path="app/shop.py", start_line=3, end_line=5).json()
    assert lines["text"] == "".join(SHOP.splitlines(keepends=True)[2:5])
    assert SHOP[lines["start_char"] : lines["end_char"]] == lines["text"]
    assert (lines["start_line"], lines["end_line"], lines["line_count"]) == (3, 5, len(SHOP.splitlines()))
    assert [(secret["line"], SHOP[secret["start_char"] : secret["end_char"]]) for secret in lines["secrets"]] == [
        (5, "AKIAQ4ZKX2WJ7NPLM5RT")
    ]
    assert viewer.get(f"{place}/files", path="app/shop.py").json()["text"] == SHOP
    past = viewer.get(f"{place}/files", path="app/store.py", start_line=900).json()
    assert (past["start_line"], past["end_line"], past["text"]) == (3, 3, "        return item\n")
    for path, status, code in (
        ("web/app.min.js", 409, "not_read"),
        ("none.py", 404, "unknown_path"),
        ("", 422, "invalid"),
    ):
        refused = viewer.get(f"{place}/files", path=path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert viewer.get(f"{place}/tree", snapshot=7).status_code == 404

    document = viewer.get(f"/documents/{lines['document_id']}").json()
    assert (document["path"], document["name"], document["status"]) == ("app/shop.py", "app/shop.py", "ready")


def symbols(viewer: Caller, place: str) -> None:
    outline = viewer.get(f"{place}/symbols", path="app/shop.py").json()
    assert [(row["symbol"], row["depth"]) for row in outline if row["kind"] in ("class", "method")] == [
        ("Shop", 0),
        ("Shop.sell", 1),
    ]
    found = viewer.get(f"{place}/symbols", q="ShSe").json()
    assert (found[0]["symbol"], found[0]["path"], found[0]["doc"]) == ("Shop.sell", "app/shop.py", "Sell one item.")
    assert SHOP[found[0]["start_char"] : found[0]["end_char"]].startswith("def sell(")
    assert (found[0]["line"], found[0]["start_line"], found[0]["end_line"]) == (17, 17, 19)
    assert viewer.get(f"{place}/symbols", q="sell", kind="class").json() == []
    assert viewer.get(f"{place}/symbols").status_code == 422

    near = viewer.get(f"{place}/definitions", name="take", path="app/shop.py", line=19).json()
    assert [(row["symbol"], row["path"], row["nearness"]) for row in near] == [
        ("Store.take", "app/store.py", "imported")
    ]
    assert viewer.get(f"{place}/definitions", name="take").json()[0]["nearness"] is None
    used = viewer.get(f"{place}/references", name="Store").json()
    assert used["count"] == 2
    assert [(use["line"], use["symbol"]) for use in used["files"][0]["places"]] == [(3, ""), (15, "Shop.__init__")]


def structure(viewer: Caller, place: str) -> None:
    modules = viewer.get(f"{place}/modules").json()
    assert {"source": "app/shop.py", "target": "app/store.py", "imports": 1} in modules["links"]
    assert modules["dependencies"] == []
    overview = viewer.get(f"{place}/overview").json()
    assert [language["syntax"] for language in overview["languages"]] == ["python"]
    assert [(fact["path"], fact["start_line"]) for fact in overview["entry_points"]] == [("app/shop.py", 22)]
    assert [(fact["words"], fact["start_line"]) for fact in overview["commands"]] == [("python -m app.shop", 6)]
    assert [(fact["words"], fact["path"]) for fact in overview["licences"]] == [("MIT", "LICENSE")]


def changes(viewer: Caller, place: str, repository: Repository) -> None:
    alone = viewer.get(f"{place}/changes")
    assert (alone.status_code, alone.json()["error"]["code"]) == (409, "no_older_version")
    make_snapshot(repository, FILES | {"app/store.py": STORE.replace("(self, item)", "(self, item, count=1)")})
    body = viewer.get(f"{place}/changes").json()
    assert (body["from"], body["to"], body["added"], body["removed"]) == (1, 2, 1, 1)
    assert [(file["kind"], file["path"], file["old_path"], file["hunks"]) for file in body["files"]] == [
        ("changed", "app/store.py", None, None)
    ]
    assert [(row["kind"], row["symbol"], row["new_line"]) for row in body["symbols"]] == [
        ("signature", "Store.take", 2)
    ]
    hunks = viewer.get(f"{place}/changes", path="app").json()["files"][0]["hunks"]
    assert [line["mark"] for line in hunks[0]["lines"]] == [" ", "-", "+", " "]
    assert viewer.get(f"{place}/changes", **{"from": 2, "to": 2}).json()["files"] == []
    assert viewer.get(f"{place}/changes", **{"from": 9}).status_code == 404
    assert viewer.get(f"{place}/files", path="app/store.py", snapshot=1).json()["text"] == STORE
