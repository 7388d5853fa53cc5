"""The weights of search's ranking, fitted on labelled passages: which measures of a sentence tell that it answers."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from tqdm import tqdm

from analysis.answer.retrieve import ranking
from analysis.answer.retrieve.naming import scope_of
from analysis.answer.retrieve.rank import WEIGHTS
from analysis.answer.retrieve.ranked import Ranked
from analysis.evaluations.metrics import Place, character_scores
from analysis.models import Document

# A sentence answers when more of its characters than this are gold.
ANSWERS_SHARE = 0.5


@dataclass(frozen=True)
class Labelled:
    """A question with its gold places. group: questions of one group weigh as much together as those of another."""

    query: str
    group: str
    gold: Sequence[Place]


def is_held_out(document: str) -> bool:
    """Whether questions on a document are for measuring and not for fitting: half of the documents, by their names."""
    return zlib.crc32(document.encode()) % 2 == 1


def fitted(labelled: Sequence[Labelled], documents: QuerySet[Document], names: Mapping[str, str]) -> dict[str, float]:
    """Return the weight of each measure of `rank.WEIGHTS`, and `intercept`.

    Logistic regression over the sentences that search compares; each question's weigh alike together. names: the name
    in the gold places of each document, by id.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scope = scope_of(documents)
    groups = Counter(one.group for one in labelled)
    rows, answers, weights = [], [], []
    for one in tqdm(labelled, desc="fitting", disable=None):
        ranked = ranking(one.query, scope)
        if ranked:
            rows.append(np.stack([ranked.measures[name] for name in WEIGHTS], axis=1))
            answers.append(_answers(ranked, one.gold, names))
            weights.append(np.full(len(rows[-1]), 1 / len(rows[-1]) / groups[one.group]))
    scaler = StandardScaler().fit(np.concatenate(rows))
    sample = np.concatenate(weights)
    model = LogisticRegression(max_iter=1000).fit(
        scaler.transform(np.concatenate(rows)),
        np.concatenate(answers),
        sample_weight=sample * len(sample) / sample.sum(),
    )
    raw = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - raw @ scaler.mean_)
    return dict(zip(WEIGHTS, map(float, raw), strict=True)) | {"intercept": intercept}


def _answers(ranked: Ranked, gold: Sequence[Place], names: Mapping[str, str]) -> np.ndarray:
    places = [
        Place(names.get(chunk.document_id, ""), *span) for chunk in ranked.found.chunks for span in chunk.sentences
    ]
    return np.array([character_scores([place], gold, [1])[1].precision > ANSWERS_SHARE for place in places])
