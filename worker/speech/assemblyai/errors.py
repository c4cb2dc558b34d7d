"""Decisions as the framework's errors, which carry the catalogue's code."""

from livekit.agents import APIConnectionError, APIStatusError

from worker.speech.assemblyai.decisions import Decision


class RecogniserRefused(APIStatusError):
    """The provider said no, or goodbye; `code` names the failure in the catalogue."""

    def __init__(self, decision: Decision, status: int, *, retryable: bool) -> None:
        super().__init__(decision.sentence, status_code=status, retryable=retryable)
        # The framework holds every status from 400 to 499 for final; the table of decisions knows better.
        self.retryable = retryable
        self.code = decision.code


class RecogniserUnreachable(APIConnectionError):
    """The provider could not be reached; `code` names the failure in the catalogue."""

    def __init__(self, decision: Decision, *, retryable: bool) -> None:
        super().__init__(decision.sentence, retryable=retryable)
        self.code = decision.code


RecogniserError = RecogniserRefused | RecogniserUnreachable


def error_of(decision: Decision, *, retryable: bool) -> RecogniserError:
    """Return the error of a failure after which there is another attempt (`retryable`), or none."""
    if decision.status is not None:
        return RecogniserRefused(decision, decision.status, retryable=retryable)
    return RecogniserUnreachable(decision, retryable=retryable)
