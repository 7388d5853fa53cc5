"""Whether sentences in German, Chinese, French, Spanish or Italian deny, where `force` reads English only.

No parser: within one clause a word of denial counts, wherever it stands. That is enough to see that "haftet nicht" does
not bear out "haftet", nor 不承担 承担.
"""

from __future__ import annotations

import re

from analysis.ingest.understand.language import language_of
from analysis.words import words

_DENIALS = {
    "de": re.compile(r"\b(?:nicht|nichts|kein(?:e|er|es|em|en)?|nie|niemals|keinesfalls|weder|ohne)\b(?!\s+nur)", re.I),
    # 不可抗力 is force majeure, 不动产 real estate, 无形 and 非专利 kinds of property; 不超过 and 不少于 are limits.
    "zh": re.compile(
        r"(?:不(?!可抗力|动产|動產|正当竞争|超过|超過|少于|少於|低于|低於|高于|得低于|得少于|得超过|仅|僅|论|論)"
        r"|无(?!形|线|论)|無(?!形|論)|未(?!来|來)|没有|沒有|非(?!专利|工作日|独占)|禁止|免除|免于)"
    ),
    "fr": re.compile(r"\b(?:ne|n['’](?=\w)|pas|jamais|aucune?|sans|ni)\b|\bn['’]", re.I),
    "es": re.compile(r"\b(?:no|nunca|jamás|ning[uú]n\w*|sin|tampoco|ni)\b", re.I),
    "it": re.compile(r"\b(?:non|mai|nessun\w*|senza|né)\b", re.I),
}
_CLAUSE = re.compile(r"[,;:，；：。]\s*")
_HAN = re.compile(r"[\u3400-\u9fff]")


def denied_otherwise(claim: str, stated: str) -> bool:
    """Return whether one of two sentences of the same language denies what the other says.

    Compared with that clause of `stated` that has most of the claim's words, or with all of it where none has more.
    """
    language = "zh" if _HAN.search(claim) else language_of(claim)
    denial = _DENIALS.get(language)
    if denial is None or (language == "zh") != bool(_HAN.search(stated)):
        return False
    if language != "zh" and language_of(stated) != language:
        return False
    return bool(denial.search(_nearest_clause(claim, stated))) != bool(denial.search(claim))


def _nearest_clause(claim: str, stated: str) -> str:
    wanted = {word.stem for word in words(claim)}
    clauses = [clause for clause in _CLAUSE.split(stated) if clause]
    return max(clauses, key=lambda clause: len(wanted & {word.stem for word in words(clause)}), default=stated)
