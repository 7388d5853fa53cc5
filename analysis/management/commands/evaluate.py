"""`manage.py evaluate NAME DIR`: quality on a data set, printed, kept for the evaluation page and written to files."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from analysis.evaluations import evaluations
from analysis.evaluations.kept import embedder_measured, facts_of, run_keep
from analysis.evaluations.reports import as_json, categories_table, figures_table, write_failures
from analysis.evaluations.trials import Outcome, RunFacts, Summary, summarise
from analysis.management.command import LecternCommand
from analysis.management.commands.benchmark import table
from config.env import env

# What Django's own commands can be told says nothing about a run.
_OF_ANY_COMMAND = {
    "stdout",
    "stderr",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
}


class Command(LecternCommand):
    """Runs one evaluation of analysis/evaluations."""

    help = "Measure quality on labelled data, through the real pipelines and with the language model that is set."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = parser.add_subparsers(dest="evaluation", required=True)
        for name, module in evaluations().items():
            one = names.add_parser(name, help=(module.__doc__ or "").strip().partition("\n")[0])
            one.add_argument("folder", type=Path, metavar="DIR", help="the folder that holds the data set")
            one.add_argument("--limit", type=int, default=0, help="look at the first so many trials only")
            one.add_argument("--llm", default="", help="id of the language model; the default one if not given")
            one.add_argument("--json", type=Path, metavar="FILE", help="write the figures and trials to FILE as well")
            one.add_argument("--failures", type=Path, metavar="FILE", help="write what failed to FILE (.md or .jsonl)")
            one.add_argument("--note", default="", help="what to call this run on the evaluation page")
            one.add_argument("--no-store", action="store_true", help="do not keep the run for the evaluation page")
            module.add_arguments(one)

    def run(
        self, *, evaluation: str, folder: Path, json: Path | None, failures: Path | None, no_store: bool, **options: Any
    ) -> None:
        """Run it, print its tables, and keep and write what is asked for."""
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        options = {name: value for name, value in options.items() if name not in _OF_ANY_COMMAND}
        started_at, note = timezone.now(), options.pop("note")
        outcome = evaluations()[evaluation].run(folder, **options)
        if not outcome.trials:
            raise CommandError(" ".join(["Nothing could be measured.", *outcome.notes]))
        outcome.notes += _other_embedder()
        summary = summarise(outcome.measures, outcome.trials)
        facts = facts_of(outcome, name=evaluation, folder=folder, note=note, options=options, started_at=started_at)
        self._print(outcome, summary, facts)
        if json:
            _write_json(outcome, summary, facts, json)
        if failures:
            self.stdout.write(f"{write_failures(outcome.trials, failures)} of the trials failed: see {failures}.")
        if not no_store:
            kept = run_keep(outcome, summary, facts)
            self.stdout.write(f"Kept as run {kept.pk}, to be compared on the evaluation page.")

    def _print(self, outcome: Outcome, summary: Summary, facts: RunFacts) -> None:
        self.stdout.write(table(figures_table(outcome, summary)))
        if summary.categories:
            self.stdout.write(table(categories_table(outcome, summary)))
        self.stdout.write("\n".join([*outcome.notes, facts.in_words()]))


def _other_embedder() -> list[str]:
    """Return a sentence when another embedder than the one that is set was measured."""
    measured = embedder_measured()
    if measured == env.embedder:
        return []
    return [f"LECTERN_EMBEDDER is {env.embedder}, which does not serve yet: {measured} was measured."]


def _write_json(outcome: Outcome, summary: Summary, facts: RunFacts, path: Path) -> None:
    path.write_text(json.dumps(as_json(outcome, summary, facts), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
