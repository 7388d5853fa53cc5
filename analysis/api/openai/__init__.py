"""Workspaces and documents as the models of an OpenAI-compatible interface, for clients that know no other.

names      which model name means which workspace, document or repository
schemas    what is taken and given, and what of a request is refused or has no meaning here
history    which earlier question a conversation goes on from
completion the answer in the shapes that clients expect, whole and in chunks
refusals   refusals in the shape that clients expect
routes     /v1/models and /v1/chat/completions

An answer asked for here is one like any other: planned, checked, in the workspace's list. It goes on when the client
goes away, as it does when somebody closes its page.
"""

from analysis.api.auth import BearerToken
from analysis.api.interface import Interface
from analysis.api.openai import routes
from analysis.api.openai.refusals import install

openai_api = Interface(
    title="Lectern for OpenAI clients",
    version="1",
    description="Workspaces, documents and repositories as models of chat completions, with checked citations.",
    auth=[BearerToken()],
    docs_url=None,
    urls_namespace="openai",
)
install(openai_api)
openai_api.add_router("", routes.router)
