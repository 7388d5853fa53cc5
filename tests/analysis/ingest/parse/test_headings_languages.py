"""Headings of German, Chinese, French and Spanish contracts."""

from __future__ import annotations

from analysis.ingest.parse.headings import pattern_headings, split_label
from tests.analysis.ingest.parse.test_headings import outline

GERMAN = """DIENSTLEISTUNGSVERTRAG

zwischen der Muster Software GmbH und der Beispiel AG

§ 1 Vertragsgegenstand

(1) Der Auftragnehmer erbringt die Leistungen nach Anlage 1.

§ 2 Vergütung und sonstige Kosten
(1) Die Vergütung beträgt 1.000,50 EUR.

§ 3
Haftung

Nach § 2 Abs. 1 wird gehaftet.

Anlage 1 Leistungsbeschreibung

1. Öffentliche Termine

Ort ist Berlin.
"""

ARTICLES = """技术服务合同

甲方：北京示例科技有限公司
乙方：上海样本软件有限公司

第一章 总则

第一条 服务内容
乙方应当向甲方提供下列服务：
一、系统维护；
二、技术培训。

第二条 甲方应当于收到发票之日起三十日内付款。

第二章 违约责任

第三条 违约金：逾期付款的，按日万分之五支付违约金。

附件一 服务清单

系统维护。
"""

LISTED = """房屋租赁协议

一、租赁物

（一）位置

位于朝阳区。

（二）面积

100平方米。

二、租金

每月10000元。

三、承租人应当按期支付租金。
"""


def test_german() -> None:
    assert outline(GERMAN) == [
        (1, "", "DIENSTLEISTUNGSVERTRAG"),
        (1, "§ 1", "Vertragsgegenstand"),
        (1, "§ 2", "Vergütung und sonstige Kosten"),
        (1, "§ 3", "Haftung"),
        (1, "Anlage 1", "Leistungsbeschreibung"),
        (2, "1", "Öffentliche Termine"),
    ]


def test_chinese_articles_stand_under_chapters_and_lists_in_them_are_no_sections() -> None:
    assert outline(ARTICLES) == [
        (1, "", "技术服务合同"),
        (1, "第一章", "总则"),
        (2, "第一条", "服务内容"),
        (2, "第二条", ""),
        (1, "第二章", "违约责任"),
        (2, "第三条", "违约金"),
        (1, "附件一", "服务清单"),
    ]


def test_chinese_spans() -> None:
    by_label = {heading.label: heading for heading in pattern_headings(ARTICLES)}
    second = by_label["第二条"]
    assert ARTICLES[second.start_char : second.end_char] == "第二条"
    assert ARTICLES[second.start_char : second.section_end_char].strip().endswith("三十日内付款。")
    third = by_label["第三条"]
    assert ARTICLES[third.start_char : third.end_char] == "第三条 违约金"


def test_chinese_list_numbers_are_sections_where_there_are_no_articles() -> None:
    assert outline(LISTED) == [
        (1, "", "房屋租赁协议"),
        (1, "一", "租赁物"),
        (2, "（一）", "位置"),
        (2, "（二）", "面积"),
        (1, "二", "租金"),
    ]


def test_french_and_spanish() -> None:
    text = "Article 1 – Objet du contrat\n\nLe texte.\n\nArticle 2 – Prix\n\nLe prix.\n\nAnnexe A Tarifs\n\nVoir.\n"
    assert outline(text) == [(1, "Article 1", "Objet du contrat"), (1, "Article 2", "Prix"), (1, "Annexe A", "Tarifs")]
    text = "Cláusula 1 Objeto del Contrato\n\nTexto.\n\nCláusula 2 Precio\n\nTexto.\n"
    assert outline(text) == [(1, "Cláusula 1", "Objeto del Contrato"), (1, "Cláusula 2", "Precio")]


def test_labels_are_split_from_titles() -> None:
    assert split_label("§ 4 Haftung") == ("§ 4", "Haftung")
    assert split_label("第四条 责任") == ("第四条", "责任")
    assert split_label("Anlage 2 Preise") == ("Anlage 2", "Preise")
