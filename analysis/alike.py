"""Words of contracts that say the same: one concept for "share" and "disclose", "vendor" and "supplier".

A table written by hand, for comparing a sentence of an answer with the sentence of a contract that it rests on; never
for quoting. A word stands in one line only, by its stem, so a line holds what may be put for each other in a contract
without changing who owes what: "may" and "shall", "return" and "destroy", "sell" and "buy" are kept apart.
"""

from __future__ import annotations

import re
from functools import cache

from analysis.words import Word, stem, words

_GROUPS = """
disclose share reveal divulge disseminate communicate publish furnish transmit release impart announce pass
use utilize utilise exploit
copy copies reproduce reproduction duplicate photocopy replicate extract
retain retention keep preserve archive
return redeliver surrender
destroy destruction delete erase shred
solicit recruit hire entice poach engage
notify notification notice alert
compel require mandate order subpoena demand
law statute regulation legal legally judicial court governmental authority
employee personnel staff worker
representative agent advisor adviser consultant contractor professional attorney accountant counsel
anyone anybody person entity third outside outsider
oral orally verbal verbally spoken conversation
writing written
mark label identify identified designate designation legend stamp
terminate termination end expire expiration expiry cancel cancellation completion
survive survival continue remain perpetuity indefinitely
develop development create generate
acquire obtain receive gain procure
license licence title ownership
grant confer bestow
decompile disassemble reverse
technical technological scientific
negotiate negotiation discussion talks
sign execute execution
pay payment payable remit
fee charge price compensation remuneration
purchase buy
sell sale
assign assignment transfer delegate novate
indemnify indemnity indemnification reimburse
liable liability responsible
govern construe interpret
renew renewal extend extension prolong
audit inspect inspection examine
insurance insure coverage
warrant warranty guarantee
compete competition competitive competing
confidential proprietary secret
supply deliver delivery ship
begin commence commencement start
amend amendment modify modification alter alteration change
consent approval permission authorization authorisation approve
breach default violation violate
prohibit forbid bar
damages loss losses
supplier vendor seller provider
customer client buyer purchaser
landlord lessor
tenant lessee
borrower debtor
lender creditor
recipient receiver
"""
_PHRASES = (
    (re.compile(r"\breceiving part(?:y|ies)\b", re.IGNORECASE), "recipient"),
    # "Discloser" would have the stem of "disclose".
    (re.compile(r"\b(?:disclosing part(?:y|ies)|disclosers?)\b", re.IGNORECASE), "owner"),
    (re.compile(r"\bthird[ -]part(?:y|ies)\b", re.IGNORECASE), "outsider"),
    (re.compile(r"\breverse[ -]engineer(?:ing|ed|s)?\b", re.IGNORECASE), "decompile"),
    (re.compile(r"\b(?:mak|creat|tak)(?:e|es|ing) (?:an? |any )?(?=cop(?:y|ies)\b)", re.IGNORECASE), ""),
    (re.compile(r"\bgiv(?:e|es|en|ing) back\b", re.IGNORECASE), "return"),
)
# Whoever a contract gives other names has none of these in it; that says nothing about what is claimed of him.
_ROLES = frozenset(
    "party recipient receiver owner supplier customer landlord tenant lessor lessee licensor licensee borrower "
    "lender employer employee company franchisor franchisee".split()
)


@cache
def _concepts() -> dict[str, str]:
    lines = [line.split() for line in _GROUPS.split("\n") if line]
    return {stem(word): stem(line[0]) for line in lines for word in line}


@cache
def roles() -> frozenset[str]:
    """Return the concepts that are what contracts call a party."""
    return frozenset(concept(stem(word)) for word in _ROLES)


def concept(word_stem: str) -> str:
    """Return the stem that stands for all words which say the same as this one."""
    return _concepts().get(word_stem, word_stem)


def plain(text: str) -> str:
    """Return `text` with the phrases that one word says put as that word; it may be of another length."""
    for phrase, word in _PHRASES:
        text = phrase.sub(word, text)
    return text


def concepts(text: str) -> list[Word]:
    """Return the concepts of `text`'s content words, in order; places count in `plain(text)`."""
    return [Word(concept(word.stem), word.start_char, word.end_char) for word in words(plain(text))]
