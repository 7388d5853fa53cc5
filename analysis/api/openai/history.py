"""The question that a conversation goes on from.

A client sends the whole conversation each time. Lectern takes from it what was asked, and looks for the question of the
same person, put to the same thing, that was asked in those words; the new one becomes its follow-up. What was answered
is taken from Lectern's own rows: a client cannot put words into its mouth, a client that shortens or decorates answers
loses nothing, and the prompt begins with the same bytes as before, so that nothing is read twice. What was never asked
here (of another model, earlier in the conversation) is left out, and the reply says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.answer.material import up
from analysis.api.openai.names import Named
from analysis.models import Purpose, Question
from workspaces.access import Viewer, questions_for

# So many that were asked in the same words are looked at: "And then?" may have been asked in several conversations.
CANDIDATES = 20


def parent_of(viewer: Viewer, where: Named, earlier: Sequence[str]) -> Question | None:
    """Return the question that the conversation goes on from, None where it begins here.

    earlier: what was asked before, oldest first. Of several the one whose own history is most like it; then the newest.
    """
    if not earlier:
        return None
    rows = questions_for(where.member).filter(asker=viewer.user, purpose=Purpose.QUESTION, text=earlier[-1], path="")
    put_to = {*where.documents, *where.repositories}
    if put_to:
        rows = rows.filter(across_workspace=False, folders=None).prefetch_related("documents", "repositories")
        found = [row for row in rows[:CANDIDATES] if {*row.documents.all(), *row.repositories.all()} == put_to]
    else:
        found = list(rows.filter(across_workspace=True)[:CANDIDATES])
    return max(found, key=lambda row: alike(row, earlier), default=None)


def alike(question: Question, earlier: Sequence[str]) -> int:
    """Return how many of the turns, from the last one back, the question and those it follows up were asked in."""
    count = 0
    for text, asked in zip(reversed(earlier), up(question), strict=False):
        if asked.text != text:
            break
        count += 1
    return count
