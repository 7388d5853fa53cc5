"""German and Chinese contracts through the whole of ingest, search and citation, as text, DOCX and PDF."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from analysis.answer.cite import cite
from analysis.answer.retrieve import retrieve
from analysis.ingest import run
from analysis.ingest.upload import document_upload
from analysis.models import Document, DocumentVersion, Page
from analysis.types import CitedSentence, Source, Span
from analysis.views.pages import page_rectangles
from tests.analysis.ingest.contracts import AS, CHINESE, GERMAN

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH, HEIGHT = A4


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"


def read_in(workspace, name: str, content: bytes) -> DocumentVersion:
    uploaded = document_upload(workspace=workspace, user=None, name=name, file=ContentFile(content))
    run.ingest(uploaded.document.version.pk)
    return DocumentVersion.objects.get(pk=uploaded.document.version.pk)


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("kind", AS)
@pytest.mark.parametrize(("language", "contract"), [("de", GERMAN), ("zh", CHINESE)])
def test_language_headings_and_every_offset(cast, language, contract, kind):
    version = read_in(cast.workspace, f"contract.{kind}", AS[kind](contract))
    assert (version.status, version.language) == ("ready", language)
    text = version.read_text()
    assert squeezed(text) == squeezed("".join(words for _, words in contract))
    printed = [squeezed(words) for is_heading, words in contract if is_heading]
    found = [squeezed(text[heading.start_char : heading.end_char]) for heading in version.headings.all()]
    # A title that runs into the paragraph below it on paper is not told from it.
    assert found in (printed, printed[1:])
    chunks = list(version.chunks.order_by("ordinal"))
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(chunk.text == text[chunk.start_char : chunk.end_char] for chunk in chunks)


@pytest.mark.parametrize(
    ("contract", "question", "clause"),
    [
        (GERMAN, "Wie hoch ist die monatliche Vergütung?", "1.000,50 EUR"),
        (GERMAN, "Welcher Gerichtsstand gilt?", "München"),
        (GERMAN, "Für welche Schäden haftet der Auftragnehmer nicht?", "mittelbare Schäden"),
        (CHINESE, "保密期限多久", "终止后五年"),
        (CHINESE, "谁可以解除合同，提前多少天通知？", "提前六十日"),
        (CHINESE, "违约金是多少？", "万分之五"),
    ],
)
def test_search_finds_the_clause_by_a_question_in_its_language(cast, contract, question, clause):
    read_in(cast.workspace, "contract.txt", AS["txt"](contract))
    hits = retrieve(question, documents=Document.objects.all(), limit=3)
    assert any(clause in hit.text for hit in hits)


@pytest.fixture(params=["txt", "pdf"])
def sources(request, cast) -> dict[str, list[Source]]:
    """Return the German and the Chinese contract as what is put before the language model."""
    return {
        language: [_source(cast, contract, request.param)] for language, contract in (("de", GERMAN), ("zh", CHINESE))
    }


def _source(cast, contract, kind: str) -> Source:
    version = read_in(cast.workspace, f"contract.{kind}", AS[kind](contract))
    text = version.read_text()
    return Source(str(version.document_id), version.document.name, version.pk, 0, len(text), text)


def test_answers_are_cited_or_not_in_their_language(sources):
    for language, sentence, quote in [
        ("de", "Die monatliche Vergütung beträgt 1.000,50 EUR zzgl. Umsatzsteuer.", "1.000,50 EUR"),
        ("de", "Jede Partei kann den Vertrag mit einer Frist von 3 Monaten kündigen.", "von drei Monaten"),
        ("de", "Der Auftragnehmer haftet nicht für mittelbare Schäden.", "nicht für mittelbare"),
        ("zh", "甲方应当在收到发票之日起30日内付款。", "三十日内付款"),
        ("zh", "本合同总价款为人民币1200000元。", "一百二十万元"),
        ("zh", "乙方不承担任何间接损失的赔偿责任。", "不承担任何间接损失"),
    ]:
        [source] = sources[language]
        [found] = cite(sentence, [source])
        assert found.supported, sentence
        assert quote in " ".join(_quote(found, source).split()), sentence
    for language, sentence in [
        ("de", "Die monatliche Vergütung beträgt 2.000,50 EUR zzgl. Umsatzsteuer."),
        ("de", "Der Auftragnehmer haftet für mittelbare Schäden."),
        ("zh", "甲方应当在收到发票之日起60日内付款。"),
        ("zh", "乙方承担间接损失的赔偿责任。"),
    ]:
        [found] = cite(sentence, sources[language])
        assert found.supported is False, sentence


def _quote(sentence: CitedSentence, source: Source) -> str:
    return " ".join(source.text[citation.start_char : citation.end_char] for citation in sentence.citations)


@pytest.mark.parametrize(
    "sentence",
    ["Das Dokument erwähnt keine Vertragsstrafe.", "Dies ist im Vertrag nicht geregelt.", "合同没有提及竞业限制。"],
)
def test_absence_is_seen_in_german_and_chinese(sentence):
    source = Source("d", "contract.txt", 1, 0, 9, "Es gilt deutsches Recht. 适用法律。")
    [found] = cite(sentence, [source])
    assert found.supported is not True
    assert found.citations == []


def test_highlights_stand_on_the_chinese_words(cast):
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4)
    canvas.setFont("STSong-Light", 20)
    canvas.drawString(100, 700, "甲方应当在三十日内付款。")
    canvas.drawString(100, 660, "乙方应当交付货物。")
    canvas.save()
    version = read_in(cast.workspace, "contract.pdf", file.getvalue())
    text = version.read_text()
    page = Page.objects.get(version=version)
    for words, x, y in [("三十日内", 200, 700), ("交付", 180, 660)]:
        start = text.index(words)
        [box] = page_rectangles(page, Span(start, start + len(words)))
        # Each character is a square of 20 points; a box may be as tight as the font says its glyphs are.
        assert box.x0 * WIDTH == pytest.approx(x, abs=2)
        assert box.x1 * WIDTH == pytest.approx(x + 20 * len(words), abs=2)
        assert box.y0 * HEIGHT < HEIGHT - y < box.y1 * HEIGHT + 6
        assert (box.y1 - box.y0) * HEIGHT < 30
