"""Where sentences end, language by language."""

from __future__ import annotations

import pytest

from analysis.sentences import split_sentences

GERMAN = [
    "Die Kündigung bedarf gem. § 126 BGB i.V.m. § 5 Abs. 2 Satz 1 der Schriftform, z.B. per Brief.",
    "Der Vertrag beginnt am 1. Januar 2026 und endet am 31. Dezember 2027.",
    "Zahlbar sind 1.000,50 EUR zzgl. MwSt. bis zum 15. eines Monats bzw. im 2. Quartal.",
    "Das gilt d. h. auch für Nebenabreden, z. B. Zusagen, u. a. mündliche.",
    "„Vertrauliche Informationen“ sind geheim zu halten.",
    "Die Beispiel GmbH haftet nach Nr. 4 und Art. 7 nur für Vorsatz!",
]
CHINESE = [
    "甲方应于收到发票之日起30日内付款。",
    "逾期的，按日万分之五支付违约金；",
    "“保密信息”包括技术资料（含源代码）。",
    "乙方是否可以转包？",
    "不可以！",
]
FRENCH = [
    "Le contrat prend effet le 1er mars (cf. art. 4) pour M. Dupont et Mme Martin.",
    "Le prestataire, p. ex. une S.A., est tenu au secret.",
]
SPANISH = ["La Sra. García y el Sr. Pérez firman conforme al art. 5 y la pág. 3.", "¿Quién paga?"]


@pytest.mark.parametrize("sentences", [GERMAN, FRENCH, SPANISH])
def test_sentences_of_languages_with_spaces(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [text[start:end] for start, end in split_sentences(text)] == sentences


def test_chinese_sentences_need_no_space() -> None:
    text = "".join(CHINESE)
    assert [text[start:end] for start, end in split_sentences(text)] == CHINESE


def test_a_closing_quote_belongs_to_its_sentence() -> None:
    text = "双方确认“本合同已生效。”甲方付款。"
    assert [text[start:end] for start, end in split_sentences(text)] == ["双方确认“本合同已生效。”", "甲方付款。"]


@pytest.mark.parametrize(
    "lines",
    [
        ["§ 1 Gegenstand", "§ 2. Vergütung beträgt 5 EUR", "(1) Fällig ist sie sofort"],
        ["第一条 服务内容", "第二条 付款", "（一）首付款", "（二）尾款", "1、交付", "2、验收"],
    ],
)
def test_numbered_lines_start_sentences(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert [text[start:end] for start, end in split_sentences(text)] == lines


def test_a_reference_at_the_end_still_ends_its_sentence() -> None:
    text = "Es gilt § 5. Der Kunde zahlt. Siehe Absatz 2. Die Parteien einigen sich."
    assert [text[start:end] for start, end in split_sentences(text)] == [
        "Es gilt § 5.",
        "Der Kunde zahlt.",
        "Siehe Absatz 2.",
        "Die Parteien einigen sich.",
    ]
