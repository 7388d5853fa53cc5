"""The operations of the schema, in the shape that the reference page draws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body. place: query, path or body."""

    name: str
    place: str
    type: str
    required: bool


@dataclass(frozen=True)
class Described:
    """One operation. statuses: the status codes it can answer with."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    fields: list[Field]
    returns: str
    statuses: list[str]


def operations(schema: dict[str, Any]) -> dict[str, list[Described]]:
    """Return the operations by noun, in the order in which they were declared."""
    nouns: dict[str, list[Described]] = defaultdict(list)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            nouns[operation["tags"][0]].append(_described(schema, path, method.upper(), operation))
    return dict(nouns)


def _described(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Described:
    statuses = sorted(str(status) for status in operation["responses"])
    first = operation["responses"].get(int(statuses[0])) or operation["responses"][statuses[0]]
    content = next(iter(first.get("content", {}).items()), None)
    summary, _, description = operation.get("description", "").partition("\n\n")
    return Described(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=summary.replace("\n", " "),
        description=description,
        fields=[*_parameters(operation), *_body(schema, operation)],
        returns="" if content is None else _returned(*content),
        statuses=statuses,
    )


def _parameters(operation: dict[str, Any]) -> Iterator[Field]:
    for parameter in operation.get("parameters", []):
        yield Field(parameter["name"], parameter["in"], _type(parameter["schema"]), parameter["required"])


def _body(schema: dict[str, Any], operation: dict[str, Any]) -> Iterator[Field]:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        body = _resolved(schema, media["schema"])
        for name, field in body.get("properties", {}).items():
            yield Field(name, "body", _type(field), name in body.get("required", []))


def _resolved(schema: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    name = body.get("$ref", "").rsplit("/", 1)[-1]
    found: dict[str, Any] = schema["components"]["schemas"][name] if name else body
    return found


def _returned(content_type: str, media: dict[str, Any]) -> str:
    return _type(media["schema"]) if content_type == "application/json" else content_type


def _type(field: dict[str, Any]) -> str:
    """Return a type in a few words: "uuid", "integer", "DocumentOut", "list of HitOut"."""
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"])
    if "allOf" in field:
        return _type(field["allOf"][0])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if "enum" in field:
        return " | ".join(str(value) for value in field["enum"])
    return str(field.get("format") or field.get("type") or "object")
