"""The cast and the engines that every test shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest
from hypothesis import settings

from analysis.egress import _sender
from analysis.llm.registry import forget_llms
from analysis.progress import connection
from workspaces.models import Member, Role, User, Workspace

# A build machine draws the same examples each time, so that it fails for what a change broke; a new counterexample is a
# developer's to find. Nowhere does an example have a deadline: a busy machine is no defect.
settings.register_profile("build", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("desk", deadline=None)
settings.load_profile("build" if "CI" in os.environ else "desk")


@dataclass(frozen=True)
class Cast:
    """One workspace with a person of each role, and one outside with a workspace of her own."""

    workspace: Workspace
    owner: User
    admin: User
    editor: User
    reviewer: User
    viewer: User
    outsider: User


@pytest.fixture
def cast(db: None) -> Cast:
    workspace = Workspace.objects.create(slug="firm", name="The Firm")
    people = {role: User.objects.create_user(f"{role}@firm.example", "correct horse battery") for role in Role.values}
    for role, user in people.items():
        Member.objects.create(workspace=workspace, user=user, role=role)
    outsider = User.objects.create_user("outsider@elsewhere.example", "correct horse battery")
    own = Workspace.objects.create(slug="elsewhere", name="Elsewhere")
    Member.objects.create(workspace=own, user=outsider, role=Role.OWNER)
    return Cast(workspace, **people, outsider=outsider)


@pytest.fixture(autouse=True)
def fresh_registry() -> None:
    """Have the language models looked up anew: a test's rows are undone without a word to the registry."""
    forget_llms()


@pytest.fixture(autouse=True)
def nobodys_text() -> None:
    """Forget whose text the test before handled: a test that asks for access outside a request leaves that behind."""
    _sender.set(None)


@pytest.fixture(autouse=True)
def clean_redis() -> Iterator[None]:
    """Leave no stream, lock or queued task to the next test."""
    yield
    connection().flushdb()


@pytest.fixture(scope="session")
def llama_server() -> Iterator[str]:
    """The address of the bundled model's real server, known to the product as `manage.py up` makes it known.

    For tests marked `model`. `make test` fetches the file; a test never does.
    """
    from config.env import env
    from local import home, llama_server, process

    port = process.free_port()
    with serving(port):
        address, key = llama_server.url(port), home.secret("llama")
        home.write_endpoints({"llm_url": address, "llm_key": key})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(env, "llm_url", address)
            patch.setattr(env, "llm_key", key)
            yield address


@contextmanager
def serving(port: int) -> Iterator[Popen[bytes]]:
    """Run the bundled model's real server on `port`; killed at the end."""
    from local import home, llama_server, model_files, process

    os.environ.setdefault("LECTERN_MODELS", str(Path(__file__).resolve().parent.parent / ".lectern" / "models"))
    model = model_files.MODEL_FILES["0.5b"]
    path = model_files.find(model)
    if path is None:
        pytest.fail("The bundled model is not here: run `make model` once, or set LECTERN_MODEL_FILE.")
    log = home.room("logs") / "llama.log"
    server = process.start(llama_server.command(model, path, port), log=log)
    try:
        process.wait_until(lambda: llama_server.ready(port), server, log=log, timeout_seconds=120)
        yield server
    finally:
        server.kill()
        server.wait()
