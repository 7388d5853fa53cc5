"""What every open page of a workspace is told of what others do: by ids that its reader may know, never by words."""

from __future__ import annotations

import json
from typing import Any

from analysis.progress import Event
from analysis.views.sse import frame
from workspaces.access import questions_for, searched_for
from workspaces.models import Member


def news_of(member: Member, events: list[Event]) -> list[bytes]:
    """Return what every open page of the workspace is told: the bell rings, comments or a card have changed."""
    told = []
    if any(event.name == "notified" and member.user_id in event.data["users"] for event in events):
        told.append(frame("{}", event="bell"))
    said = [event.data for event in events if event.name == "comment"]
    if said and (ids := _in_sight(member, said)):
        told.append(frame(json.dumps(ids), event="comments"))
    cards = [event.data for event in events if event.name == "answer"]
    if cards:
        seen = set(_in_sight(member, cards))
        told.append(frame(json.dumps([each["answer"] for each in cards if each["question"] in seen]), event="cards"))
    return told


def _in_sight(member: Member, places: list[dict[str, Any]]) -> list[str]:
    """Return the ids of those documents and questions that the member sees."""
    documents = {each["document"] for each in places if each.get("document")}
    questions = {each["question"] for each in places if each.get("question")}
    seen: list[Any] = []
    if documents:
        seen += searched_for(member).filter(pk__in=documents).values_list("pk", flat=True)
    if questions:
        seen += questions_for(member).filter(pk__in=questions).values_list("pk", flat=True)
    return sorted(map(str, seen))
