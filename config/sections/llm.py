"""The language model that writes the answers."""

from typing import Annotated, Any

from pydantic import Field, field_serializer

from config.sections.base import Section
from config.values import ClassPath, HttpUrl, ModelNames, Name, Options, Secret, hide_secrets


class LlmSettings(Section):
    """The language model that writes the answers: OpenAI's or a compatible API, or a LiveKit plugin."""

    model: Name = "gpt-4o-mini"
    """Model name."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Sampling temperature, 0 to 2."""

    api_key: Secret | None = None
    """API key of the OpenAI-compatible service."""

    base_url: HttpUrl = "https://api.openai.com/v1"
    """Where the OpenAI-compatible API is, version included."""

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
