"""The worker process: an AgentServer of the framework, its health, its signals and its end."""

import asyncio
import contextlib
import logging
import math
import os
import signal
from asyncio import FIRST_COMPLETED as FIRST
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from livekit.agents import AgentServer
from livekit.protocol.agent import Job

from config import Loaded, Settings
from config.grace import LAST_SWEEP_SECONDS, needed
from config.proxies import proxy_for
from config.sections.storage import StorageSettings
from worker.errors import Failed, Misconfigured, Unreachable
from worker.fleet import readings
from worker.fleet.exposition import Exposition, Reading
from worker.fleet.health import HealthServer
from worker.fleet.intake import Intake
from worker.fleet.jobs import Jobs
from worker.fleet.presence import LiveKitRooms
from worker.fleet.successors import Successors
from worker.fleet.watcher import Watcher
from worker.livekit_api import check_credentials
from worker.messages import HAND_OVER, HANDED_OVER, Message
from worker.metrics.definitions import HAND_OVERS, WATCHER, of_worker
from worker.run_directory import SOCKET
from worker.session import entry
from worker.session.conversation.agents import build_agent
from worker.speech.providers import build_llm, build_tts
from worker.speech.spoken_lines import keep_prepared
from worker.storage.errors import StorageError, StorageRefused, StorageUnavailable
from worker.storage.journal.probe import probe_journal_directory
from worker.storage.journal.spool import MEGABYTE, Spool
from worker.storage.recovery.keeper import JournalKeeper
from worker.storage.sessions.retention import Retention
from worker.storage.stores.choice import open_store
from worker.storage.stores.store import Store
from worker.surroundings import let_jobs_count_in
from worker.transcript.render import formats

logger = logging.getLogger("verbatim.worker")

PORT_KEPT_SECONDS = 2.0
"""How long a worker that was told to stop says so on its public port. Source: DESIGN 3.8."""

START_SECONDS = 120.0
"""How long a worker may take to register, without the pauses between its attempts: also on a busy machine."""

DRAIN_LOOK_SECONDS = 0.1
"""Between two looks at whether calls still run: what a drain may take longer than its last call."""

JOBS_METRICS = "metrics"
"""Directory, within the one of this process, in which the calls' processes count."""


