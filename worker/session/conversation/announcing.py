"""Saying one of our own lines in a call, whatever works: from its audio, or else by the voice."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from livekit import rtc
from livekit.agents.types import NOT_GIVEN

from config.spoken_lines import Line
from worker.session.conversation.dialogue import CallSession
from worker.speech.spoken_lines import SpokenLines

logger = logging.getLogger("verbatim.call")

PIECE_SECONDS: Final = 0.1
"""Audio that is handed over at once; the framework plays no more of a line that is interrupted."""

MARGIN_SECONDS: Final = 5.0
"""How much longer than its audio a line may take to be played."""

LIVE_SECONDS: Final = 15.0
"""How long a line may take that the voice has to make first."""


class Announcer:
    """Says the lines of one call."""

    def __init__(self, session: CallSession, lines: SpokenLines) -> None:
        self._session = session
        self._lines = lines

    async def say(self, line: Line, *, to_the_end: bool, voice_works: bool) -> bool:
        """Say `line` and return when it was played, or whether it cannot be said.

        Args:
            line: which one.
            to_the_end: whatever the caller says meanwhile.
            voice_works: whether the voice may be asked for a line that was not made yet.

        Raises:
            RuntimeError: the session is closing.
        """
        audio = await self._lines.audio(line)
        if audio is None and not voice_works:
            logger.error("a line could not be said, for it was never made: %s", line)
            return False
        seconds = LIVE_SECONDS if audio is None else audio.duration + MARGIN_SECONDS
        handle = self._session.say(
            self._lines.texts[line],
            audio=NOT_GIVEN if audio is None else _pieces(audio),
            allow_interruptions=False if to_the_end else NOT_GIVEN,
        )
        try:
            async with asyncio.timeout(seconds):
                await handle.wait_for_playout()
            return True
        except TimeoutError:
            logger.warning("a line took longer than %.0f s: %s", seconds, line)
            handle.interrupt(force=True)
            return False


async def _pieces(audio: rtc.AudioFrame) -> AsyncIterator[rtc.AudioFrame]:
    samples = round(audio.sample_rate * PIECE_SECONDS)
    width = 2 * audio.num_channels
    data = bytes(audio.data)
    for at in range(0, len(data), samples * width):
        piece = data[at : at + samples * width]
        yield rtc.AudioFrame(piece, audio.sample_rate, audio.num_channels, len(piece) // width)
