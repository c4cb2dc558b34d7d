"""How fast the stand-in answers and how it behaves; all of it can be changed while it runs."""

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """The options at the start, and of `POST /control/settings`, where those that are given change."""

    model_config = ConfigDict(extra="forbid")

    first_token_ms: float = Field(default=0.0, ge=0, le=60_000)
    """From a chat request to the first piece of its answer."""
    tokens_per_second: float = Field(default=200.0, gt=0, le=10_000)
    """How fast the pieces of a chat answer follow; a piece is a word."""
    first_byte_ms: float = Field(default=0.0, ge=0, le=60_000)
    """From a speech request to its first byte; the synthesis itself counts as part of it."""
    strict: bool = False
    """Whether a sentence that no rule covers is answered with an error, 400, instead of being repeated."""
    refused_key: str = "sk-refused"
    """The one API key that is answered with 401; all others are accepted."""
