"""Every route of the URLconf, against the visitor, the outsider and each role. A route without an entry fails the test.

`ROUTES` says of each route who may read (GET) and who may write (any other method). A method that a route does not have
answers 405 to everyone, which tells nobody anything. The routes of the admin are Django's own and are tested as one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib import admin
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished
from django.db import close_old_connections, connections, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from analysis.models import Call, Endpoint, Purpose, Question, ServedLLM
from local.home import room
from tests.analysis.views.repositories import repository_of, snapshot_of
from tests.conftest import Cast
from tests.evaluations import make_run
from tests.rows import make_answer, make_document
from workspaces.folders import folder_create
from workspaces.hooks.recipes import hook_create, hook_ping
from workspaces.inviting import invite_create
from workspaces.models import ApiToken, Comment, Member, Notification, Role, User, Workspace
from workspaces.models.roles import WORKING_ROLES


class Audience(Enum):
    """For whom a route exists."""

    ANYONE = "anyone"  # nothing of a workspace is on it
    PERSON = "person"  # whoever is signed in, about themselves
    STAFF = "staff"  # administrators of the installation
    MEMBERS = "members"  # of the workspace that the route's arguments lead to


@dataclass(frozen=True)
class Route:
    """What a route is for. reads, writes: the least role for GET, and for other methods.

    body: what a valid write sends. query: what a valid read asks. absent: what it is about need not be there, so that a
    member may get 404 as well.
    """

    audience: Audience = Audience.MEMBERS
    reads: Role = Role.VIEWER
    writes: Role = Role.EDITOR
    body: dict[str, object] = field(default_factory=dict)
    query: str = ""
    absent: bool = False


ANYONE = Route(Audience.ANYONE)
PERSON = Route(Audience.PERSON)
STAFF = Route(Audience.STAFF)
OWNERS = Route(reads=Role.OWNER, writes=Role.OWNER)
ADMINS = Route(reads=Role.ADMIN, writes=Role.ADMIN)
QUESTION = {"text": "How long is the term?", "document_ids": []}
# An empty question is refused, for want of a worker that would answer another one.
CHAT = {"model": "lectern/firm", "messages": [{"role": "user", "content": ""}]}

ROUTES = {
    "healthz": ANYONE,
    "metrics": ANYONE,
    "status": STAFF,
    # The HTTP interface
    "api-1:openapi-json": ANYONE,
    "api-1:openapi-view": ANYONE,
    "api-1:api-root": ANYONE,
    "api-1:no_such_path": ANYONE,
    "api-1:list_workspaces": PERSON,
    "api-1:create_workspace": PERSON,
    "api-1:get_workspace": Route(),
    "api-1:change_workspace": Route(),
    "api-1:list_members": Route(),
    "api-1:change_member": Route(reads=Role.ADMIN, writes=Role.ADMIN, body={"role": "reviewer"}),
    "api-1:remove_member": Route(reads=Role.ADMIN, writes=Role.ADMIN, body={"role": "reviewer"}),
    "api-1:list_invites": ADMINS,
    "api-1:create_invite": ADMINS,
    "api-1:revoke_invite": ADMINS,
    "api-1:list_llms": PERSON,
    "api-1:get_usage": Route(reads=Role.EDITOR),
    "api-1:upload_documents": Route(body={"file": "lease.txt"}),
    "api-1:list_documents": Route(body={"file": "lease.txt"}),
    "api-1:get_document": Route(),
    "api-1:delete_document": Route(),
    "api-1:find_clauses": Route(writes=Role.REVIEWER),
    "api-1:get_clauses": Route(writes=Role.REVIEWER),
    "api-1:get_text": Route(),
    "api-1:get_terms": Route(),
    "api-1:get_references": Route(),
    "api-1:get_page_image": Route(absent=True),
    "api-1:list_tables": Route(),
    "api-1:get_table": Route(absent=True),
    "api-1:get_table_csv": Route(absent=True),
    "api-1:list_folders": Route(body={"name": "Matter"}),
    "api-1:add_folder": Route(body={"name": "Matter"}),
    "api-1:change_folder": Route(body={"name": "Matter"}),
    "api-1:delete_folder": Route(),
    "api-1:get_folder_people": Route(reads=Role.ADMIN, writes=Role.ADMIN, body={"restricted": True, "emails": []}),
    "api-1:set_folder_people": Route(reads=Role.ADMIN, writes=Role.ADMIN, body={"restricted": True, "emails": []}),
    "api-1:move": Route(body={"folder_id": None}),
    "api-1:add_repository": Route(body={"url": "https://code.example/shop"}),
    "api-1:list_repositories": Route(body={"url": "https://code.example/shop"}),
    "api-1:get_repository": Route(),
    "api-1:change_repository": Route(),
    "api-1:delete_repository": Route(),
    "api-1:retry_repository": Route(),
    "api-1:add_snapshot": Route(),
    "api-1:list_snapshots": Route(),
    "api-1:get_tree": Route(),
    "api-1:get_file": Route(query="?path=made-up"),
    "api-1:list_symbols": Route(query="?q=term"),
    "api-1:list_definitions": Route(query="?name=term"),
    "api-1:list_references": Route(query="?name=term"),
    "api-1:get_modules": Route(),
    "api-1:get_overview": Route(),
    "api-1:get_changes": Route(writes=Role.REVIEWER),
    "api-1:ask_changes": Route(writes=Role.REVIEWER),
    "api-1:ask_repository_summary": Route(writes=Role.REVIEWER),
    "api-1:search": Route(query="?q=term"),
    "api-1:plan_question": Route(writes=Role.VIEWER, body=QUESTION),
    "api-1:ask_question": Route(writes=Role.REVIEWER, body=QUESTION),
    "api-1:list_questions": Route(writes=Role.REVIEWER, body=QUESTION),
    "api-1:get_question": Route(),
    "api-1:list_answers": Route(writes=Role.REVIEWER),
    "api-1:follow_question": Route(),
    "api-1:stop_question": Route(writes=Role.REVIEWER),
    "api-1:regenerate_answer": Route(writes=Role.REVIEWER, body={"mode": "auto"}),
    "api-1:ask_summary": Route(writes=Role.REVIEWER),
    "api-1:get_summary": Route(),
    "api-1:follow_summary": Route(),
    "api-1:stop_summary": Route(writes=Role.REVIEWER),
    "api-1:list_hooks": Route(
        reads=Role.ADMIN, writes=Role.ADMIN, body={"name": "ERP", "url": "https://erp.example/in"}
    ),
    "api-1:create_hook": Route(
        reads=Role.ADMIN, writes=Role.ADMIN, body={"name": "ERP", "url": "https://erp.example/in"}
    ),
    "api-1:delete_hook": ADMINS,
    "api-1:test_hook": ADMINS,
    "api-1:list_deliveries": ADMINS,
    "api-1:redeliver": ADMINS,
    # Workspaces as models of OpenAI's clients
    "openai:openapi-json": ANYONE,
    "openai:api-root": ANYONE,
    "openai:list_models": PERSON,
    "openai:get_model": Route(absent=True),
    "openai:create_completion": Route(writes=Role.REVIEWER, body=CHAT),
    "api-1:list_document_comments": Route(writes=Role.REVIEWER, body={"text": "Why?"}),
    "api-1:comment_document": Route(writes=Role.REVIEWER, body={"text": "Why?"}),
    "api-1:list_question_comments": Route(writes=Role.REVIEWER, body={"text": "Why?"}),
    "api-1:comment_question": Route(writes=Role.REVIEWER, body={"text": "Why?"}),
    "api-1:reply_to_comment": Route(writes=Role.REVIEWER, body={"text": "Because."}),
    "api-1:change_comment": Route(writes=Role.ADMIN),  # both of what somebody else has written
    "api-1:delete_comment": Route(writes=Role.ADMIN),
    "api-1:approve_answer": Route(writes=Role.REVIEWER),
    "api-1:share_question": Route(writes=Role.VIEWER, body={"shared": True}),
    "api-1:list_notifications": PERSON,
    "api-1:read_notifications": PERSON,
    # Accounts
    "account_login": ANYONE,
    "account_logout": ANYONE,
    "account_inactive": ANYONE,
    "account_signup": ANYONE,
    "account_reset_password": ANYONE,
    "account_reset_password_done": ANYONE,
    "account_reset_password_from_key": ANYONE,
    "account_reset_password_from_key_done": ANYONE,
    "account_confirm_email": ANYONE,
    "account_email_verification_sent": ANYONE,
    "account_confirm_login_code": ANYONE,
    "account_reauthenticate": PERSON,
    "account_email": PERSON,
    "account_change_password": PERSON,
    "account_set_password": PERSON,
    "usersessions_list": PERSON,
    "device_sign_out": Route(Audience.PERSON, absent=True),
    "mfa_authenticate": ANYONE,
    "mfa_login_webauthn": ANYONE,
    "mfa_index": PERSON,
    "mfa_reauthenticate": PERSON,
    "mfa_activate_totp": PERSON,
    "mfa_deactivate_totp": PERSON,
    "mfa_view_recovery_codes": PERSON,
    "mfa_generate_recovery_codes": PERSON,
    "mfa_download_recovery_codes": PERSON,
    "mfa_list_webauthn": PERSON,
    "mfa_add_webauthn": PERSON,
    "mfa_reauthenticate_webauthn": PERSON,
    "mfa_edit_webauthn": PERSON,
    "mfa_remove_webauthn": PERSON,
    "socialaccount_login_cancelled": ANYONE,
    "socialaccount_login_error": ANYONE,
    "socialaccount_signup": ANYONE,
    "socialaccount_connections": PERSON,
    "oidc_login": ANYONE,
    "oidc_callback": ANYONE,
    "saml_login": ANYONE,
    "saml_acs": ANYONE,
    "saml_finish_acs": ANYONE,
    "saml_sls": ANYONE,
    "saml_metadata": ANYONE,
    "account_settings": PERSON,
    "account_delete": PERSON,
    "api_tokens": PERSON,
    "api_token_revoke": Route(Audience.PERSON, absent=True),
    # Workspaces
    "home": PERSON,
    "first_login": ANYONE,
    "invite_accept": ANYONE,
    "workspace_create": PERSON,
    "workspace_settings": Route(writes=Role.ADMIN),
    "workspace_leave": Route(writes=Role.VIEWER),
    "workspace_archive": ADMINS,
    "workspace_reopen": ADMINS,
    "workspace_hand_over": OWNERS,
    "workspace_delete": OWNERS,
    "workspace_ending": OWNERS,
    "workspace_restore": OWNERS,
    "workspace_delete_now": OWNERS,
    "members": Route(writes=Role.VIEWER),
    "member_role": ADMINS,
    "member_remove": ADMINS,
    "workspace_policy": ADMINS,
    "workspace_export": ADMINS,
    "export_file": Route(reads=Role.ADMIN, absent=True),
    "workspace_audit": ADMINS,
    "workspace_audit_export": ADMINS,
    "mail": STAFF,
    "mail_message": STAFF,
    "audit": STAFF,
    "audit_export": STAFF,
    "services": ADMINS,
    "service_token_new": Route(reads=Role.ADMIN, writes=Role.ADMIN, absent=True),
    "service_token_revoke": Route(reads=Role.ADMIN, writes=Role.ADMIN, absent=True),
    "service_remove": Route(reads=Role.ADMIN, writes=Role.ADMIN, absent=True),
    "hooks": ADMINS,
    "hook": ADMINS,
    "hook_test": ADMINS,
    "hook_pause": ADMINS,
    "hook_secret": ADMINS,
    "hook_delete": ADMINS,
    "hook_redeliver": ADMINS,
    "member_admit": ADMINS,
    "invite_create": ADMINS,
    "invite_resend": Route(reads=Role.ADMIN, writes=Role.ADMIN, absent=True),
    "invite_revoke": ADMINS,
    "workspace": Route(),
    "upload": Route(body={"file": "lease.txt"}),
    "documents_delete": Route(reads=Role.EDITOR),
    "documents_move": Route(reads=Role.EDITOR),
    "folders": Route(body={"name": "Matter"}),
    "folder": Route(body={"name": "Matter"}),
    "folder_people": ADMINS,
    "folder_delete": Route(),
    "sample": Route(),
    "documents_table": Route(),
    "workspace_events": Route(),
    "search": Route(query="?q=term"),
    "palette": Route(),
    "usage": STAFF,
    "calls": STAFF,
    "workspace_usage": Route(reads=Role.EDITOR),
    "workspace_calls": Route(reads=Role.EDITOR),
    # Evaluations
    "evaluation_runs": STAFF,
    "evaluation_run": STAFF,
    "evaluation_compare": STAFF,
    "evaluation_trials": STAFF,
    "evaluation_delete": STAFF,
    # Language models
    "models": PERSON,
    "endpoint_add": STAFF,
    "endpoint": STAFF,
    "endpoint_test": STAFF,
    "endpoint_delete": STAFF,
    "llm_add": STAFF,
    "llm": STAFF,
    "llm_default": STAFF,
    "llm_delete": STAFF,
    # Documents and questions
    "ask": Route(writes=Role.REVIEWER),
    "plan": Route(writes=Role.VIEWER, query="?text=How+long"),
    "document": Route(),
    "page": Route(),
    "page_image": Route(absent=True),
    "document_original": Route(),
    "document_table": Route(absent=True),
    "recording": Route(absent=True),
    "document_find": Route(query="?q=term"),
    "clauses": Route(writes=Role.REVIEWER),
    "clauses_events": Route(),
    "clauses_threshold": Route(body={"threshold": "30"}),
    "clauses_export": Route(),
    "document_span": Route(query="?start_char=0&end_char=3"),
    "document_terms": Route(),
    "term_card": Route(),
    "reference_card": Route(),
    "document_events": Route(),
    "document_password": Route(),
    "document_retry": Route(),
    "document_rename": Route(body={"name": "other.pdf"}),
    "document_delete": Route(),
    "summarise": Route(writes=Role.REVIEWER),
    # Comments
    "document_comments": Route(writes=Role.REVIEWER, body={"text": "Why five?"}),
    "document_comment_places": Route(),
    "document_people": Route(),
    "question_comments": Route(writes=Role.REVIEWER, body={"text": "Why five?"}),
    "question_people": Route(),
    "comment": Route(),
    "comment_reply": Route(writes=Role.REVIEWER, body={"text": "Because."}),
    "comment_edit": Route(writes=Role.REVIEWER, body={"text": "Why six?"}, absent=True),
    "comment_delete": Route(writes=Role.REVIEWER, absent=True),
    "comment_resolve": Route(writes=Role.REVIEWER, body={"resolved": "1"}),
    "comment_assign": Route(writes=Role.REVIEWER),
    # What happened
    "answer_approve": Route(writes=Role.REVIEWER, body={"approved": "1"}),
    "question_share": Route(writes=Role.VIEWER),
    "page_events": Route(),
    "notifications": PERSON,
    "bell": PERSON,
    "notifications_read": PERSON,
    "notification": PERSON,
    "unsubscribe": ANYONE,
    # Repositories
    "repositories": Route(reads=Role.EDITOR, body={"url": "https://code.example/shop"}),
    "repository": Route(),
    "code_file": Route(),
    "code_lines": Route(),
    "code_name": Route(),
    "repository_folder": Route(absent=True),
    "repository_tree": Route(absent=True),
    "repository_facts": Route(),
    "repository_find": Route(query="?q=term"),
    "compare_choose": Route(),
    "repository_compare": Route(),
    "compare_file": Route(),
    "compare_why": Route(writes=Role.REVIEWER),
    "repository_summarise": Route(writes=Role.REVIEWER),
    "repository_events": Route(),
    "repository_version": Route(),
    "repository_retry": Route(),
    "repository_settings": Route(reads=Role.EDITOR, body={"part": "source", "name": "shop"}),
    "repository_effect": Route(body={"most_kib": "1024"}),
    "repository_delete": Route(reads=Role.EDITOR),
    "question": Route(),
    "regenerate": Route(writes=Role.REVIEWER),
    "follow_up": Route(writes=Role.REVIEWER, body={"text": "And then?"}),
    "compare": Route(writes=Role.REVIEWER),
    "compare_export": Route(),
    "answer_events": Route(),
    "answer_stop": Route(writes=Role.REVIEWER),
    "answer_card": Route(),
    "prompt": Route(reads=Role.EDITOR),
    "prompt_text": Route(reads=Role.EDITOR),
    "prompt_call": Route(reads=Role.EDITOR),
}

# Pages that are there for nothing but to write.
TO_WRITE = {"repositories", "repository_settings", "repository_delete", "documents_delete", "documents_move"}
# Work all the same, that of others is changed by who manages people.
OTHERS_WORK = {"api-1:change_comment", "api-1:delete_comment"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NO_SUCH_METHOD = 405


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name with its namespace, route) of every pattern below `patterns`."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(
                pattern.url_patterns, route, f"{space}{pattern.namespace}:" if pattern.namespace else space
            )
        else:
            yield space + (pattern.name or ""), route


ALL = list(routes(get_resolver().url_patterns))
# Without a name are allauth's former addresses, which only lead to those of today.
UNNAMED = [route for name, route in ALL if not name]
OURS = sorted({name for name, route in ALL if name and not route.startswith("admin/")})
STAFF_ONLY = [name for name in OURS if ROUTES.get(name, Route()).audience is Audience.STAFF]
MEMBERS_ONLY = [name for name in OURS if ROUTES.get(name, Route()).audience is Audience.MEMBERS]
API = [name for name in OURS if name.startswith(("api-1:", "openai:"))]


@pytest.fixture
def arguments(cast: Cast) -> dict[str, object]:
    """Return a value for each argument that a route can have, all of them rows of the firm."""
    version = make_document(cast)
    version.file.save("lease.pdf", ContentFile(b"bytes"))
    version.terms.create(
        term="term", key="term", start_char=0, end_char=3, definition_start_char=0, definition_end_char=9
    )
    version.references.create(start_char=0, end_char=3, label="Section 1", aim="nowhere")
    answer = make_answer(cast, version, "The term is five years.")
    summary = Question.objects.create(workspace=cast.workspace, purpose=Purpose.SUMMARY, asker=cast.owner)
    summary.documents.add(version.document_id)
    summary.answers.create(llm="test-llm", status="done", text="A lease.", mode="whole")
    version.clause_reviews.create(checklist="contract", status="done", asked_at=timezone.now())
    repository = repository_of(cast, {"made-up": "term = 1\n"})
    snapshot_of(repository, {"made-up": "term = 2\n", "folder/a.py": "def term():\n    pass\n"})
    hook = hook_create(workspace=cast.workspace, user=cast.admin, name="ERP", url="https://erp.example/in")
    invite, _ = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
    (room("mail") / "20261125-190000-1.log").write_text("Subject: Hello\nTo: ana@firm.example\n\nHello.\n")
    TOTP.activate(cast.outsider, "A" * 32)
    RecoveryCodes.activate(cast.outsider)
    return {
        "slug": "firm",
        "comment_id": Comment.objects.create(
            workspace=cast.workspace, author=cast.owner, document=version.document, text="Why?"
        ).pk,
        "notification_id": Notification.objects.create(
            user=cast.outsider, workspace=Workspace.objects.get(slug="elsewhere"), kind="budget"
        ).pk,
        "document_id": version.document_id,
        "question_id": answer.question_id,
        "answer_id": answer.pk,
        "call_id": Call.objects.create(workspace=cast.workspace, answer=answer, purpose="question", llm="q").pk,
        "summary_id": summary.pk,
        "number": 1,
        "repository_id": repository.pk,
        "old": 1,
        "new": 2,
        "name": "term",
        "start_char": 0,
        "kind": "csv",
        "member_id": Member.objects.get(workspace=cast.workspace, user=cast.editor).pk,
        "invite_id": invite.pk,
        "folder_id": folder_create(workspace=cast.workspace, name="Deals").pk,
        "hook_id": hook.pk,
        "delivery_id": hook_ping(hook).pk,
        "endpoint_id": (endpoint := Endpoint.objects.create(name="Away", base_url="http://127.0.0.1:9/v1")).pk,
        "llm_id": ServedLLM.objects.create(endpoint=endpoint, slug="away", model="away").pk,
        "run_id": make_run(note="", found=0.5, trials=4).pk,
        "token": "made-up",
        "token_id": ApiToken.issue(user=cast.owner, name="theirs")[0].pk,
        "key": "made-up",
        "uidb36": "1",
        "path": "made-up",
        "pk": 1,
        "file_name": "20261125-190000-1.log",
        "device_id": 1,
        "export_id": "made-up",
        "provider_id": "firm",
        "organization_slug": "firm",
    }


@pytest.fixture
def visit(arguments: dict[str, object], monkeypatch: pytest.MonkeyPatch):
    """Return a function that asks a route, with a session or on the API with a token, and leaves no trace."""
    clients: dict[int, Client] = {}
    tokens: dict[int, str] = {}
    # A stream gives its connection back; here that is the one that holds the test's transaction.
    monkeypatch.setattr(connections, "close_all", lambda: None)
    # Who may search is the question here: loading the embedding model for it would take longer than all the rest.
    for module in ("analysis.answer.retrieve", "analysis.api.search", "analysis.views.search"):
        monkeypatch.setattr(f"{module}.retrieve", lambda *_, **__: [], raising=False)

    def headers_of(user: User, token: str) -> dict[str, str]:
        if user.pk not in tokens:
            tokens[user.pk] = ApiToken.issue(user=user, name="visit")[1]
        return {"Authorization": f"Bearer {token or tokens[user.pk]}"}

    def client_of(user: User) -> Client:
        if user.pk not in clients:
            clients[user.pk] = Client(raise_request_exception=False)
            clients[user.pk].force_login(user)
        return clients[user.pk]

    def visit_as(user: User | None, name: str, method: str, *, token: str = "") -> HttpResponseBase:
        route = ROUTES[name]
        path = reverse(name, kwargs={key: arguments[key] for key in get_resolver_arguments(name)})
        on_api = name in API
        headers = headers_of(user, token) if user and on_api else {}
        client = client_of(user) if user and not on_api else Client(raise_request_exception=False)
        with rolled_back():
            if method == "GET":
                return closed(client.get(path + route.query, headers=headers))
            return closed(client.generic(method, path, headers=headers, **encoded(name, route.body)))

    return visit_as


@contextlib.contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what is written to the database inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def closed(reply: HttpResponseBase) -> HttpResponseBase:
    """Return a reply, its stream let go unread if it has one."""
    if reply.streaming:
        request_finished.disconnect(close_old_connections)
        reply.close()
        request_finished.connect(close_old_connections)
    return reply


def get_resolver_arguments(name: str) -> set[str]:
    """Return the names of the arguments that route `name` is built from."""
    *space, last = name.split(":")
    resolver = get_resolver()
    for part in space:
        _, resolver = resolver.namespace_dict[part]
    return set(resolver.reverse_dict.getlist(last)[0][0][0][1])


def encoded(name: str, body: dict[str, object]) -> dict[str, object]:
    """Return the keyword arguments that send `body` the way the route takes it."""
    if name in API and "file" not in body:
        return {"data": json.dumps(body), "content_type": "application/json"}
    fields = {key: SimpleUploadedFile("lease.txt", b"words") if key == "file" else value for key, value in body.items()}
    return {"data": encode_multipart(BOUNDARY, fields), "content_type": MULTIPART_CONTENT}


def codes(visit, user: User | None, name: str, methods: tuple[str, ...] = METHODS, **more: str) -> dict[str, int]:
    """Return the status code of each method that the route has."""
    replies = {method: visit(user, name, method, **more).status_code for method in methods}
    return {method: code for method, code in replies.items() if code != NO_SUCH_METHOD}


def test_every_route_has_an_entry():
    assert sorted(ROUTES) == OURS
    assert all(route.startswith(("accounts/social/", "admin/")) for route in UNNAMED)


def test_visitors_are_sent_to_sign_in(visit):
    wrong = {}
    for name in [name for name in OURS if ROUTES[name].audience is not Audience.ANYONE]:
        found = codes(visit, None, name)
        if set(found.values()) != {401 if name in API else 302}:
            wrong[name] = found
        if name not in API and not visit(None, name, next(iter(found)))["Location"].startswith("/accounts/login/"):
            wrong[name] = "leads elsewhere"
    assert wrong == {}


def test_nothing_is_there_for_the_outsider(visit, cast):
    found = {name: codes(visit, cast.outsider, name) for name in MEMBERS_ONLY}
    assert {name: those for name, those in found.items() if set(those.values()) != {404}} == {}


def test_nothing_is_there_for_a_token_of_another_workspace(visit, cast):
    own = Workspace.objects.create(slug="own", name="Own")
    Member.objects.create(workspace=own, user=cast.owner, role=Role.OWNER)
    _, token = ApiToken.issue(user=cast.owner, name="bound", workspace=own)
    found = {name: codes(visit, cast.owner, name, token=token) for name in MEMBERS_ONLY if name in API}
    assert {name: those for name, those in found.items() if set(those.values()) != {404}} == {}


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_it_may(role, visit, cast):
    """A role below the one needed gets 403; from there on up the route does its work (and may refuse the input)."""
    wrong = {}
    for name in MEMBERS_ONLY:
        route = ROUTES[name]
        for method, code in codes(visit, getattr(cast, role.value), name, ("GET", "POST", "DELETE")).items():
            needed = route.reads if method == "GET" else route.writes
            if role.rank < needed.rank:
                as_it_should = code == 403
            else:
                as_it_should = code not in {401, 403, 500} and (code != 404 or route.absent)
            if not as_it_should:
                wrong[name, method] = code
    assert wrong == {}


def test_an_archive_is_read_and_not_worked_in(visit, cast):
    """Whatever a reviewer or editor may do is refused to all; what else there is goes on as it was."""
    Workspace.objects.filter(pk=cast.workspace.pk).update(archived_at=timezone.now())
    wrong = {}
    for name in MEMBERS_ONLY:
        route = ROUTES[name]
        for method, code in codes(visit, cast.owner, name, ("GET", "POST", "DELETE")).items():
            refused = method != "GET" and (route.writes in WORKING_ROLES or name in OTHERS_WORK)
            refused = refused or (method == "GET" and name in TO_WRITE)
            if (code == 403) != refused or code == 500:
                wrong[name, method] = code
    assert wrong == {}


def test_a_person_gets_their_own(visit, cast):
    names = [name for name in OURS if ROUTES[name].audience is Audience.PERSON]
    found = {name: codes(visit, cast.outsider, name, ("GET",)) for name in names}
    assert {name: those for name, those in found.items() if not set(those.values()) <= {200, 302}} == {}


def test_administrators_pages_are_there_for_nobody_else(visit, cast):
    found = {name: codes(visit, cast.owner, name) for name in STAFF_ONLY}
    assert {name: those for name, those in found.items() if set(those.values()) != {404}} == {}
    User.objects.filter(pk=cast.viewer.pk).update(is_staff=True)
    cast.viewer.refresh_from_db()
    found = {name: codes(visit, cast.viewer, name, ("GET", "POST")) for name in STAFF_ONLY}
    assert {name: those for name, those in found.items() if not set(those.values()) <= {200, 302, 422}} == {}


def test_open_routes_break_for_nobody(visit):
    names = [name for name in OURS if ROUTES[name].audience is Audience.ANYONE]
    found = {name: codes(visit, None, name, ("GET", "POST")) for name in names}
    assert {name: those for name, those in found.items() if 500 in those.values()} == {}


def test_the_admin_is_for_staff(cast):
    kinds = [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]
    paths = [reverse("admin:index"), *(reverse(f"admin:{kind}_changelist") for kind in kinds)]
    client = Client()
    client.force_login(cast.owner)
    for path in paths:
        assert Client().get(path)["Location"].startswith("/admin/login/")
        assert client.get(path, follow=True).status_code == 403
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True, is_superuser=True)
    assert [client.get(path).status_code for path in paths] == [200] * len(paths)
