"""Which language a text is written in, found offline with a model that comes in its wheel."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import cache
from typing import Any

# Those of the model's languages in which contracts are likely to come: the fewer there are, the surer are short texts.
LANGUAGES = tuple(
    "ar bg cs da de el en es et fi fr he hi hr hu id it ja ko lt lv nl no pl pt ro ru sk sl sv th tr uk vi zh".split()
)
# The fewest letters that tell a language. A Chinese character tells as much as some three letters.
LEAST_LETTERS = 3
# The least share of a text's votes; below it the text is of two languages, or of none.
LEAST_SHARE = 0.3
PIECE_CHARACTERS = 1_000
MOST_PIECES = 24

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HAN_WEIGHT = 3
_reading = threading.Lock()


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of the language that most of `text` is in, "" if there is too little to tell by.

    A long text is judged by pieces from all over it, which vote by their letters: an annex or a bilingual column in
    another language does not hide what the rest is in.
    """
    votes: Counter[str] = Counter()
    for piece in _pieces(text):
        weight = _letters(piece)
        if weight >= LEAST_LETTERS:
            votes[_detected(piece)] += weight
    if not votes:
        return ""
    language, most = votes.most_common(1)[0]
    return language if most >= LEAST_SHARE * votes.total() else ""


def _pieces(text: str) -> list[str]:
    """Return pieces of `text`, evenly from its start to its end, all of it if it is short."""
    count = min(MOST_PIECES, -(-len(text) // PIECE_CHARACTERS))
    if count < MOST_PIECES:
        return [text[i * PIECE_CHARACTERS : (i + 1) * PIECE_CHARACTERS] for i in range(count)]
    step = (len(text) - PIECE_CHARACTERS) / (count - 1)
    return [text[int(i * step) : int(i * step) + PIECE_CHARACTERS] for i in range(count)]


def _letters(piece: str) -> int:
    return sum(map(str.isalpha, piece)) + (_HAN_WEIGHT - 1) * len(_HAN.findall(piece))


def _detected(piece: str) -> str:
    # Letters only: section numbers, amounts and underscores of forms say nothing, and the model would guess by them.
    letters = re.sub(r"[\d_\W]+", " ", piece)
    with _reading:
        code = str(_identifier().classify(letters)[0])
    if code == "ja" and not _KANA.search(piece):
        return "zh"
    return code


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
