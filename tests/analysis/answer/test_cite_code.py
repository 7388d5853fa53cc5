"""Citations into source code: the lines that bear a sentence out, and sentences that none does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.answer.cite import cite
from analysis.answer.cite_code import MOST_LINES
from analysis.types import Source

SESSIONS = '''"""Sessions keep what requests share."""

DEFAULT_REDIRECT_LIMIT = 30


class Session:
    """Keeps cookies between requests."""

    def __init__(self):
        self.max_redirects = DEFAULT_REDIRECT_LIMIT
        self.trust_env = True

    def request(self, method, url, timeout=None):
        """Build a request, prepare it and send it."""
        prepared = self.prepare_request(method, url)
        settings = self.merge_environment_settings(prepared.url, timeout)
        return self.send(prepared, **settings)

    def close(self):
        """Close all adapters."""
        for adapter in self.adapters.values():
            adapter.close()
'''
ADAPTERS = """class HTTPAdapter:
    def cert_verify(self, conn, url, verify):
        if not verify:
            conn.cert_reqs = "CERT_NONE"
"""
LICENCE = "The Licensee shall pay 30 dollars for each copy of the Software.\n"
SOURCES = [
    Source("1", "src/net/sessions.py", 1, 0, len(SESSIONS), SESSIONS),
    Source("2", "src/net/adapters.py", 2, 0, len(ADAPTERS), ADAPTERS),
]


def judged(sentence: str, sources: list[Source] = SOURCES) -> tuple[bool | None, list[str], str]:
    """Return whether it is supported, what is quoted, and why not. No meaning is compared."""
    texts = {source.version_id: (source.start_char, source.text) for source in sources}
    (found,) = cite(sentence, sources, coded={1, 2}, embed=lambda all: np.ones((len(all), 1), np.float32))
    quotes = [
        texts[each.version_id][1][
            each.start_char - texts[each.version_id][0] : each.end_char - texts[each.version_id][0]
        ]
        for each in found.citations
    ]
    return found.supported, quotes, found.reason


def test_the_lines_that_do_it_are_cited_with_the_head_of_their_definition():
    supported, quotes, _ = judged("`Session.request` merges the environment settings and then calls `send`.")
    assert supported
    (quote,) = quotes
    assert quote.startswith("    def request(self, method, url, timeout=None):")
    assert "merge_environment_settings" in quote
    assert quote.endswith("return self.send(prepared, **settings)")
    assert "def close" not in quote
    assert "def __init__" not in quote


@pytest.mark.parametrize(
    ("sentence", "held"),
    [
        ("The limit for redirects, DEFAULT_REDIRECT_LIMIT, is 30.", "DEFAULT_REDIRECT_LIMIT = 30"),
        ("When `verify` is false, `cert_verify` sets `cert_reqs` to CERT_NONE.", 'conn.cert_reqs = "CERT_NONE"'),
        ("`close()` closes all adapters.", "adapter.close()"),
        ("In src/net/adapters.py, `HTTPAdapter` has `cert_verify` to verify the url.", "def cert_verify"),
    ],
)
def test_what_is_there_is_supported(sentence: str, held: str):
    supported, quotes, reason = judged(sentence)
    assert (supported, reason) == (True, "")
    assert any(held in quote for quote in quotes)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("`Session.request` calls `retry_forever`.", "The name “retry_forever” is not in the sources."),
        ("DEFAULT_REDIRECT_LIMIT is 31.", "“31” is not in the sources."),
        ("If not `verify`, `cert_verify` sets `cert_reqs` to 30.", "“30” is not in the lines that come nearest."),
        ("`close` does not close the adapters.", "The nearest lines do not show a “not”."),
        (
            "`Session` parses HTML tables with a grammar of its own.",
            "No lines in the sources show this closely enough.",
        ),
        ("A proxy encrypts all traffic twice.", "Nothing in the sources says this."),
        ("The code does not specify a `timeout`.", "Says that something is absent, which no quote can show."),
    ],
)
def test_what_is_not_there_is_not(sentence: str, reason: str):
    assert judged(sentence) == (False, [], reason)


def test_line_numbers_and_marks_are_no_claims():
    supported, _, reason = judged("1. **`Session.close`** (lines 19-22) closes its adapters [2].")
    assert (supported, reason) == (True, "")
    assert judged("## The `Session`") == (None, [], "")


def test_contracts_beside_code_are_cited_as_ever():
    sources = [*SOURCES, Source("3", "licence.txt", 3, 0, len(LICENCE), LICENCE)]
    supported, quotes, _ = judged("The Licensee shall pay 30 dollars for each copy of the Software.", sources)
    assert (supported, quotes) == (True, [LICENCE.strip()])
    supported, quotes, _ = judged("`Session.close` closes all adapters.", sources)
    assert supported
    assert all("adapter" in quote for quote in quotes)


def test_without_code_nothing_is_judged_as_code():
    prose = [Source("3", "licence.txt", 3, 0, len(LICENCE), LICENCE)]
    with_empty = cite("The Licensee shall pay 30 dollars.", prose, embed=lambda all: np.ones((len(all), 1), np.float32))
    with_other = cite(
        "The Licensee shall pay 30 dollars.", prose, coded={9}, embed=lambda all: np.ones((len(all), 1), np.float32)
    )
    assert with_empty == with_other


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(SESSIONS.splitlines(keepends=True)), min_size=1, max_size=60),
    st.sampled_from(["`request` merges settings", "max_redirects is set", "adapters close", "`Session`"]),
    st.integers(0, 500),
)
def test_citations_are_whole_lines_of_their_source_and_few(lines: list[str], sentence: str, offset: int):
    text = "".join(lines)
    source = Source("1", "a.py", 1, offset, offset + len(text), text)
    for found in cite(sentence, [source], coded={1}, embed=lambda all: np.ones((len(all), 1), np.float32)):
        for each in found.citations:
            start, end = each.start_char - offset, each.end_char - offset
            assert 0 <= start < end <= len(text)
            assert start == 0 or text[start - 1] == "\n"
            assert text[start:end].strip()
            assert text[start:end].count("\n") < 2 * MOST_LINES
