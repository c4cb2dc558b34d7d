"""What the framework runs in a job process: module-level functions, so that they can be sent there.

The transcript is stored in `on_session_end`, which the framework gives minutes; shutdown callbacks
get seconds, and one that raises cancels the others.
"""

import logging
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path

from livekit.agents import JobContext, JobProcess
from livekit.plugins import silero as _silero  # noqa: F401 - plugins register on the main thread only

from config import Loaded, load
from worker import errand, metrics
from worker.messages import HAND_OVER, HANDED_OVER, Message
from worker.run_directory import socket_of
from worker.session.call import Call, versions
from worker.session.channel import Channel
from worker.session.closing.hang_up import close_room
from worker.session.closing.lingering import end_within
from worker.session.closing.orphan import end_with_worker
from worker.session.log_fields import call_fields
from worker.session.room_proxy import keep_room_direct
from worker.speech.providers import load_vad
from worker.storage.errors import StorageUnwritable

logger = logging.getLogger("verbatim.call")

SETTINGS, VAD, CALL, CHANNEL = "settings", "vad", "call", "channel"


def set_up(process: JobProcess) -> None:
    """Prepare a job process before it has a call: settings from the environment, the VAD's model."""
    # Where there is no forkserver to inherit it from (`worker.fleet.ignored_signals`).
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_worker()
    metrics.switch_on()
    loaded = load(files=False)
    if loaded.settings.telemetry.otlp_endpoint is not None:
        # Only then: a process that sends nothing need not have what sends.
        from worker.tracing import export

        export.switch_on(loaded.settings.telemetry, loaded.settings.agent.name)
    assert loaded.settings.livekit.url is not None
    keep_room_direct(os.environ, loaded.settings.livekit.url)
    process.userdata[SETTINGS] = loaded
    process.userdata[VAD] = load_vad(loaded.settings)
    versions()  # now, for a call's first moments are short


async def entry(context: JobContext) -> None:
    """Begin the call of this job and return; it goes on until its session closes."""
    loaded: Loaded = context.proc.userdata[SETTINGS]
    sent_for = errand.read(context.job.metadata)
    context.log_context_fields = call_fields(context.job, loaded.settings.agent.name)
    context.job.metadata = errand.own(context.job.metadata)  # as the operator's agent expects it
    try:
        call = await Call.begin(context, loaded, sent_for)
    except Exception:
        # Without a journal there is no call; the caller must not wait for one.
        if loaded.settings.agent.hang_up:
            await close_room(loaded.settings, context.job.room.name, context.job.room.sid)
        raise
    context.proc.userdata[CALL] = call
    channel = context.proc.userdata[CHANNEL] = Channel()
    channel.on(HAND_OVER, partial(_hand_over, call, channel))
    await _open(channel, loaded.settings.fleet.run_dir, context.job.id)
    await call.run(context.proc.userdata[VAD])


async def on_session_end(context: JobContext) -> None:
    """Store the call's transcript, or leave that to the worker: the job's time is limited, the store's outage not."""
    call: Call | None = context.proc.userdata.get(CALL)
    loaded: Loaded = context.proc.userdata[SETTINGS]
    try:
        if call is not None:
            await call.finish()
    except StorageUnwritable as trouble:
        logger.error(
            "the store has not confirmed the transcript yet, its journal waits for the worker's sweep: %s", trouble
        )
    finally:
        if (channel := context.proc.userdata.get(CHANNEL)) is not None:
            await channel.close()
        end_within(loaded.settings.fleet.shutdown_process_timeout)


async def _open(channel: Channel, run_dir: Path | None, job: str) -> None:
    """Connect to the worker that started this process, if it has said where it listens."""
    worker = multiprocessing.parent_process()
    if run_dir is not None and worker is not None and worker.pid is not None:
        await channel.open(socket_of(run_dir, worker.pid), job)


def _hand_over(call: Call, channel: Channel, order: Message) -> None:
    def tell(taken: bool) -> None:
        channel.post({"type": HANDED_OVER, "taken": taken})

    call.hand_over(float(order["seconds"]), tell)
