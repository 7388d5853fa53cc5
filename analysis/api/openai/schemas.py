"""What is taken and given, after OpenAI's reference of chat completions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field

from analysis.api.schemas import Text
from analysis.errors import UserError
from analysis.types import Mode

# A client that sends one of these expects what Lectern does not do.
REFUSED = {
    "tools": "Lectern calls no tools: it reads, and cites what it has read.",
    "functions": "Lectern calls no functions: it reads, and cites what it has read.",
    "audio": "Lectern answers in text.",
    "logprobs": "Lectern gives no log probabilities.",
}


# What comes in is not of ninja's Schema, which forgets the fields that it does not know.


class TextPart(BaseModel):
    """A part of a message. Only text is read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: Text = ""


class ChatMessage(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[TextPart] | None = None

    @property
    def words(self) -> str:
        """Return the message's text. Raises UserError unsupported_content (400) for a picture or a file."""
        if not isinstance(self.content, list):
            return (self.content or "").strip()
        if any(part.type != "text" for part in self.content):
            message = "Lectern reads the text of messages. Upload pictures and files to the workspace instead."
            raise UserError(message, code="unsupported_content", status=400)
        return "\n".join(part.text for part in self.content).strip()


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow")

    include_usage: bool = False


class OwnOptions(BaseModel):
    """What only Lectern knows, as of questions. shared: whether others see it."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = Mode.AUTO
    llm: Text = ""
    shared: bool = True


class ChatIn(BaseModel):
    """A conversation, whose last message is the question. lectern: of Lectern alone; a client may leave it out."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "model": "lectern/firm",
                "messages": [{"role": "user", "content": "How long is the term of the lease?"}],
                "stream": True,
            }
        },
    )

    model: Text
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    lectern: OwnOptions = OwnOptions()

    def checked(self) -> list[str]:
        """Return what of the request has no meaning here, by name. Raises UserError (400) for what is not done."""
        given = {name: value for name, value in (self.model_extra or {}).items() if value not in (None, [], False)}
        for name, message in REFUSED.items():
            if name in given:
                raise UserError(message, code="unsupported_parameter", status=400)
        if given.pop("n", 1) != 1:
            raise UserError("Lectern writes one answer: n can be 1.", code="unsupported_parameter", status=400)
        wanted = given.pop("response_format", None) or {}
        if not isinstance(wanted, dict) or wanted.get("type", "text") != "text":
            message = "Lectern answers in sentences, each checked against its sources: response_format can be text."
            raise UserError(message, code="unsupported_parameter", status=400)
        instructions = any(message.role in {"system", "developer"} for message in self.messages)
        return sorted(given) + (["system messages"] if instructions else [])


class ModelOut(Schema):
    """A workspace, document or repository. name: what it is called."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    name: str


class ModelsOut(Schema):
    object: Literal["list"]
    data: list[ModelOut]


class UrlCitation(Schema):
    """Where a sentence is from. start_index, end_index: the sentence in the answer. quote: the words of the source."""

    url: str
    title: str
    start_index: int
    end_index: int
    quote: str


class AnnotationOut(Schema):
    type: Literal["url_citation"]
    url_citation: UrlCitation


class MessageOut(Schema):
    role: Literal["assistant"]
    content: str
    refusal: str | None
    annotations: list[AnnotationOut]


class ChoiceOut(Schema):
    index: int
    message: MessageOut
    finish_reason: Literal["stop", "length"]
    logprobs: None


class ChatUsage(Schema):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int]
    completion_tokens_details: dict[str, int]


class OwnOut(Schema):
    """What Lectern has to say besides. unsupported: sentences that no source bears out. ignored: of the request.

    complete: every character of what the question was put to was read.
    """

    question_id: str
    answer_id: str
    url: str
    status: str
    mode: str | None
    llm: str
    complete: bool
    unsupported: int
    ignored: list[str]


class ChatOut(Schema):
    """An answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChoiceOut]
    usage: ChatUsage
    lectern: OwnOut


class ChatErrorDetail(Schema):
    message: str
    type: str
    param: str | None
    code: str


class ChatErrorOut(Schema):
    error: ChatErrorDetail


Shape = dict[str, Any]
