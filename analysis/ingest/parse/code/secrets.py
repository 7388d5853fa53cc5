"""Keys, tokens and passwords in source: exactly the characters of each value, so that these alone are masked.

What keys of the large services look like is detect-secrets' knowledge, whose expressions are used here over the whole
text. Passwords have no look: they are told by the name that they are given to, and by not being a placeholder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from math import log2

from analysis.types import ParsedSecret

# The rest of its plugins find more commit hashes and names of things than keys.
_PLUGINS = {
    "aws.AWSKeyDetector": "AWS key",
    "azure_storage_key.AzureStorageKeyDetector": "Azure storage key",
    "discord.DiscordBotTokenDetector": "Discord token",
    "github_token.GitHubTokenDetector": "GitHub token",
    "gitlab_token.GitLabTokenDetector": "GitLab token",
    "mailchimp.MailchimpDetector": "Mailchimp key",
    "openai.OpenAIDetector": "OpenAI key",
    "pypi_token.PypiTokenDetector": "PyPI token",
    "sendgrid.SendGridDetector": "SendGrid key",
    "slack.SlackDetector": "Slack token",
    "square_oauth.SquareOAuthDetector": "Square token",
    "stripe.StripeDetector": "Stripe key",
    "telegram_token.TelegramBotTokenDetector": "Telegram token",
    "twilio.TwilioKeyDetector": "Twilio key",
}
_OWN = {
    "Private key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<value>[^-]{20,20000})-----END ",
    "JSON Web Token": r"\b(?P<value>eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,2000})",
    "GitHub token": r"\b(?P<value>github_pat_\w{60,100})",
    "Google key": r"\b(?P<value>AIza[\w-]{35})",
    "npm token": r"(?:\b(?P<value>npm_[A-Za-z0-9]{36})|:_authToken=\s*(?P<other>[\w-]{20,100}))",
}
_CONNECTION = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>]{0,100}:(?P<value>[^\s/@'\"<>]{3,200})@[\w\[]", re.I)
_NAME = (
    r"(?P<name>pass(?:word|wd|phrase)|(?<![a-z])pwd|secret|token|credential|"
    r"(?:api|auth|access|account|service|private|secret|encryption|signing|master|license|db|database|client)[_-]?key)"
)
# `name = "value"`, `"name": "value"`, `name => 'value'`, `setPassword("value")`.
_QUOTED = re.compile(
    rf"{_NAME}[\w-]{{0,40}}(?:['\"]?\]?\s{{0,20}}(?::=|=>|={{1,3}}|!={{1,2}}|:)\s{{0,20}}|\()[rbuf@]{{0,2}}"
    r"(?P<quote>[\"'`])(?P<value>[^\"'`\n]{4,300})(?P=quote)",
    re.I,
)
# Files of settings have no quotes: `PASSWORD=value`, `token: value`.
_PLAIN = re.compile(
    rf"^[ \t\w.-]{{0,80}}?{_NAME}[\w-]{{0,40}}[ \t]*[:=][ \t]*(?P<value>[^\s\"'#,;]{{6,300}})[ \t]*$", re.I | re.M
)
_PLAIN_SYNTAXES = frozenset({"yaml", "ini", "toml", "bash", "dockerfile", "makefile", "text", ""})
_PLACEHOLDER = re.compile(
    r"[<>{}()\[\]$%*\s]|\.\.\.|^(?:true|false|none|null|nil|undefined|password|passwd|passw0rd|pass|secret|user|root|admin|"
    r"guest|postgres|token|key)\d*$|example|change|placeholder|dummy|sample|fake|your|insert|replace|redacted|xxx|todo|"
    r"test|mock|foo|bar|hunter2|1234|abcd|dev(?:elopment)?only|not[-_]?a",
    re.I,
)
# Words, and names in code, which may end with a number.
_WORDS = re.compile(r"[A-Za-z]*[-_./:]?|_*[A-Za-z]+(?:[-_./:]+[A-Za-z]+)+\d{0,2}[-_./:]?")
_PATH = re.compile(r"[a-z]+://|urn:|[./~]|\d+/|.*[/\\].*\.\w{1,5}$", re.I)
_PASSWORDS = ("pass", "pwd")
_LEAST_ENTROPY = 3.0
# Of twenty random letters and digits, five in six have more. Names in code have one at most.
_FEWEST_DIGITS = 2
_SHORTEST_KEY, _SHORTEST_PASSWORD = 12, 6


def secrets(text: str, syntax: str) -> tuple[ParsedSecret, ...]:
    """Return the secrets of a file in order and apart from each other; of two that overlap the one found first."""
    found: list[ParsedSecret] = []
    for secret in sorted(_found(text, syntax), key=lambda each: (each.start_char, -each.end_char)):
        if not found or found[-1].end_char <= secret.start_char:
            found.append(secret)
    return tuple(found)


def _found(text: str, syntax: str) -> Iterator[ParsedSecret]:
    for kind, expression in _expressions():
        for match in expression.finditer(text):
            start, end = _value(match)
            if not _goes_on(text, start, end) and not _repeats(text[start:end]):
                yield ParsedSecret(kind, start, end)
    for match in _CONNECTION.finditer(text):
        if not _is_placeholder(match["value"]):
            yield ParsedSecret("Password in an address", *match.span("value"))
    yield from _assigned(text, _QUOTED.finditer(text))
    if syntax in _PLAIN_SYNTAXES:
        yield from _assigned(text, _PLAIN.finditer(text))


@cache
def _expressions() -> list[tuple[str, re.Pattern[str]]]:
    own = [(kind, re.compile(expression)) for kind, expression in _OWN.items()]
    for plugin, kind in _PLUGINS.items():
        module, _, name = plugin.partition(".")
        detector = getattr(import_module(f"detect_secrets.plugins.{module}"), name)
        own += [(kind, expression) for expression in detector.denylist]
    return own


def _value(match: re.Match[str]) -> tuple[int, int]:
    """Return the value alone where the expression has a group for it."""
    named = match.re.groupindex
    groups = list(named.values()) if named else range(1, match.re.groups + 1)
    # A group that is much shorter than the match is a part of the key ("ghp" of "ghp_...").
    spans = [match.span(group) for group in groups if match[group] and len(match[group]) >= _SHORTEST_KEY]
    return spans[0] if spans else match.span()


def _assigned(text: str, matches: Iterable[re.Match[str]]) -> Iterator[ParsedSecret]:
    for match in matches:
        name, value = match["name"].lower(), match["value"]
        is_password = name.startswith(_PASSWORDS)
        if _is_secret(value, is_password=is_password):
            yield ParsedSecret("Password" if is_password else "Key or token", *match.span("value"))


def _is_secret(value: str, *, is_password: bool) -> bool:
    """Whether a value that is given to a name of a secret is one: no placeholder, no word, and no reference."""
    if _is_placeholder(value) or _WORDS.fullmatch(value) or _PATH.match(value):
        return False
    if is_password:
        return len(value) >= _SHORTEST_PASSWORD
    digits = sum(char.isdigit() for char in value)
    return len(value) >= _SHORTEST_KEY and digits >= _FEWEST_DIGITS and _entropy(value) >= _LEAST_ENTROPY


def _is_placeholder(value: str) -> bool:
    return bool(_PLACEHOLDER.search(value)) or _repeats(value)


def _repeats(value: str) -> bool:
    return len(set(value)) <= max(2, len(value) // 10) and len(value) < 200


def _goes_on(text: str, start: int, end: int) -> bool:
    """Whether letters or digits stand around the value: it is a part of something longer then."""
    return (start > 0 and text[start - 1].isalnum()) or (end < len(text) and text[end].isalnum())


def _entropy(value: str) -> float:
    """Return the bits a character of `value` (Shannon)."""
    return -sum(count / len(value) * log2(count / len(value)) for count in Counter(value).values())
