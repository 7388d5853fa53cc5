"""Is what is said of a contract borne out by it, contradicted, or not mentioned? Labels and evidence of NDAs.

Reads ContractNLI (Koreeda and Manning, Findings of EMNLP 2021): *.json with documents, 17 hypotheses, and for each
document and hypothesis a choice and the spans that are its evidence. Task `cite` takes each hypothesis as if it were a
sentence of an answer and has it judged against the whole document, without a language model. Task `ask` asks the
language model whether it is so, and judges by the answer's sentences that the document bears out. Task `fit` is `cite`,
and tells besides what the weights of analysis/answer/likeness.py would be, fitted on every other document.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from analysis.answer import material
from analysis.answer.cite import Compared, Judgement, Verdict, compare, judge
from analysis.answer.evidence import Sources
from analysis.answer.likeness import Likeness, claim_of
from analysis.answer.parties import parties_of
from analysis.answer.prompt import whole_source
from analysis.benchmarks import scratch_workspace
from analysis.errors import UserError
from analysis.evaluations import answered, cited_spans, read_in
from analysis.evaluations.metrics import Scored, average_precision, label_scores, overlaps
from analysis.evaluations.trials import Measure, Outcome, Trial, Unit
from analysis.llm.registry import llm_get
from analysis.models import Answer, Document
from analysis.types import Mode, Span

ENTAILED, CONTRADICTED, SILENT = "Entailment", "Contradiction", "NotMentioned"
_VERDICTS = {Verdict.SUPPORTED: ENTAILED, Verdict.CONTRADICTED: CONTRADICTED, Verdict.UNSUPPORTED: SILENT}
FAR = -100.0  # the rank of a span that no near sentence touches
_NO = re.compile(r"^\W*no\b", re.IGNORECASE)


def _label_f1(label: str, trials: Sequence[Trial]) -> float:
    return label_scores([(trial.category, trial.details["said"]) for trial in trials], label).f1


MEASURES = (
    Measure("right", "label as annotated", headline=True),
    Measure("supported", "marked supported"),
    Measure("f1_entailment", "F1 of Entailment", statistic=partial(_label_f1, ENTAILED)),
    Measure("f1_contradiction", "F1 of Contradiction", statistic=partial(_label_f1, CONTRADICTED)),
    Measure("f1_silent", "F1 of NotMentioned", statistic=partial(_label_f1, SILENT)),
    Measure("citation_precision", "entailed and supported: cited spans that are evidence"),
    Measure("citation_recall", "entailed and supported: evidence spans that are cited"),
    Measure("evidence_hit", "entailed and supported: any evidence cited", headline=True),
    Measure("evidence_map", "entailed or contradicted: mean average precision of evidence"),
    Measure("seconds", "whole answer", unit=Unit.SECONDS, more_is_better=False),
)


@dataclass(frozen=True)
class Pair:
    """One hypothesis on one document.

    label: as annotated. gold: its evidence, of the document's `spans`; none where nothing is mentioned.
    """

    document: str
    text: str
    key: str
    hypothesis: str
    label: str
    gold: tuple[Span, ...]
    spans: tuple[Span, ...]


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate contractnli` can be told."""
    parser.add_argument("--task", choices=["cite", "ask", "fit"], default="cite", help="judge, ask an LLM, or fit")
    parser.add_argument("--mode", choices=["whole", "passages", "sweep"], default="passages", help="of task ask")
    parser.add_argument(
        "--half", choices=["all", "even", "odd"], default="all", help="of the documents, by their order"
    )


def run(
    folder: Path, *, task: str = "cite", mode: str = "passages", half: str = "all", llm: str = "", limit: int = 0,
    **_: Any,
) -> Outcome:  # fmt: skip
    """Judge every hypothesis on every document; categories are the annotated labels."""
    pairs = list(read_pairs(folder, half))
    chosen = _spread(pairs, limit) if limit else pairs
    if not chosen:
        raise CommandError(f"There are no annotated documents in {folder}.")
    outcome = Outcome(MEASURES, llm=llm_get(llm).id if task == "ask" else "")
    weighed: list[tuple[Pair, list[Compared]]] = []
    by_document = {name: list(held) for name, held in groupby(chosen, key=lambda pair: pair.document)}
    with scratch_workspace() as workspace:
        for name, held in tqdm(by_document.items(), desc="contractnli", disable=None):
            try:
                document = read_in(workspace, name, held[0].text.encode())
            except UserError as error:
                outcome.notes.append(error.message)
                continue
            if task == "ask":
                outcome.trials += [asked(pair, document, mode=Mode(mode), llm=llm) for pair in held]
                continue
            near = list(weigh(document, held))
            weighed += [(pair, found) for pair, found, _ in near]
            outcome.trials += [judged(pair, judgement, found) for pair, found, judgement in near]
    if task == "fit":
        outcome.notes.append(fitted(weighed))
    return outcome


def read_pairs(folder: Path, half: str = "all") -> Iterator[Pair]:
    """Yield every hypothesis of every document, document by document, in the order of their file."""
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for number, document in enumerate(data["documents"]):
            if half in ("all", ("even", "odd")[number % 2]):
                yield from _of_document(f"{path.stem} {document['id']}.txt", document, data["labels"])


