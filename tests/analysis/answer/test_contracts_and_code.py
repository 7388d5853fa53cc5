"""A contract and a code base in one workspace and in one answer, through the HTTP interface from the first byte on."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from analysis.answer.run import answer_run
from analysis.ingest.repository import read_in
from analysis.ingest.run import ingest
from analysis.models import Document, Repository
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.api.conftest import Caller
from tests.conftest import Cast

CLAUSE = "Supplier may use open source software in the Deliverables only if it is licensed under the MIT License."
CONTRACT = f"SUPPLY AGREEMENT\n\n7. Open source\n\n7.1 {CLAUSE}\n\n8. Law\n\nDelaware law governs this Agreement.\n"
PYPROJECT = '[project]\nname = "parcel"\nlicense = "MIT"\ndependencies = ["httpx>=0.28"]\n'
SEND = 'def send_parcel(weight):\n    """Send one parcel."""\n    return weight * 2\n'
FILES = {"LICENSE": "MIT License\n\nCopyright (c) 2026 Parcel\n", "pyproject.toml": PYPROJECT, "src/send.py": SEND}
OURS = "The license of the project parcel in `pyproject.toml` is MIT."


def archive() -> SimpleUploadedFile:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as packed:
        for path, text in FILES.items():
            member = tarfile.TarInfo(f"parcel-1.0/{path}")
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))
    return SimpleUploadedFile("parcel-1.0.tar.gz", written.getvalue())


@pytest.fixture
def editor(cast: Cast, tmp_path: Path, settings: Any) -> Caller:
    settings.MEDIA_ROOT = tmp_path
    return Caller(cast.editor)


def added(editor: Caller) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the contract and the repository as the interface gave them when they were sent in; both are read in."""
    [contract] = editor.upload("/workspaces/firm/documents", SimpleUploadedFile("supply.txt", CONTRACT.encode())).json()
    sent = {"archive": archive(), "name": "parcel"}
    repository = editor.client.post("/api/v1/workspaces/firm/repositories", sent, headers=editor.headers).json()
    ingest(Document.objects.get(pk=contract["id"]).version_id, follow_up=False)
    read_in(Repository.objects.get(pk=repository["id"]))
    return contract, repository


def test_one_question_across_a_contract_and_a_repository(editor: Caller, scripted_llm: ScriptedLLM) -> None:
    contract, repository = added(editor)
    scripted_llm.replies = [Reply(words=[f"{CLAUSE} ", OURS])]
    both = {"document_ids": [contract["id"]], "repository_ids": [repository["id"]], "mode": "whole"}
    question = {"text": "Does the repository meet the open source clause?", **both}
    plan = editor.post("/workspaces/firm/plan", question).json()
    assert (plan["mode"], len(plan["document_ids"])) == ("whole", 4)
    asked = editor.post("/workspaces/firm/questions", question)
    assert asked.status_code == 202
    answer_run(asked.json()["answer_id"])

    reply = editor.get(f"/questions/{asked.json()['id']}").json()
    assert (reply["status"], reply["repository_ids"]) == ("done", [repository["id"]])
    assert [(sentence["supported"], sentence["reason"]) for sentence in reply["sentences"]] == [(True, ""), (True, "")]
    law, code = reply["citations"]
    assert (law["document_id"], law["path"], law["repository_id"]) == (contract["id"], None, None)
    assert CONTRACT[law["start_char"] : law["end_char"]] == law["quote"] == f"7.1 {CLAUSE}"
    assert (code["repository_id"], code["path"], code["snapshot"], code["stale"]) == (
        repository["id"],
        "pyproject.toml",
        1,
        False,
    )
    assert PYPROJECT.splitlines()[code["start_line"] - 1 : code["end_line"]] == code["quote"].splitlines()
    assert 'license = "MIT"' in code["quote"]
    assert code["start_line"] <= 3 <= code["end_line"]
    assert code["place"].startswith("pyproject.toml:")

    prompt = "".join(flat(message["content"]) for message in scripted_llm.requests[-1]["messages"])
    assert [text for text in (CONTRACT, PYPROJECT, SEND) if text.strip() not in prompt] == []
    listed = editor.get("/workspaces/firm/questions", repository_id=repository["id"]).json()
    assert [(item["id"], item["repository_ids"]) for item in listed["items"]] == [(reply["id"], [repository["id"]])]


def test_one_search_across_both_says_of_code_where_it_stands(editor: Caller) -> None:
    _, repository = added(editor)
    found = editor.get("/workspaces/firm/search", q="send_parcel").json()
    assert (found[0]["path"], found[0]["start_line"], found[0]["repository_id"]) == ("src/send.py", 1, repository["id"])
    both = editor.get("/workspaces/firm/search", q="open source license MIT").json()
    assert {hit["path"] for hit in both} >= {None, "pyproject.toml"}
    within = editor.get("/workspaces/firm/search", q="MIT", repository_id=repository["id"], path="src").json()
    assert {hit["path"] for hit in within} <= {"src/send.py"}
    nowhere = editor.get("/workspaces/firm/search", q="MIT", repository_id=repository["id"], path="lib")
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (422, "unknown_path")
    alone = editor.get("/workspaces/firm/search", q="MIT", path="src")
    assert (alone.status_code, alone.json()["error"]["code"]) == (422, "unknown_path")
