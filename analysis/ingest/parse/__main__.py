"""The child process: limits first, then one request from stdin, progress to stdout, results into the working folder."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from analysis.ingest.parse.confine import confine

# Of the processor, for a source file. Native code can be interrupted by the end of its process alone.
_SOURCE_SECONDS = 10


def main() -> None:
    """Answer one request; the last line on stdout says how it ended."""
    request = json.loads(sys.stdin.readline())
    confine(Path(request["path"]), **request["limits"])
    # What parsers complain about is in the result's warnings, as sentences.
    logging.disable(logging.CRITICAL)
    from analysis.errors import UserError
    from analysis.ingest.parse.messages import DAMAGED, OUT_OF_MEMORY

    try:
        _answer(request)
        say({"done": True})
    except UserError as error:
        say({"error": {"code": error.code, "message": error.message}})
    except MemoryError:
        say({"error": {"code": "parse_memory", "message": OUT_OF_MEMORY}})
    except Exception:
        # Hostile files break parsers in ways nobody foresaw: the person hears a sentence, the log gets the rest.
        traceback.print_exc()
        say({"error": {"code": "damaged", "message": DAMAGED}})
    # Leave without tearing down native libraries: a broken document can crash them on the way out.
    sys.stdout.flush()
    os._exit(0)


def _answer(request: dict[str, Any]) -> None:
    path = Path(request["path"])
    # Each job loads what it needs and no more.
    if request["job"] == "render":
        from analysis.ingest.parse.draw import draw

        draw(path, request["password"], request["page_numbers"], Path.cwd(), report)
    elif request["job"] == "draw_to_read":
        from analysis.ingest.parse.draw import draw_to_read

        draw_to_read(path, request["password"], request["page_numbers"], Path.cwd(), report)
    elif request["job"] == "scans":
        from analysis.ingest.parse.survey import scans

        numbers = scans(path, request["name"], request["password"], request["page_limit"], report)
        Path("scans.json").write_text(json.dumps(numbers))
    elif request["job"] == "cut":
        from analysis.ingest.parse.sound import cut

        pieces = cut(path, Path.cwd(), request["limit_minutes"], report)
        Path("pieces.json").write_text(json.dumps(pieces))
    elif request["job"] == "fetch":
        from analysis.ingest.unpack.git import Limits, Wanted, fetch

        fetch(Wanted(**request["wanted"]), Limits(**request["allowed"]), Path.cwd(), report)
    elif request["job"] == "unpack":
        _unpack(request, path)
    elif request["job"] == "parse_sources":
        _parse_sources(request)
    else:
        _parse(request, path, Path.cwd())


def _unpack(request: dict[str, Any], path: Path) -> None:
    from analysis.ingest.unpack.listing import unpack
    from analysis.ingest.unpack.rules import Rules

    limits = {name: request[name] for name in ("origin", "most_bytes", "most_files")}
    unpack(path, Path.cwd(), rules=Rules.of(request["rules"]), report=report, **limits)


def _parse_sources(request: dict[str, Any]) -> None:
    """Leave each file's document in a folder of its number; a file that takes too long ends this process."""
    from analysis.ingest.parse.code import parse_source
    from analysis.ingest.parse.handover import write_document

    for number, (name, path, plain) in enumerate(request["files"]):
        folder = Path.cwd() / str(number)
        folder.mkdir()
        signal.setitimer(signal.ITIMER_PROF, _SOURCE_SECONDS)
        with contextlib.suppress(Exception):  # the file is read again as plain text
            write_document(parse_source(Path(path), name, plain=plain), folder)
        signal.setitimer(signal.ITIMER_PROF, 0)
        report("parse", number + 1, len(request["files"]))


def _parse(request: dict[str, Any], path: Path, folder: Path) -> None:
    from analysis.ingest.parse import parse_file
    from analysis.ingest.parse.handover import write_document
    from analysis.ingest.parse.transcripts import Transcripts

    document = parse_file(
        path,
        name=request["name"],
        password=request["password"],
        page_limit=request["page_limit"],
        transcripts=Transcripts.from_json(request["transcripts"]),
        report=report,
    )
    write_document(document, folder)


def report(stage: str, done: int, total: int) -> None:
    """Tell the parent how far the work has come; it kills a child that stays silent."""
    say({"progress": [stage, done, total]})


def say(message: dict[str, Any]) -> None:
    """Write one line to the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
