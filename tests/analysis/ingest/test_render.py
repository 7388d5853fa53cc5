"""Page images: drawn several at a start, kept, and once only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from PIL import Image

from analysis.errors import UserError
from analysis.ingest import render, sandbox
from analysis.models import Document, DocumentVersion
from tests.analysis.ingest import papers
from tests.conftest import Cast


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The page numbers of each start of the child."""
    asked: list[list[int]] = []
    run = sandbox.run

    def counted(request: dict[str, Any], folder: Path, **rest: Any) -> None:
        asked.append(request["page_numbers"])
        run(request, folder, **rest)

    monkeypatch.setattr(sandbox, "run", counted)
    return asked


def version_of(cast: Cast, path: Path, pages: int, **fields: Any) -> DocumentVersion:
    document = Document.objects.create(workspace=cast.workspace, name=path.name)
    with path.open("rb") as file:
        return DocumentVersion.objects.create(
            document=document,
            file=File(file, path.name),
            sha256="",
            size_bytes=1,
            page_count=pages,
            **{"kind": "pdf", **fields},
        )


def test_a_page_is_drawn_with_those_that_follow_and_kept(cast: Cast, tmp_path: Path, starts: list[list[int]]) -> None:
    version = version_of(cast, papers.contract(tmp_path / "a.pdf", 11), 11)
    assert render.page_image_cached(version, 2) is None
    path = render.page_image(version, 2)
    with Image.open(path) as picture:
        assert (picture.format, picture.width, picture.height) == ("WEBP", 1401, 1981)
        assert picture.convert("L").getextrema()[0] < 100
    assert starts == [[2, 3, 4, 5, 6, 7, 8, 9]]
    assert render.page_image(version, 9) == render.page_image_cached(version, 9)
    assert len(starts) == 1
    assert render.draw_all(version) == 3
    assert starts[1:] == [[1, 10, 11]]


def test_requests_that_come_together_draw_once(cast: Cast, tmp_path: Path, starts: list[list[int]]) -> None:
    version = version_of(cast, papers.contract(tmp_path / "a.pdf", 2), 2)
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: render.page_image(version, 1), range(4)))
    assert len(set(paths)) == 1
    assert starts == [[1, 2]]


def test_an_encrypted_file_is_drawn_with_its_password(cast: Cast, tmp_path: Path) -> None:
    path = papers.encrypted(papers.contract(tmp_path / "a.pdf", 1), tmp_path / "b.pdf", "sesame")
    assert render.page_image(version_of(cast, path, 1, password="sesame"), 1).exists()


@pytest.mark.parametrize(("kind", "number"), [("docx", 1), ("pdf", 0), ("pdf", 2)])
def test_there_is_no_image_of_what_has_no_page(cast: Cast, tmp_path: Path, kind: str, number: int) -> None:
    version = version_of(cast, papers.contract(tmp_path / "a.pdf", 1), 1, kind=kind)
    with pytest.raises(UserError, match="There is no image of this page") as error:
        render.page_image(version, number)
    assert (error.value.code, error.value.status) == ("no_image", 404)


def test_a_picture_is_its_own_image_upright_and_page_by_page(cast: Cast, tmp_path: Path) -> None:
    first, second = papers.drawn("First"), papers.drawn("Second").resize((2800, 1244))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second], compression="tiff_lzw")
    version = version_of(cast, tmp_path / "a.tif", 2, kind="picture")
    assert render.draw_all(version) == 2
    with Image.open(render.page_image(version, 1)) as small, Image.open(render.page_image(version, 2)) as large:
        assert (small.format, small.size, large.size) == ("WEBP", (900, 400), (1400, 622))
        assert small.convert("L").getextrema()[0] < 100
