"""A German and a Chinese contract, written for tests, and the files they may come as."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from docx import Document as Docx
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

# (whether it is a heading, text)
GERMAN = (
    (True, "DIENSTLEISTUNGSVERTRAG"),
    (
        False,
        "zwischen der Muster Software GmbH, Hauptstraße 12, 10115 Berlin (nachfolgend „Auftragnehmer“) und der "
        "Beispiel Handels AG, Königsallee 3, 40212 Düsseldorf (nachfolgend „Auftraggeber“).",
    ),
    (True, "§ 1 Vertragsgegenstand"),
    (
        False,
        "Der Auftragnehmer erbringt für den Auftraggeber Wartungsleistungen, z.B. die Pflege der Lagersoftware, gem. "
        "Anlage 1. Der Vertrag beginnt am 1. Januar 2026.",
    ),
    (True, "§ 2 Vergütung"),
    (
        False,
        "Der Auftraggeber zahlt eine monatliche Vergütung von 1.000,50 EUR zzgl. Umsatzsteuer. Rechnungen sind "
        "innerhalb von dreißig Tagen nach Zugang zu begleichen.",
    ),
    (True, "§ 3 Laufzeit und Kündigung"),
    (
        False,
        "Der Vertrag läuft auf unbestimmte Zeit. Jede Partei kann ihn mit einer Frist von drei Monaten zum Ende eines "
        "Quartals schriftlich kündigen. Das Recht zur fristlosen Kündigung aus wichtigem Grund bleibt unberührt.",
    ),
    (True, "§ 4 Haftung"),
    (
        False,
        "Der Auftragnehmer haftet nicht für mittelbare Schäden. Die Haftung ist auf 50.000 EUR je "
        "Schadensfall begrenzt.",
    ),
    (True, "§ 5 Geheimhaltung"),
    (
        False,
        "Die Parteien verpflichten sich, vertrauliche Informationen fünf Jahre über das Vertragsende hinaus "
        "geheim zu halten.",
    ),
    (True, "§ 6 Gerichtsstand und anwendbares Recht"),
    (False, "Es gilt deutsches Recht. Ausschließlicher Gerichtsstand ist München."),
)
CHINESE = (
    (True, "技术服务合同"),
    (False, "甲方：北京示例科技有限公司，住所地北京市海淀区。"),
    (False, "乙方：上海样本软件有限公司，住所地上海市浦东新区。"),
    (True, "第一条 服务内容"),
    (False, "乙方应当为甲方的仓储管理系统提供维护服务，包括故障排除、版本升级和人员培训。"),
    (True, "第二条 合同价款与付款"),
    (
        False,
        "本合同总价款为人民币一百二十万元。甲方应当在收到发票之日起三十日内付款。逾期付款的，按日万分之五支付违约金。",
    ),
    (True, "第三条 期限与解除"),
    (False, "本合同自2026年5月1日起生效，有效期三年。任何一方提前六十日书面通知对方，可以解除本合同。"),
    (True, "第四条 保密义务"),
    (False, "双方对在履行本合同中知悉的商业秘密负有保密义务，保密期限为合同终止后五年。"),
    (True, "第五条 责任限制"),
    (False, "乙方不承担任何间接损失的赔偿责任。"),
    (True, "第六条 争议解决"),
    (False, "本合同适用中华人民共和国法律。因本合同引起的争议，提交北京仲裁委员会仲裁。"),
)

Contract = Sequence[tuple[bool, str]]


def as_text(contract: Contract) -> bytes:
    return "\n\n".join(text for _, text in contract).encode()


def as_docx(contract: Contract) -> bytes:
    document = Docx()
    for heading, text in contract:
        document.add_heading(text, level=1) if heading else document.add_paragraph(text)
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def as_pdf(contract: Contract) -> bytes:
    """Return a PDF whose Chinese stands in the font that PDF readers bring with them."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    chinese = contract is CHINESE
    body = ParagraphStyle(
        "body",
        fontName="STSong-Light" if chinese else "Helvetica",
        fontSize=11,
        leading=18,
        alignment=TA_JUSTIFY,
        wordWrap="CJK" if chinese else None,
    )
    heading = ParagraphStyle("heading", parent=body, fontSize=14, leading=22, spaceBefore=12)
    flow = [
        part
        for is_heading, text in contract
        for part in (Paragraph(text, heading if is_heading else body), Spacer(1, 8))
    ]
    file = BytesIO()
    SimpleDocTemplate(file, pagesize=A4).build(flow)
    return file.getvalue()


AS = {"txt": as_text, "docx": as_docx, "pdf": as_pdf}
