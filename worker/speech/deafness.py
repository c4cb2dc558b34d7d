"""The times in which nobody listened to the caller: gaps in the transcript."""

import time

from worker.speech.recorder import Recorder
from worker.transcript.events import Gap

REASON = "the speech recogniser was not connected"


class Deafness:
    """Journals a gap for each time without a recogniser."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._since: int | None = None

    def begins(self) -> None:
        """A session could not begin, or ended before the call did."""
        if self._since is None:
            self._since = self._now()

    def ends(self) -> None:
        """A session began."""
        self._end(self._now())

    def lasts(self) -> None:
        """The call is over: a gap that is still open lasts until its end."""
        self._end(None)

    def _end(self, at: int | None) -> None:
        if self._since is not None:
            self._recorder.append(Gap(from_ms=self._since, to_ms=at, reason=REASON))
            self._since = None

    def _now(self) -> int:
        return self._recorder.ms_at(time.time())
