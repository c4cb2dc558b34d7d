"""Who answers the call."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, field_serializer

from config.languages import Language
from config.sections.base import Section
from config.spoken_lines import NAMES
from config.values import ClassPath, HttpUrl, Options, Text, Texts, described, hide_secrets, wrong

INSTRUCTIONS = (
    "You are a helpful AI assistant. Keep your responses concise and conversational. You're having a "
    "real-time voice conversation, so avoid long explanations unless asked."
)
"""AssemblyAI's guide to voice agents with LiveKit, the assistant's instructions."""

GREETING = "Greet the user and offer your assistance."
"""AssemblyAI's guide to voice agents with LiveKit, the instructions of the first reply."""


_SERVER: TypeAdapter[str] = TypeAdapter(HttpUrl)

_NAME = "1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit"


def _agent_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise wrong(f"must be {_NAME}")
    return name


def _servers(servers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_SERVER.validate_python(server) for server in dict.fromkeys(servers))


def _headers(headers: dict[str, Any]) -> dict[str, Any]:
    if not all(
        isinstance(each, dict) and all(isinstance(value, str) for value in each.values()) for each in headers.values()
    ):
        raise wrong("must give each address a mapping of header names to texts")
    return headers


Seconds = Annotated[float, Field(ge=0, le=86_400)]


def _spoken_lines(lines: dict[str, Any]) -> dict[str, Any]:
    if not set(lines).issubset(NAMES):
        raise wrong(f"has a line that is never said; the lines are {', '.join(NAMES)}")
    if not all(isinstance(text, str) and text.strip() for text in lines.values()):
        raise wrong("has a line without a text; write one, or leave the line out")
    return lines


class AgentSettings(Section):
    """Who answers the call."""

    name: Annotated[str, AfterValidator(_agent_name), described(_NAME)] = "verbatim"
    """Name under which the worker registers, by which a dispatch asks for it, and that is part of each
    transcript's id."""

    dispatch: Literal["named", "every_room"] = "named"
    """Which rooms the agent joins: `named`, those for which a token or the API dispatches it by name;
    `every_room`, each room that is opened on the server, as the Agents Playground's plain Connect expects."""

    class_: ClassPath | None = Field(default=None, alias="class")
    """Your own subclass of LiveKit's Agent with its tools and hand-offs, `package.module:Class`. Not set:
    the agent that comes with the worker, which follows `agent.instructions`."""

    language: Language | None = None
    """The language of the calls, an ISO 639-1 code such as `es`, `ja` or `ar`: what the recogniser expects, what the
    agent that comes with the worker speaks, its greeting included, and what AssemblyAI's voices speak. Not set: the
    recogniser finds the language out, and nothing is said about it to the others."""

    instructions: Text = INSTRUCTIONS
    """Instructions (system prompt) of the agent that comes with the worker."""

    greeting: Text = GREETING
    """Instructions for the agent's first words. Empty: the caller speaks first."""

    mcp_servers: Annotated[Texts, AfterValidator(_servers)] = ()
    """Addresses of MCP servers (Model Context Protocol) whose tools every agent of a call may use, such as
    `https://tools.example.org/mcp`: one that ends in `/mcp` speaks streamable HTTP, another one server-sent events.
    Needs the extra `mcp`."""

    mcp_headers: Annotated[Options, AfterValidator(_headers)] = Field(default_factory=dict, repr=False)
    """HTTP headers for MCP servers by address, such as
    `{"https://tools.example.org/mcp": {"Authorization": "Bearer …"}}`, a JSON object or a YAML mapping."""

    hang_up: bool = True
    """Close the room when the agent has said goodbye or cannot go on, so that no caller waits in silence."""

    spoken_lines: Annotated[Options, AfterValidator(_spoken_lines)] = Field(default_factory=dict)
    """What the caller hears when the agent itself cannot say it, in words of your own: a mapping with `trouble` (an
    answer failed), `failed` (the call cannot go on), `cannot_hear`, `are_you_there`, `silence_goodbye`, `time_limit` or
    `resumption` (said instead of a greeting when another agent goes on with a call that was cut off). They are
    synthesised when the worker starts, so that they can be said when the voice is what fails."""

    answer_deadline: Seconds = 10
    """Seconds after the caller's last word in which an answer must begin; then it is given up, and the caller is asked
    to say it again. The time of the agent's tools is not counted. 0: never."""

    failed_answers: Annotated[int, Field(ge=0, le=100)] = 3
    """Answers that may fail one after the other before the call ends with an apology; 0: as many as there are. What
    cannot get better, such as a refused key, ends it at once."""

    silence_prompt: Seconds = 30
    """Seconds of silence on both sides after which the caller is asked whether they are there; 0: never."""

    silence_goodbye: Seconds = 30
    """Seconds of silence after that question before the agent says goodbye and closes the room; 0: never."""

    no_audio_notice: Seconds = 25
    """Seconds without any audio from an open microphone before the caller is told that they cannot be heard; after
    twice the time the call ends. Below 21 s it may be said to nobody, for so long LiveKit waits for a caller whose
    connection was lost. 0: never."""

    session_host: bool = False
    """Let participants inspect and drive the session over LiveKit's data channel, system prompt and chat
    history included. Only the development profile allows it."""

    @field_serializer("mcp_headers", when_used="json")
    def _hide(self, headers: dict[str, Any]) -> Any:
        return hide_secrets(headers)
