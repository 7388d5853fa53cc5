"""The language of contracts, of questions, and of texts that are in two or in none."""

from __future__ import annotations

import threading

import pytest

from analysis.ingest.understand.language import language_of

ENGLISH = "The Supplier shall deliver the Goods within ten days of each Order. "
GERMAN = "Der Auftragnehmer erbringt die Leistungen innerhalb von zehn Tagen nach jeder Bestellung. "
CHINESE = "乙方应当在收到每份订单之日起十日内交付货物。"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Who may terminate, and when?", "en"),
        ("Wer darf kündigen?", "de"),
        ("Kündigungsfrist", "de"),
        ("Gerichtsstand", "de"),
        ("谁可以解除合同？", "zh"),
        ("管辖法院", "zh"),
        ("甲方何時付款", "zh"),
        ("契約の解除条件は何ですか", "ja"),
        ("Qui peut résilier le contrat ?", "fr"),
        ("¿Quién puede rescindir el contrato?", "es"),
        ("누가 계약을 해지할 수 있습니까?", "ko"),
        ("", ""),
        ("§ 5", ""),
        ("12.5 % / 2026-05-01", ""),
    ],
)
def test_short_texts(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GERMAN + "Statement of Work, Service Level Agreement und Change Requests sind Anlagen. ", "de"),
        ("甲方：Acme Software (Shanghai) Co., Ltd.\n乙方：Beispiel GmbH\n双方就 SaaS 服务订立本合同。" + CHINESE, "zh"),
        (ENGLISH * 40 + GERMAN * 10, "en"),
        (GERMAN * 40 + ENGLISH * 10, "de"),
        ("_" * 500 + " 1.1 " * 200 + GERMAN * 3, "de"),
    ],
)
def test_most_of_the_text_decides(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_foreign_opening_does_not_hide_what_a_long_text_is_in() -> None:
    assert language_of(ENGLISH * 30 + CHINESE * 2_000) == "zh"


def test_threads_that_come_first_together_get_the_same_answer() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(language_of(GERMAN))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["de"] * 4
