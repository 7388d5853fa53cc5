"""CUAD's labels beside the clause finder's findings: which clause a category is, which sentences are one, and what
weights follow from that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.review.checklist import Clause, built_in
from analysis.review.scoring import CLAUSE_FEATURES, clause_features
from analysis.review.sentences import Sentences, embed
from analysis.types import Identity, Span

# A sentence is a clause when at least this much of it is marked, or of what is marked lies in it.
LEAST_SHARED = 0.5
# Found by other means than scored sentences, or marked in so few words that no sentence is as long.
NOT_FITTED = frozenset({"document-name", "parties", "agreement-date"})

CATEGORIES: Mapping[str, str] = {
    "Document Name": "document-name",
    "Parties": "parties",
    "Agreement Date": "agreement-date",
    "Effective Date": "effective-date",
    "Expiration Date": "expiration-date",
    "Renewal Term": "renewal-term",
    "Notice Period To Terminate Renewal": "notice-to-end-renewal",
    "Governing Law": "governing-law",
    "Most Favored Nation": "most-favoured-customer",
    "Competitive Restriction Exception": "competition-exception",
    "Non-Compete": "non-compete",
    "Exclusivity": "exclusivity",
    "No-Solicit Of Customers": "no-solicit-customers",
    "No-Solicit Of Employees": "no-solicit-employees",
    "Non-Disparagement": "non-disparagement",
    "Termination For Convenience": "termination-for-convenience",
    "Rofr/Rofo/Rofn": "first-refusal",
    "Change Of Control": "change-of-control",
    "Anti-Assignment": "anti-assignment",
    "Revenue/Profit Sharing": "revenue-sharing",
    "Price Restrictions": "price-restriction",
    "Minimum Commitment": "minimum-commitment",
    "Volume Restriction": "volume-restriction",
    "Ip Ownership Assignment": "ip-assignment",
    "Joint Ip Ownership": "joint-ip",
    "License Grant": "license-grant",
    "Non-Transferable License": "non-transferable-license",
    "Affiliate License-Licensor": "affiliate-license-licensor",
    "Affiliate License-Licensee": "affiliate-license-licensee",
    "Unlimited/All-You-Can-Eat-License": "unlimited-license",
    "Irrevocable Or Perpetual License": "perpetual-license",
    "Source Code Escrow": "source-code-escrow",
    "Post-Termination Services": "post-termination",
    "Audit Rights": "audit-rights",
    "Uncapped Liability": "uncapped-liability",
    "Cap On Liability": "liability-cap",
    "Liquidated Damages": "liquidated-damages",
    "Warranty Duration": "warranty-duration",
    "Insurance": "insurance",
    "Covenant Not To Sue": "no-challenge",
    "Third Party Beneficiary": "third-party-beneficiary",
}
_BY_NAME = {category.lower(): clause for category, clause in CATEGORIES.items()}


@dataclass(frozen=True)
class Marked:
    """A contract with what people marked in it. gold: by category, in whatever case, the spans that are that clause."""

    name: str
    text: str
    sentences: Sentences
    identity: Identity
    gold: Mapping[str, Sequence[Span]]


def clause_of(category: str) -> Clause:
    """Return the clause that a category is. Raises KeyError for a category that is not CUAD's."""
    return built_in().by_id[_BY_NAME[category.lower()]]


def fitted_weights(contracts: Iterable[Marked]) -> NDArray[np.float64]:
    """Return the weights of CLAUSE_FEATURES, and the one that stands by itself, which fit the contracts best."""
    from sklearn.linear_model import LogisticRegression

    rows, labels = [], []
    for contract in contracts:
        for category, gold in contract.gold.items():
            clause = clause_of(category)
            if clause.id not in NOT_FITTED:
                rows.append(clause_features(clause, contract.sentences, embed))
                labels.append([is_clause(span, gold) for span in contract.sentences.spans])
    fitted = LogisticRegression(C=1.0, max_iter=3000).fit(np.vstack(rows), np.concatenate(labels))
    return np.array([*fitted.coef_[0], fitted.intercept_[0]])


def is_clause(sentence: Span, gold: Iterable[Span]) -> bool:
    """Return whether the sentence is one of the marked spans, or a good part of one."""
    for span in gold:
        shared = min(sentence.end_char, span.end_char) - max(sentence.start_char, span.start_char)
        shorter = min(sentence.end_char - sentence.start_char, span.end_char - span.start_char)
        if shared > 0 and shared >= LEAST_SHARED * shorter:
            return True
    return False


def as_toml(weights: NDArray[np.float64]) -> str:
    """Return the weights as review/weights.toml has them."""
    names = (*CLAUSE_FEATURES, "by_itself")
    return "\n".join(f"{name} = {weight:.2f}" for name, weight in zip(names, weights, strict=True))
