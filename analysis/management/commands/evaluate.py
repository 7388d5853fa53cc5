"""`manage.py evaluate NAME DIR`: quality on a data set, as a table and, with --json, as a file."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from django.core.management.base import CommandError

from analysis import evaluations
from analysis.management.command import LecternCommand
from analysis.management.commands.benchmark import table, write


class Command(LecternCommand):
    """Runs one evaluation of analysis/evaluations."""

    help = "Measure quality on labelled data, through the real pipelines and with the language model that is set."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = parser.add_subparsers(dest="evaluation", required=True)
        for name, module in _evaluations().items():
            one = names.add_parser(name, help=(module.__doc__ or "").strip())
            one.add_argument("folder", type=Path, metavar="DIR", help="the folder that holds the data set")
            one.add_argument("--limit", type=int, default=0, help="look at the first so many trials only")
            one.add_argument("--json", type=Path, metavar="FILE", help="write the figures and trials to FILE as well")
            module.add_arguments(one)

    def run(self, *, evaluation: str, folder: Path, json: Path | None, **options: Any) -> None:
        """Run it and print its table."""
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        report = _evaluations()[evaluation].run(folder, **options)
        self.stdout.write(table(report))
        if json:
            write(report, json)


def _evaluations() -> dict[str, Any]:
    """Return the evaluations by name, each as its module; what they share stands beside them and is none."""
    modules = [import_module(f"analysis.evaluations.{module.name}") for module in iter_modules(evaluations.__path__)]
    return {
        module.__name__.rpartition(".")[2].replace("_", "-"): module
        for module in modules
        if hasattr(module, "add_arguments")
    }
