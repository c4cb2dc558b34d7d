"""What was played of the agent's speech so far, so that a crash in its middle keeps it.

The room's captions are synchronised with playout, and this is the last output in their chain
(livekit-agents 1.8.9, `voice/transcription/synchronizer.py`). Each piece is a word that was just played, as far
as the framework can tell: without word times from the TTS it estimates them.
"""

from typing import Any

from livekit.agents import AgentSession
from livekit.agents.voice import io

from worker.speech.paced import Paced
from worker.speech.recorder import Recorder
from worker.transcript.events import AgentHeard

HEARD_SECONDS = 0.5
"""At most one `agent.heard` is journaled in this time, the newest words when it is over: what a crash may lose."""


class Heard(io.TextOutput):
    """Journals what was played, speech by speech, until each has its `agent.said`."""

    def __init__(self, session: AgentSession[Any], recorder: Recorder) -> None:
        super().__init__(label="Journal", next_in_chain=None)
        self._session = session
        self._recorder = recorder
        self._speech: str | None = None
        self._text = ""
        self._unwritten = False
        self._writing = Paced(HEARD_SECONDS, self._write)
        self._segment_open = False
        """Words of the segment that is played have come, and its end has not."""
        self._said = False
        """The speech has its `agent.said`: what still comes of its segment is in there."""
        self._closed = False

    async def capture_text(self, text: str) -> None:
        """Take the next words that were played."""
        speech = self._session.current_speech
        if speech is None or self._said or self._closed:
            return
        if speech.id != self._speech:
            self._settle()
            self._forget()
            self._speech = speech.id
        self._segment_open = True
        self._text += text
        if text.strip():
            self._unwritten = True
            self._writing.ask()

    def flush(self) -> None:
        """Take note that a segment's words are complete; a speech may have several."""
        self._segment_open = self._said = False

    def of(self, speech: str) -> str:
        """Return what was played of `speech`, if it is the one that was played last and not said yet."""
        return self._text.strip() if speech == self._speech else ""

    def said(self, speech: str | None) -> None:
        """Write no more of `speech`: its `agent.said` tells all of it."""
        if speech is not None and speech == self._speech:
            self._forget()
            self._said = self._segment_open

    def close(self) -> None:
        """Write what is not written yet; nothing is played any more."""
        self._settle()
        self._closed = True

    def _settle(self) -> None:
        if self._unwritten:
            self._writing.take()

    def _forget(self) -> None:
        self._writing.cancel()
        self._speech, self._text, self._unwritten = None, "", False

    def _write(self) -> None:
        self._unwritten = False
        self._recorder.append(AgentHeard(speech=self._speech, text=self._text.strip()))