def weigh(document: Document, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, list[Compared], Judgement]]:
    """Yield each hypothesis with the document's sentences that come near it, and what follows from them."""
    sources = Sources([whole_source(material.with_text(document))], parties_of(material.identities([document])))
    for pair in pairs:
        claim = claim_of(pair.hypothesis, sources)
        found = compare(claim, sources)
        yield pair, found, judge(claim, found, sources)


def judged(pair: Pair, judgement: Judgement, found: Sequence[Compared]) -> Trial:
    """Return the trial of a hypothesis that was judged. found: the sentences near it, ranked."""
    cited = [Span(piece.start_char, piece.end_char) for piece in judgement.pieces]
    trial = _trial(pair, _VERDICTS[judgement.verdict], cited, judgement.reason)
    if pair.gold:
        trial.values["evidence_map"] = average_precision(_ranked(pair, found), len(pair.gold))
    return trial


def asked(pair: Pair, document: Document, *, mode: Mode, llm: str) -> Trial:
    """Return the trial of a hypothesis that a language model was asked about."""
    question = f"Is the following true of this contract? Answer yes or no, and quote why: {pair.hypothesis}"
    answer = answered(document, question, mode=mode, llm=llm)
    cited = cited_spans(answer)
    trial = _trial(pair, _said(answer, cited), cited, answer.text)
    trial.values["seconds"] = float(answer.usage.get("seconds", 0.0))
    return trial


def fitted(weighed: Sequence[tuple[Pair, list[Compared]]]) -> str:
    """Return what the weights of `likeness` come to on every other document, in a sentence.

    Borne out is evidence of what is entailed; all sentences near what is contradicted or not mentioned are not. Other
    sentences near what is entailed may bear it out as well, and are left out.
    """
    names = list(dict.fromkeys(pair.document for pair, _ in weighed))
    rows = [
        (each.likeness, pair.label == ENTAILED)
        for pair, found in weighed
        if not names.index(pair.document) % 2
        for each in found
        if pair.label != ENTAILED or _is_evidence(pair, each)
    ]
    model = LogisticRegression(max_iter=1000).fit([row for row, _ in rows], [right for _, right in rows])
    weights = [f"{name} {weight:.2f}" for name, weight in zip(Likeness._fields, model.coef_[0], strict=True)]
    return f"Fitted on {len(rows):,} sentences: {', '.join(weights)}, constant {model.intercept_[0]:.2f}."


def _is_evidence(pair: Pair, each: Compared) -> bool:
    return any(overlaps([Span(each.piece.start_char, each.piece.end_char)], gold) for gold in pair.gold)


def _ranked(pair: Pair, found: Sequence[Compared]) -> list[Scored]:
    """Return each of the document's annotated spans with the rank of the best sentence that touches it."""
    places = [(Span(each.piece.start_char, each.piece.end_char), each.rank) for each in found]
    ranks = {
        span: max((rank for place, rank in places if overlaps([place], span)), default=None) for span in pair.spans
    }
    return [Scored(FAR if rank is None else rank, span in pair.gold) for span, rank in ranks.items()]


def _of_document(name: str, document: dict[str, Any], labels: dict[str, Any]) -> Iterator[Pair]:
    spans = tuple(Span(*span) for span in document["spans"])
    for key, annotation in document["annotation_sets"][0]["annotations"].items():
        gold = tuple(spans[index] for index in annotation["spans"])
        yield Pair(name, document["text"], key, labels[key]["hypothesis"], annotation["choice"], gold, spans)


def _said(answer: Answer, cited: Sequence[Span]) -> str:
    """Return the label that the answer comes to: yes or no with a citation, else that nothing is mentioned."""
    if not cited:
        return SILENT
    return CONTRADICTED if _NO.match(answer.text) else ENTAILED


def _trial(pair: Pair, said: str, cited: Sequence[Span], returned: str) -> Trial:
    values = {"right": float(said == pair.label), "supported": float(said == ENTAILED)}
    if pair.label == said == ENTAILED and pair.gold:
        hits = [any(overlaps([span], gold) for gold in pair.gold) for span in cited]
        values["citation_precision"] = sum(hits) / len(hits)
        values["citation_recall"] = sum(overlaps(cited, gold) for gold in pair.gold) / len(pair.gold)
        values["evidence_hit"] = float(any(hits))
    return Trial(
        key=f"{pair.document} {pair.key}",
        document=pair.document,
        category=pair.label,
        values=values,
        question=pair.hypothesis,
        gold=" … ".join(pair.text[slice(*span)] for span in pair.gold),
        returned=f"{said}. {returned}".strip(),
        where=" … ".join(pair.text[slice(*span)] for span in cited),
        failed=said != pair.label,
        details={"said": said, "hypothesis": pair.key},
    )


def _spread(pairs: list[Pair], count: int) -> list[Pair]:
    """Return `count` of the pairs, evenly spaced, so that documents and hypotheses are mixed."""
    return [pairs[place * len(pairs) // count] for place in range(min(count, len(pairs)))]