class Worker:
    """One worker process, from registration to the end of its drain."""

    def __init__(self, loaded: Loaded, directory: Path | None = None) -> None:
        """Make ready to run.

        Args:
            loaded: the settings.
            directory: what belongs to this process alone; without one there is no channel to its calls, and they count
                nothing.

        Raises:
            Misconfigured: the store cannot be opened as it is set.
        """
        self._settings = loaded.settings
        self._directory = directory
        self._calls = Jobs()
        self._jobs_metrics = directory / JOBS_METRICS if directory is not None else None
        self._registered = False
        self._stopping = asyncio.Event()
        self._first_registered = asyncio.Event()
        storage, transcript = self._settings.storage, self._settings.transcript
        self._store = _opened(storage)
        self._keeper = JournalKeeper(
            storage.journal_dir,
            self._store,
            formats(transcript.formats, transcript.caption_line_length),
            storage.sweep_seconds,
            spool_max=storage.spool_max_mb * MEGABYTE,
            rooms=LiveKitRooms(self._settings),
        )
        self._retention = Retention(self._store, storage.journal_dir, storage.retention_days)
        self._intake = Intake(self._settings, self._jobs, lambda: self.trouble, lambda: self.draining)
        self._successors = Successors(self._settings, self._running)
        self._watcher = Watcher(self._settings) if self._settings.fleet.watch else None
        told = of_worker() if self._watcher is None else tuple(dict.fromkeys((*of_worker(), *WATCHER)))
        self._exposition = Exposition(told, self._readings, self._jobs_metrics)
        self._server = self._build_server(self._settings)
        self._health = HealthServer(self._settings.agent.name, self, self._exposition.answer)
        self._calls.subscribe(HANDED_OVER, self._handed_over)

    def _build_server(self, settings: Settings) -> AgentServer:
        fleet, livekit = settings.fleet, settings.livekit
        assert livekit.url is not None and livekit.api_key is not None and livekit.api_secret is not None
        server = AgentServer(
            ws_url=livekit.url,
            api_key=livekit.api_key.get_secret_value(),
            api_secret=livekit.api_secret.get_secret_value(),
            http_proxy=proxy_for(livekit.url),
            # The framework's own health server tells less than ours, and not the truth.
            host="127.0.0.1",
            port=0,
            # Admission is ours alone: with a threshold of its own the framework refuses the second of
            # two calls that arrive together on an idle worker.
            load_threshold=math.inf,
            load_fnc=lambda: self._intake.load,
            max_retry=livekit.connect_attempts,
            num_idle_processes=fleet.idle_processes,
            initialize_process_timeout=fleet.initialize_process_timeout,
            drain_timeout=needed(fleet),  # never what ends a call
            session_end_timeout=fleet.session_end_timeout,
            shutdown_process_timeout=fleet.shutdown_process_timeout,
            job_memory_warn_mb=fleet.job_memory_warn_mb,
            job_memory_limit_mb=fleet.job_memory_limit_mb,
            setup_fnc=entry.set_up,
            preload_modules=["worker.fleet.ignored_signals"],
        )
        server.rtc_session(
            entry.entry,
            agent_name=settings.agent.name if settings.agent.dispatch == "named" else "",
            on_request=self._intake.answer,
            on_session_end=entry.on_session_end,
        )
        server.on("worker_registered", self._on_registered)
        return server

    @property
    def connected(self) -> bool:
        """Whether the worker is registered with the LiveKit server now."""
        # Bent: there is no event for a lost connection (`tests/test_app.py`).
        return self._registered and not self._server._connecting

    @property
    def draining(self) -> bool:
        """Whether the worker was told to stop."""
        return self._stopping.is_set()

    @property
    def trouble(self) -> str | None:
        """Why a call could not be written down now, as a sentence, or `None`."""
        return self._keeper.trouble

    @property
    def store_trouble(self) -> str | None:
        """Why transcripts are not stored now, as a sentence, or `None`."""
        return self._keeper.store_trouble

    @property
    def spool(self) -> Spool:
        """The journals that are not stored yet."""
        return self._keeper.spool

    @property
    def sessions(self) -> int:
        """Calls that run now, and those that are being accepted."""
        return self._intake.sessions

    @property
    def max_sessions(self) -> int:
        """Calls that may run at once."""
        return self._intake.max_sessions

    @property
    def crowded(self) -> str | None:
        """Why no call is taken now though the worker is well, as a sentence, or `None`."""
        return self._intake.crowded

    @property
    def admission(self) -> Mapping[str, object]:
        """What calls are taken and refused by."""
        return self._intake.told()

    def _readings(self) -> Iterator[Reading]:
        yield from readings.of_worker(self, self._intake.situation(), self._intake.load)
        if self._watcher is not None:
            yield from readings.of_watcher(self._watcher.found)

    def _jobs(self) -> Collection[str]:
        return self._running().keys()

    def _running(self) -> Mapping[str, Job]:
        # Before it has run, the framework has neither jobs nor a list of them.
        return {each.job.id: each.job for each in self._server.active_jobs} if self._registered else {}

    def _on_registered(self, *_: object) -> None:
        self._registered = True
        self._first_registered.set()
        logger.info(
            "ready for calls",
            extra={
                "agent": self._settings.agent.name,
                "dispatch": self._settings.agent.dispatch,
                "max_sessions": self.max_sessions,
            },
        )

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then let calls end, and hand those over that last.

        Raises:
            Failed: storage or journals cannot be written, the health port cannot be used, or the SDK gave up.
            Misconfigured: LiveKit refuses the key and secret, or the store its own; a class in the settings cannot
                be used.
            Unreachable: the connection to LiveKit was lost, and retried in vain.
        """
        with _signals(self._stop):
            await _check(self._settings, self._store)
            if self.draining:
                return
            if self._directory is not None:
                await self._calls.start(self._directory / SOCKET)
            if self._jobs_metrics is not None:
                self._jobs_metrics.mkdir(mode=0o700)
                let_jobs_count_in(self._jobs_metrics)
            await self._health.start(self._settings.fleet.health_host, self._settings.fleet.health_port)
            logger.info("health is served", extra={"port": self._health.port})
            await self._successors.inherit()
            serving = asyncio.create_task(self._server.run())
            stopping = asyncio.create_task(self._stopping.wait())
            registered = asyncio.create_task(self._first_registered.wait())
            duties = [
                asyncio.create_task(self._keeper.run()),
                asyncio.create_task(self._retention.run()),
                asyncio.create_task(self._intake.run()),
                asyncio.create_task(self._exposition.run()),
                asyncio.create_task(self._prepare_lines()),
            ]
            if self._settings.fleet.send_again:
                duties.append(asyncio.create_task(self._successors.run(self._first_registered)))
            if self._watcher is not None:
                duties.append(asyncio.create_task(self._watcher.run()))
            try:
                await asyncio.wait({serving, stopping, registered}, timeout=self._patience_s, return_when=FIRST)
                if not (serving.done() or self.draining or self._registered):
                    raise Unreachable(
                        f"What answers at {self._settings.livekit.url} takes the connection and never registers the "
                        "worker; check that LIVEKIT_URL is a LiveKit server, and what is between."
                    )
                await asyncio.wait({serving, stopping}, return_when=FIRST)
                if serving.done():
                    self._raise_failure(serving)
                else:
                    await self._drain()
            finally:
                stopping.cancel()
                registered.cancel()
                await self._server.aclose()
                for duty in duties:
                    duty.cancel()
                await asyncio.gather(serving, *duties, return_exceptions=True)
                await self._last_sweep()
                await self._health.close()
                await self._calls.close()

    @property
    def _patience_s(self) -> float:
        """Seconds until the first registration; the framework waits without end for a server that says nothing."""
        pauses = sum(min(2 * attempt, 10) for attempt in range(self._settings.livekit.connect_attempts))
        return START_SECONDS + pauses

    async def _prepare_lines(self) -> None:
        # Not while the worker starts, for which it needs all of the machine.
        await self._first_registered.wait()
        await keep_prepared(self._settings)

    def _raise_failure(self, serving: asyncio.Task[None]) -> None:
        if (failure := serving.exception()) is None:
            raise Failed("The connection to LiveKit ended without a reason; start the worker again.")
        if isinstance(failure, RuntimeError) and "failed to connect" in str(failure):
            raise Unreachable(
                f"LiveKit at {self._settings.livekit.url} could not be reached; check LIVEKIT_URL, "
                "the network, and whether the server runs."
            ) from None
        raise failure

    def _stop(self) -> None:
        if self._stopping.is_set():
            logger.warning(
                "told to stop twice: ending at once; the journals of running calls stay in %s",
                self._settings.storage.journal_dir,
            )
            os._exit(1)
        self._stopping.set()

    async def _last_sweep(self) -> None:
        try:
            async with asyncio.timeout(LAST_SWEEP_SECONDS):
                await self._keeper.sweep()
        except TimeoutError:
            logger.warning("journals are left in %s: start a worker here", self._settings.storage.journal_dir)

    async def _drain(self) -> None:
        logger.info("stopping: no new calls", extra={"running": self.sessions})
        leaving = asyncio.create_task(self._leave_the_port())
        try:
            fleet = self._settings.fleet
            over = await self._calls_end(fleet.drain_timeout)
            if not over and await self._hand_over():
                over = await self._calls_end(fleet.handover_timeout)
            if over:
                await self._server.drain()
            else:
                logger.warning("calls were still running after the time to end or hand them over: ending them")
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)

    async def _calls_end(self, seconds: float) -> bool:
        """Wait until no call runs, and return whether that came in time."""
        # The framework's own wait may block the event loop for ever: where two jobs end in one round of the
        # loop it joins the one that is over again and again (livekit-agents 1.8.9, `worker.py`, `drain`).
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.sessions:  # noqa: ASYNC110 - it has no event for the end of a job
                    await asyncio.sleep(DRAIN_LOOK_SECONDS)
        return not self.sessions

    async def _hand_over(self) -> bool:
        """Tell the calls to go on elsewhere, and return whether any could be told."""
        order = {"type": HAND_OVER, "seconds": self._settings.fleet.handover_timeout}
        jobs = sorted(self._jobs())
        told = await asyncio.gather(*(self._calls.tell(job, order) for job in jobs))
        logger.info("fleet.drain_timeout is over: handing calls over", extra={"calls": sum(told)})
        if not all(told):
            logger.warning("%d calls cannot be told: they will be ended", told.count(False))
        return any(told)

    async def _leave_the_port(self) -> None:
        """Leave the public port to a successor on this machine, once whoever asks there has been told."""
        await asyncio.sleep(PORT_KEPT_SECONDS)
        await self._health.retreat()
        logger.info("the health port is free; health is served to this machine", extra={"port": self._health.port})

    def _handed_over(self, job: str, message: Message) -> None:
        HAND_OVERS.count(result="taken" if message.get("taken") else "not_taken")
        logger.info("a call was handed over" if message.get("taken") else "nobody took a call", extra={"job": job})


async def _check(settings: Settings, store: Store) -> None:
    await _check_storage(settings.storage.journal_dir, store)
    build_agent(settings)
    # What cannot be made now would leave the first caller in silence.
    for plugin in (build_llm(settings), build_tts(settings)):
        await plugin.aclose()
    try:
        await check_credentials(settings)
    except Unreachable as refusal:
        # A server that is started beside the worker may take a moment; the worker keeps trying.
        logger.warning("%s", refusal)


async def _check_storage(journal_dir: Path, store: Store) -> None:
    try:
        await probe_journal_directory(journal_dir)
        await store.probe()
    except StorageRefused as refusal:
        raise Misconfigured(str(refusal)) from None
    except StorageUnavailable as trouble:
        # A call needs the journal alone; what is over waits here until the store is back, as long as there is room.
        logger.warning("%s", trouble)
    except StorageError as error:
        raise Failed(str(error)) from None


def _opened(storage: StorageSettings) -> Store:
    try:
        return open_store(storage)
    except StorageError as error:
        raise Misconfigured(str(error)) from None


async def serve(loaded: Loaded, directory: Path) -> None:
    """Run the worker until it is told to stop.

    Args:
        loaded: the settings.
        directory: what belongs to this process alone.

    Raises:
        Refusal: it could not work; the sentence says why.
    """
    await Worker(loaded, directory).run()


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
