"""The captions that an agent publishes in a room, for itself and for the people that it hears.

Source: LiveKit Agents, text stream topic `lk.transcription` and its attributes. An agent's own caption is one
stream that grows; of a person's, every version is a stream of its own with the same segment.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from livekit import rtc

TOPIC = "lk.transcription"
SEGMENT = "lk.segment_id"
FINAL = "lk.transcription_final"


@dataclass(slots=True)
class Caption:
    """One segment as it stands."""

    segment: str
    speaker: str
    """The identity of who said it."""
    text: str
    is_final: bool
    started_at: float
    """When it was first seen, in monotonic seconds."""


class Captions:
    """All captions of a room, the newest version of each segment."""

    def __init__(self) -> None:
        self._segments: dict[tuple[str, str], Caption] = {}
        self._readers: set[asyncio.Task[None]] = set()

    def attach(self, room: rtc.Room) -> None:
        """Reads the room's captions from now on; before it is connected, none is missed."""

        def opened(reader: rtc.TextStreamReader, speaker: str) -> None:
            task = asyncio.create_task(self._read(reader, speaker))
            self._readers.add(task)
            task.add_done_callback(self._readers.discard)

        room.register_text_stream_handler(TOPIC, opened)

    def all(self) -> list[Caption]:
        """Every segment, in the order in which they were first seen."""
        return list(self._segments.values())

    def text_since(self, moment: float, speakers: Callable[[str], bool]) -> str:
        """What some speakers said since a moment, joined."""
        said = (
            each.text.strip()
            for each in self._segments.values()
            if each.started_at >= moment and speakers(each.speaker)
        )
        return " ".join(text for text in said if text)

    async def _read(self, reader: rtc.TextStreamReader, speaker: str) -> None:
        segment = (reader.info.attributes or {}).get(SEGMENT, reader.info.stream_id)
        new = Caption(segment, speaker, "", is_final=False, started_at=time.monotonic())
        caption = self._segments.setdefault((speaker, segment), new)
        text = ""
        try:
            async for piece in reader:
                text += piece
                caption.text = text
        except rtc.StreamError:
            return  # cut off with the room: what has arrived stays
        caption.is_final = (reader.info.attributes or {}).get(FINAL) == "true"

    async def aclose(self) -> None:
        """Stops reading."""
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
