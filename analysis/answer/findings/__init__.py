"""What reading a document part by part finds: the prompts of a sweep, and the check of every quote against the text.

A part is read for one question (`map_prompt`); what the language model copies from it, in lines (`findings_in`) or in
an object that it is held to (`findings_in_object`), is looked up in the part, so that a finding is a span of the text
whatever the model wrote. Beside what a small model copies, the sentences nearest to the question count
(`with_nearest`). One more prompt puts the findings together (`reduce_prompt`), or the answer says that there is nothing
(`absent_sentence`). No rows, no calls.
"""

from analysis.answer.findings.absence import absent_sentence, exhaustive, no_sentence_sentence, not_in_passages_sentence
from analysis.answer.findings.mapping import (
    MAP_VERSION,
    findings_in,
    findings_in_object,
    map_prompt,
    map_together_prompt,
    shared_out,
)
from analysis.answer.findings.nearest import with_nearest
from analysis.answer.findings.reducing import Found, reduce_prompt

__all__ = [
    "MAP_VERSION",
    "Found",
    "absent_sentence",
    "exhaustive",
    "findings_in",
    "findings_in_object",
    "map_prompt",
    "map_together_prompt",
    "no_sentence_sentence",
    "not_in_passages_sentence",
    "reduce_prompt",
    "shared_out",
    "with_nearest",
]
