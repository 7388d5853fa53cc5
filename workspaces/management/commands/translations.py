"""`manage.py translations`: bring locale/ up to date with the texts of the sources, and compile it.

For whoever changes a text: what is new stands in the .po file without a translation until somebody writes one, what is
gone is taken out. Needs polib, which requirements-dev.txt brings.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import polib
from django.conf import settings
from django.core.management.base import BaseCommand

from workspaces.catalogue import Text, texts


class Command(BaseCommand):
    help = "Bring the translations up to date with the texts of the sources, and compile them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--missing", action="store_true", help="print what has no translation")

    def handle(self, *args: object, missing: bool, **options: object) -> None:
        found = texts()
        for path in sorted(Path(settings.LOCALE_PATHS[0]).glob("*/LC_MESSAGES/django.po")):
            catalogue = polib.pofile(str(path))
            known = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}
            catalogue[:] = [_entry(each, known.get(key)) for key, each in found.items()]
            catalogue.save()
            catalogue.save_as_mofile(str(path.with_suffix(".mo")))
            untranslated = [entry.msgid for entry in catalogue if not entry.translated()]
            self.stdout.write(f"{path.parts[-3]}: {len(found)} texts, {len(untranslated)} not translated")
            if missing:
                self.stdout.write("\n".join(untranslated))


def _entry(text: Text, known: polib.POEntry | None) -> polib.POEntry:
    """Return the text's entry, with the translation that is known."""
    if known is None or known.msgid_plural != text.plural:
        known = polib.POEntry(msgid=text.text, msgctxt=text.context or None, msgid_plural=text.plural)
        known.msgstr_plural = {0: "", 1: ""} if text.plural else {}
    known.occurrences = [(text.place, "")]
    known.flags = ["python-format"] if "%(" in text.text else []
    return known
