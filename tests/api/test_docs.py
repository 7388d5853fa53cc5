"""docs/api.md says what is so: its operations, the fields of its examples, its limits."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from analysis.api import api, repository_schemas, schemas
from analysis.api.openai import openai_api
from analysis.api.openai import schemas as chat_schemas
from config.env import env

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
HEADINGS = re.findall(r"^### `(GET|POST|PUT|PATCH|DELETE) (\S+)`$", PAGE, re.MULTILINE)


def sections() -> dict[str, str]:
    parts = re.split(r"^### `(.+)`$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def example(operation: str) -> object:
    return json.loads(re.search(r"```json\n(.+?)```", sections()[operation], re.DOTALL)[1])


def test_every_operation_is_documented_once_and_no_other() -> None:
    schemata = [api.get_openapi_schema(), openai_api.get_openapi_schema()]
    offered = {
        (method.upper(), path) for schema in schemata for path, methods in schema["paths"].items() for method in methods
    }
    assert len(HEADINGS) == len(set(HEADINGS))
    assert set(HEADINGS) == offered


def test_every_operation_has_a_call_of_its_own() -> None:
    for operation, text in sections().items():
        assert "curl " in text, operation


@pytest.mark.parametrize(
    ("operation", "schema"),
    [
        ("GET /api/v1/workspaces/{slug}", schemas.WorkspaceFactsOut),
        ("PATCH /api/v1/workspaces/{slug}/members/{member_id}", schemas.MemberOut),
        ("POST /api/v1/workspaces/{slug}/invites", schemas.InvitedOut),
        ("GET /api/v1/documents/{document_id}", schemas.DocumentOut),
        ("GET /api/v1/documents/{document_id}/text", schemas.TextOut),
        ("GET /api/v1/documents/{document_id}/tables/{number}", schemas.WholeTableOut),
        ("GET /api/v1/repositories/{repository_id}", repository_schemas.RepositoryOut),
        ("GET /api/v1/repositories/{repository_id}/tree", repository_schemas.TreeOut),
        ("GET /api/v1/repositories/{repository_id}/files", repository_schemas.FileOut),
        ("GET /api/v1/repositories/{repository_id}/references", repository_schemas.ReferencesOut),
        ("GET /api/v1/repositories/{repository_id}/modules", repository_schemas.ModulesOut),
        ("GET /api/v1/repositories/{repository_id}/overview", repository_schemas.OverviewOut),
        ("GET /api/v1/questions/{question_id}", schemas.AnswerOut),
        ("POST /api/v1/workspaces/{slug}/plan", schemas.PlanOut),
        ("POST /api/v1/workspaces/{slug}/questions", schemas.AskedOut),
        ("POST /api/v1/questions/{question_id}/stop", schemas.StoppedOut),
        ("POST /api/v1/workspaces/{slug}/hooks", schemas.NewHookOut),
        ("GET /v1/models", chat_schemas.ModelsOut),
        ("POST /v1/chat/completions", chat_schemas.ChatOut),
    ],
)
def test_an_example_has_every_field_and_no_other(operation: str, schema: type) -> None:
    assert set(example(operation)) == set(schema.model_fields)


@pytest.mark.parametrize(
    ("operation", "schema"),
    [
        ("GET /api/v1/workspaces", schemas.WorkspaceOut),
        ("GET /api/v1/llms", schemas.LLMOut),
        ("POST /api/v1/workspaces/{slug}/documents", schemas.UploadedOut),
        ("GET /api/v1/workspaces/{slug}/search", schemas.HitOut),
        ("GET /api/v1/workspaces/{slug}/hooks", schemas.HookOut),
        ("GET /api/v1/repositories/{repository_id}/symbols", repository_schemas.SymbolOut),
        ("GET /api/v1/repositories/{repository_id}/definitions", repository_schemas.DefinitionOfNameOut),
    ],
)
def test_an_example_of_a_list_has_every_field_and_no_other(operation: str, schema: type) -> None:
    assert set(example(operation)[0]) == set(schema.model_fields)


def test_parts_of_an_answer_have_every_field() -> None:
    answer = example("GET /api/v1/questions/{question_id}")
    for part, schema in [
        (answer["sentences"][0], schemas.SentenceOut),
        (answer["citations"][0], schemas.CitationOut),
        (answer["coverage"], schemas.CoverageOut),
        (answer["usage"], schemas.UsageOut),
        (example("GET /api/v1/repositories/{repository_id}")["snapshot"], repository_schemas.SnapshotOut),
        (example("GET /api/v1/repositories/{repository_id}/tree")["files"][0], repository_schemas.TreeFileOut),
        (example("GET /api/v1/repositories/{repository_id}/changes")["files"][0], repository_schemas.FileChangeOut),
        (example("GET /api/v1/repositories/{repository_id}/changes")["symbols"][0], repository_schemas.SymbolChangeOut),
        (example("GET /api/v1/workspaces/{slug}/members")["items"][0], schemas.MemberOut),
        (example("GET /api/v1/workspaces/{slug}/invites")["items"][0], schemas.InviteOut),
        (example("GET /api/v1/documents/{document_id}/tables")["items"][0], schemas.TableOut),
        (example("GET /api/v1/workspaces/{slug}/hooks/{hook_id}/deliveries")["items"][0], schemas.DeliveryOut),
        (example("GET /api/v1/documents/{document_id}/tables/{number}")["cells"][0], schemas.CellOut),
    ]:
        assert set(part) == set(schema.model_fields)


def test_the_limit_on_requests_is_the_one_that_is_set() -> None:
    assert f"more than {env.api_requests_per_minute:,} requests in a minute" in PAGE


@pytest.mark.parametrize("schema", [api.get_openapi_schema(), openai_api.get_openapi_schema()], ids=["api", "openai"])
def test_the_openapi_document_is_valid_and_says_enough(schema: dict) -> None:
    document = json.loads(json.dumps(schema, default=str))
    validate(document)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert operation["security"], (method, path)
            assert {"401", "404"} <= set(operation["responses"]), (method, path)
