"""`manage.py benchmark NAME`: speed on this machine, as a table and, with --json, as a file."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from django.core.management.base import BaseCommand

from analysis import benchmarks
from analysis.benchmarks import Report


class Command(BaseCommand):
    """Runs one benchmark of analysis/benchmarks."""

    help = "Measure speed on this machine; the running services are not needed, but their load shows in the figures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = parser.add_subparsers(dest="benchmark", required=True)
        for name in _names():
            one = names.add_parser(name, help=(import_module(f"analysis.benchmarks.{name}").__doc__ or "").strip())
            one.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
            import_module(f"analysis.benchmarks.{name}").add_arguments(one)

    def handle(self, *, benchmark: str, json: Path | None, **options: Any) -> None:
        found: Report | dict[str, Any] = import_module(f"analysis.benchmarks.{benchmark}").run(**options)
        report = found if isinstance(found, Report) else Report(("figure", "value"), list(found.items()), values=found)
        self.stdout.write(table(report))
        if json:
            write(report, json)


def _names() -> list[str]:
    modules = (import_module(f"analysis.benchmarks.{module.name}") for module in iter_modules(benchmarks.__path__))
    return [module.__name__.rpartition(".")[2] for module in modules if hasattr(module, "add_arguments")]


def table(report: Report) -> str:
    """Return the report as aligned columns, with its notes underneath."""
    lines = [[str(cell) for cell in line] for line in (report.columns, *report.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([*rows, "", *report.notes])


def write(report: Report, path: Path) -> None:
    """Write the report's values to `path` as JSON."""
    path.write_text(json.dumps({"values": report.values, "notes": report.notes}, indent=1) + "\n")
