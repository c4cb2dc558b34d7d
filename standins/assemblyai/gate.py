"""When a stretch of speech begins and ends: pure, in stream time."""

from collections import deque
from dataclasses import dataclass

# A stretch begins when this many of the last so many frames are voiced: a click is not speech.
OPEN_VOICED, OPEN_OF = 4, 6


@dataclass(frozen=True, slots=True)
class Opened:
    """A stretch began.

    Attributes:
        onset_ms: Stream time of its first voiced frame.
        audio: Its audio so far, a little before the onset included.
        audio_start_ms: Stream time of the first sample of `audio`.
    """

    onset_ms: int
    audio: bytes
    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class Going:
    """The stretch goes on with this frame."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The stretch ended with this frame; its last voiced sample was at `last_voice_ms`."""

    audio: bytes
    last_voice_ms: int


GateEvent = Opened | Going | Closed


class Gate:
    """Cuts a stream of frames into stretches of speech.

    Args:
        frame_ms: Length of each frame.
        pause_ms: Silence after which a stretch has ended.
        preroll_ms: Audio before the opening that belongs to the stretch, since a word's beginning is quiet.
    """

    def __init__(self, *, frame_ms: int, pause_ms: int, preroll_ms: int) -> None:
        self._frame_ms = frame_ms
        self._pause_ms = pause_ms
        self._recent: deque[bool] = deque(maxlen=OPEN_OF)
        self._preroll: deque[bytes] = deque(maxlen=max(OPEN_OF, preroll_ms // frame_ms))
        self.now_ms = 0
        self.last_voice_ms = 0
        self.is_open = False

    def push(self, frame: bytes, *, voiced: bool) -> GateEvent | None:
        """Takes the next frame.

        Args:
            frame: Its audio.
            voiced: Whether there is a voice in it.

        Returns:
            What it means; None while the gate is closed.
        """
        self.now_ms += self._frame_ms
        if self.is_open:
            if voiced:
                self.last_voice_ms = self.now_ms
            if self.now_ms - self.last_voice_ms < self._pause_ms:
                return Going(frame)
            self.close()
            return Closed(frame, self.last_voice_ms)
        self._recent.append(voiced)
        self._preroll.append(frame)
        if sum(self._recent) < OPEN_VOICED:
            return None
        since_onset = len(self._recent) - list(self._recent).index(True)
        since_voice = list(reversed(self._recent)).index(True)
        opened = Opened(
            onset_ms=self.now_ms - self._frame_ms * since_onset,
            audio=b"".join(self._preroll),
            audio_start_ms=self.now_ms - self._frame_ms * len(self._preroll),
        )
        self.is_open, self.last_voice_ms = True, self.now_ms - self._frame_ms * since_voice
        self._recent.clear()
        self._preroll.clear()
        return opened

    def close(self) -> None:
        """Ends the stretch now, whether there was silence or not."""
        self.is_open = False
        self._recent.clear()
        self._preroll.clear()
