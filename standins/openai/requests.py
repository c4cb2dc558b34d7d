"""What clients send: chat completions and speech requests, the parts that the stand-in reads.

Source: OpenAI API reference, "Create chat completion" and "Create speech". Unknown fields are accepted, as
clients send many that change nothing here.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

INPUT_LIMIT = 4096  # characters of one speech request: OpenAI API reference, "Create speech", `input`


class Function(BaseModel):
    """A tool's name, what it does, and the JSON Schema of its arguments."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class Tool(BaseModel):
    """A tool that the model may call."""

    type: Literal["function"]
    function: Function


class Message(BaseModel):
    """One message of the conversation so far."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """The content in words, whether it came as one string or as a list of parts."""
        if isinstance(self.content, str):
            return self.content
        return " ".join(str(part["text"]) for part in self.content or [] if "text" in part)


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """`POST /v1/chat/completions`."""

    model: str
    messages: list[Message] = Field(min_length=1)
    tools: list[Tool] = Field(default_factory=list)
    tool_choice: str | dict[str, Any] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None


class CustomVoice(BaseModel):
    """A voice that the real service would have made from samples; the stand-in takes its id as a name."""

    id: str


class SpeechRequest(BaseModel):
    """`POST /v1/audio/speech`."""

    model: str
    input: str = Field(min_length=1, max_length=INPUT_LIMIT)
    voice: str | CustomVoice
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    stream_format: Literal["sse", "audio"] = "audio"

    @property
    def voice_name(self) -> str:
        """The voice, however it was given."""
        return self.voice if isinstance(self.voice, str) else self.voice.id
