"""Everything that a call needs, started in order and stopped in reverse."""

import asyncio
import importlib.util
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from config import Loaded, load
from config.proxies import without_loopback
from worker.demo.livekit_server import configuration, find_livekit_server, free_port
from worker.demo.processes import Child, child
from worker.errors import Failed

START_SECONDS = 60.0
"""How long one part may take to be ready, on a machine that is busy."""

Announce = Callable[[str], None]
Result = TypeVar("Result")

LOCAL_STORAGE = {"storage.url": "file://./transcripts", "storage.endpoint": "", "storage.region": ""}
"""Where the demo stores when the settings name a bucket, which is for real calls."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, and how to reach it."""

    loaded: Loaded
    environment: dict[str, str]
    logs: Path
    worker: Child
    parts: tuple[Child, ...]

    async def during(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Return what `call` does, unless a part ends before it.

        Raises:
            Failed: a part ended; the sentence names it, with the end of its log.
        """
        calling = asyncio.create_task(call)
        ends = {asyncio.create_task(part.ended()): part for part in self.parts}
        try:
            await asyncio.wait({calling, *ends}, return_when=asyncio.FIRST_COMPLETED)
            for end, part in ends.items():
                if end.done() and not calling.done():
                    raise part.failure("ended during the call")
            return await calling
        finally:
            for task in (calling, *ends):
                task.cancel()
            await asyncio.gather(calling, *ends, return_exceptions=True)


@asynccontextmanager
async def stage(announce: Announce, agent: str = "") -> AsyncIterator[Stage]:
    """Start livekit-server, the stand-ins and the worker on free loopback ports; stop them at the end.

    Args:
        announce: told each step in a few words.
        agent: the class that answers, as in `agent.class`; without one that of the settings.

    Raises:
        Failed: a part cannot be started; the sentence names it, with the end of its log.
        SettingsError: the settings that the demo keeps from the environment and files are wrong.
    """
    _check_extra()
    program = find_livekit_server()
    environment = {**os.environ, **without_loopback(os.environ)}
    key, secret = "demo", secrets.token_urlsafe(32)
    async with AsyncExitStack() as parts:
        logs = parts.enter_context(log_directory())
        port = free_port()
        config_file = logs / "livekit.yaml"
        config_file.touch(mode=0o600)
        config_file.write_text(configuration(port, 0, free_port(socket.SOCK_DGRAM), key, secret), encoding="utf-8")
        server = await parts.enter_async_context(
            child(
                "livekit-server",
                [str(program), "--config", str(config_file)],
                log=logs / "livekit-server.log",
                environment=environment,
            )
        )
        assemblyai, openai = [
            await parts.enter_async_context(
                child(
                    f"the stand-in for {vendor}",
                    [sys.executable, "-m", "standins", service, "--port", "0", "--exit-on-stdin-eof", *options],
                    log=logs / f"{service}.log",
                    environment=environment,
                )
            )
            for vendor, service, options in (
                ("AssemblyAI", "assemblyai", ["--engine", "speech"]),
                ("OpenAI", "openai", []),
            )
        ]
        await _answering(server, f"http://127.0.0.1:{port}")
        announce("livekit-server answers")
        stt_url = str((await assemblyai.ready(START_SECONDS))["url"])
        openai_url = str((await openai.ready(START_SECONDS))["url"])
        announce("stand-ins for AssemblyAI and OpenAI answer")
        loaded = _load(
            environment
            | {
                "LIVEKIT_URL": f"ws://127.0.0.1:{port}",
                "LIVEKIT_API_KEY": key,
                "LIVEKIT_API_SECRET": secret,
                "ASSEMBLYAI_API_KEY": "stand-in",
                "OPENAI_API_KEY": "stand-in",
                "OPENAI_BASE_URL": f"{openai_url}/v1",
                "VERBATIM_LLM__PROVIDER": "openai",
                "VERBATIM_TTS__PROVIDER": "openai",
                "VERBATIM_STT__REGION": "edge",
                "VERBATIM_STT__BASE_URL": stt_url.replace("http://", "ws://"),
                "VERBATIM_AGENT__DISPATCH": "named",
                **({"VERBATIM_AGENT__CLASS": agent} if agent else {}),
                "VERBATIM_FLEET__HEALTH_HOST": "127.0.0.1",
                "VERBATIM_FLEET__HEALTH_PORT": str(free_port()),
                "VERBATIM_FLEET__IDLE_PROCESSES": "1",
                "VERBATIM_FLEET__DRAIN_TIMEOUT": "5",
                "VERBATIM_TELEMETRY__LOG_FORMAT": "readable",
            }
        )
        environment |= loaded.environment()
        worker = await parts.enter_async_context(
            child(
                "the worker",
                [sys.executable, "-m", "worker", "start"],
                log=logs / "worker.log",
                environment=environment,
            )
        )
        began = time.monotonic()
        await _answering(worker, f"http://127.0.0.1:{loaded.settings.fleet.health_port}/readyz")
        announce(f"the worker is ready for calls ({time.monotonic() - began:.1f} s)")
        yield Stage(loaded, environment, logs, worker, (server, assemblyai, openai, worker))


def _load(environment: Mapping[str, str]) -> Loaded:
    loaded = load(environ=environment, command="demo")
    if loaded.settings.storage.bucket is None:
        return loaded
    return load(LOCAL_STORAGE, environ=environment, command="demo")


@contextmanager
def log_directory() -> Iterator[Path]:
    """Give a directory for as long as the context lasts, and longer if an error names it."""
    directory = Path(tempfile.mkdtemp(prefix="verbatim-demo-"))
    kept = False
    try:
        yield directory
    except Failed as error:
        kept = str(directory) in str(error)
        raise
    finally:
        if not kept:
            shutil.rmtree(directory, ignore_errors=True)


async def _answering(part: Child, url: str) -> None:
    """Wait until `url` answers with status 200."""
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
        while time.monotonic() < deadline:
            if not part.running:
                raise part.failure("ended at its start")
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(0.05)
    raise part.failure(f"was not ready within {START_SECONDS:.0f} s")


def _check_extra() -> None:
    missing = [name for name in ("pocketsphinx", "numpy") if importlib.util.find_spec(name) is None]
    if missing:
        raise Failed(
            f"The demo's local speech parts are not installed ({', '.join(missing)}); "
            "install them with: uv sync --extra demo"
        )
