"""What a call's journal takes, as metrics."""

from asyncio import Future

from worker.metrics.definitions import ANSWER, ANSWER_STAGE, PROVIDER_ERRORS, SESSIONS_ENDED
from worker.speech.catalogue import metric_code
from worker.storage.journal.journal import Accepted
from worker.transcript.events import ErrorRaised, Event, PartEnded, TurnLatency


def count(event: Event, accepted: "Future[Accepted]") -> None:
    """Count what `event` tells."""
    match event:
        case ErrorRaised(code=code):
            PROVIDER_ERRORS.count(provider=metric_code(code).partition("_")[0], code=metric_code(code))
        case TurnLatency(answer_ms=answer_ms, stages=stages):
            if answer_ms is not None:
                ANSWER.observe(answer_ms / 1000)
            for stage, took_ms in stages.items():
                ANSWER_STAGE.observe(took_ms / 1000, stage=stage)
        case PartEnded(reason=reason):
            # Of a part whose end is not on the disk, whoever finds its journal says how it ended.
            accepted.add_done_callback(lambda done: _ended(reason, done))


def _ended(reason: str, accepted: "Future[Accepted]") -> None:
    if not accepted.cancelled() and accepted.result().durable:
        SESSIONS_ENDED.count(reason=reason)
