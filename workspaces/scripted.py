"""The sentences that scripts show: a page that is not in English carries them in its own language.

A script says `say("Copied")`; a sentence that is not listed here stays English. A test holds both lists together.
"""

from __future__ import annotations

from django.utils.translation import get_language, gettext, gettext_noop

SCRIPTED = (
    gettext_noop("Sending {name}"),
    gettext_noop("Dismiss"),
    gettext_noop("Selected. Press Ctrl-C to copy."),
    gettext_noop("This browser does not let pages copy here."),
    gettext_noop("Copied"),
    gettext_noop("The server does not answer. Try again in a moment."),
    gettext_noop("{count} chosen"),
    gettext_noop("bytes"),
    gettext_noop("Packing…"),
    gettext_noop("Packed, it is larger than {most} MiB."),
    gettext_noop("The file is larger than {most} MiB."),
    gettext_noop("{size}, waiting"),
    gettext_noop("Cancel"),
    gettext_noop("The connection was lost before the file was through. Nothing of it was stored."),
    gettext_noop("The file is larger than this server takes."),
    gettext_noop("You may not add documents here any more. Reload the page."),
    gettext_noop("You have been signed out. Sign in in another tab, then retry."),
    gettext_noop("The server could not take the file just now. Nothing of it was stored."),
    gettext_noop("Retry"),
    gettext_noop("{count} document"),
    gettext_noop("{count} documents"),
    gettext_noop("{count} repository"),
    gettext_noop("{count} repositories"),
    gettext_noop(" and "),
    gettext_noop("Sending {count} file"),
    gettext_noop("Sending {count} files"),
    gettext_noop("{what} added"),
    gettext_noop("{count} not added"),
    gettext_noop("{what} added."),
    gettext_noop("You have been signed out. Reload the page to sign in."),
    gettext_noop("The server could not do that just now. Try again in a moment."),
    gettext_noop("Copied with its citation."),
    gettext_noop("About {place}: "),
    gettext_noop("Find a file, a symbol, or words in the open file"),
    gettext_noop("Go to a line"),
    gettext_noop("What the file defines"),
    gettext_noop("Next name that is defined here, the one before"),
    gettext_noop("One screen on, one back"),
    gettext_noop("Ask about this repository"),
    gettext_noop("Send the question"),
    gettext_noop("over. Show it"),
    gettext_noop("There is no file in {name}."),
    gettext_noop("{names} and more left out."),
    gettext_noop("{names} left out."),
    gettext_noop("A repository of {count} file."),
    gettext_noop("A repository of {count} files."),
    gettext_noop("{name} could not be read by the browser. Choose its files instead, or pack them into an archive."),
    gettext_noop("That did not work. Try again."),
    gettext_noop("This browser knows no passkeys."),
    gettext_noop("Nothing came of it: it was called off, or took too long. You can try again."),
    gettext_noop("This device or key is on your list already."),
    gettext_noop("This browser makes no passkeys for this address."),
    gettext_noop("This device cannot do what is asked of it here."),
    gettext_noop("Fit"),
    gettext_noop("{count} place"),
    gettext_noop("{count} places"),
    gettext_noop("{number} of {count}"),
    gettext_noop("About “{words}”: "),
    gettext_noop("Next page, page before"),
    gettext_noop("Go to a page"),
    gettext_noop("Find in this document"),
    gettext_noop("Next place found, place before"),
    gettext_noop("Next term or reference in sight, the one before"),
    gettext_noop("Ask about this document"),
    gettext_noop("Larger, smaller, fit the width"),
)


def scripted() -> dict[str, str]:
    """Return the sentences in the language of the page, by their English words; none for a page in English."""
    return {} if get_language() == "en" else {words: gettext(words) for words in SCRIPTED}
