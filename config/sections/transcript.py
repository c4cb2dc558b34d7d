"""What a stored transcript consists of."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.sections.base import Section
from config.values import list_from_text, wrong


def _formats(value: object) -> object:
    entries = list_from_text(value)
    if isinstance(entries, (list, tuple)):
        if "json" not in entries:
            raise wrong("must contain json, which every other form is made from")
        return tuple(entry for place, entry in enumerate(entries) if entry not in entries[:place])
    return entries


class TranscriptSettings(Section):
    """What a stored transcript consists of."""

    formats: Annotated[tuple[Literal["json", "md", "txt", "srt", "vtt"], ...], BeforeValidator(_formats)] = (
        "json",
        "md",
        "txt",
        "srt",
        "vtt",
    )
    """Files that are stored for each call, between commas: `json` (always), `md` and `txt` for people, `srt` and `vtt`
    as captions."""

    caption_line_length: int = Field(default=32, ge=12, le=200)
    """Longest line of a caption in `srt` and `vtt`, in columns as displayed: a Chinese character takes two."""
