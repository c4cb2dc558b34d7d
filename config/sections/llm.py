"""The language model that writes the answers."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer

from config.sections.base import Section
from config.values import ClassPath, HttpUrl, ModelNames, Name, Options, Secret, hide_secrets

GATEWAY_MODEL = "claude-haiku-4-5-20251001"
"""AssemblyAI, LLM Gateway, available models: a quick one that every region has."""


class LlmSettings(Section):
    """The language model that writes the answers: OpenAI's or a compatible API, AssemblyAI's gateway, or a plugin."""

    provider: Literal["openai", "gateway"] = "openai"
    """Who answers: `openai`, OpenAI or a server with the same API at `llm.base_url`; `gateway`, AssemblyAI's LLM
    Gateway with the models of several vendors, under the AssemblyAI key and in the region of `stt.region`."""

    model: Name = "gpt-4o-mini"
    """Model name. With the gateway exact and versioned, `claude-haiku-4-5-20251001` where none is set; in the EU it has
    Claude and Gemini models only."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Sampling temperature, 0 to 2."""

    api_key: Secret | None = None
    """API key of the OpenAI-compatible service; not set, and with the gateway: AssemblyAI's."""

    base_url: HttpUrl = "https://api.openai.com/v1"
    """Where the OpenAI-compatible API is, version included; with the gateway, another address than the region's."""

    max_context_tokens: Annotated[int, Field(ge=1000, le=2_000_000)] = 32_000
    """How much of the conversation a request may hold, in tokens as we estimate them (UTF-8 bytes divided by three,
    which is rather too many than too few), tools and answer aside. A model's own limit has to be above it."""

    context_overflow: Literal["summarise", "truncate"] = "summarise"
    """What becomes of the oldest part of a conversation that is longer: `summarise`, the model replaces it by a summary
    while the call goes on; `truncate`, it is left out. Instructions stay, and a tool call stays with its result."""

    fallback_models: ModelNames = ()
    """Models of an OpenAI-compatible API that are asked, in this order, when the first one fails or takes more than
    4 s; none: the caller is asked to say it again instead."""

    fallback_base_url: HttpUrl | None = None
    """Where the fallback models are, version included; not set: `llm.base_url`."""

    fallback_api_key: Secret | None = None
    """API key of the fallback models' service; not set: `llm.api_key`."""

    plugin: ClassPath | None = None
    """Another LiveKit plugin's LLM instead, `module:Class`, such as `livekit.plugins.anthropic:LLM`. Its keys
    are read from the variables that the plugin documents; these may stand in `.env` too."""

    options: Options = Field(default_factory=dict, repr=False)
    """Arguments for `llm.plugin` by name, a JSON object or a YAML mapping."""

    @field_serializer("options", when_used="json")
    def _hide(self, options: dict[str, Any]) -> Any:
        return hide_secrets(options)
