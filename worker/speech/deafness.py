"""The times in which nobody listened to the caller: gaps in the transcript."""

from worker.speech.recorder import Recorder
from worker.transcript.events import Gap

REASON = "the speech recogniser was not connected"


class Deafness:
    """Journals a gap for each time in which something may have been said that no recogniser heard.

    A gap is journaled open when it begins, so that it is there whatever happens next, and again when it is over.
    Times are Unix seconds.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._began: float | None = None
        self._ended = 0.0

    def lost(self, began: float, ended: float) -> None:
        """What was said in this time is lost; it goes on from the time before, if that is not over."""
        if self._began is None:
            self._began = began
            self._write(None)
        self._ended = max(self._ended, ended)

    def ends(self) -> None:
        """A recogniser hears everything from now on."""
        if self._began is not None:
            self._write(self._ended)
            self._began, self._ended = None, 0.0

    def lasts(self) -> None:
        """The call is over: a gap that is still open lasts until its end."""
        self._began, self._ended = None, 0.0

    def _write(self, ended: float | None) -> None:
        if self._began is not None:
            to_ms = None if ended is None else self._recorder.ms_at(ended)
            self._recorder.append(Gap(from_ms=self._recorder.ms_at(self._began), to_ms=to_ms, reason=REASON))
