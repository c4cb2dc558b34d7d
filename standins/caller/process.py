"""A caller in a process of its own, which can be killed in the middle of a call."""

import asyncio
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from standins.caller.errors import CallerError

END_DEADLINE_S = 10.0
STEP_DEADLINE_S = 90.0


class CallerProcess:
    """Runs `python -m standins caller` and gives it one step at a time.

    An async context manager: leaving it hangs up, if the caller is still there.

    Args:
        url: The LiveKit server.
        token: The way into the room; it goes through the environment, where no process list shows it.
        voice: A voice of the synthesizer.
        audio_directory: Where each answer is kept as a WAV file, if anywhere.
    """

    def __init__(self, url: str, token: str, *, voice: str = "slt", audio_directory: Path | None = None) -> None:
        self._arguments = ["--url", url, "--voice", voice, "--script", "-"]
        if audio_directory is not None:
            self._arguments += ["--audio-directory", str(audio_directory)]
        self._token = token
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "standins", "caller", *self._arguments,
            stdin=pipe, stdout=pipe, env={**os.environ, "LIVEKIT_TOKEN": self._token},
        )  # fmt: skip
        try:
            await self._event()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def do(self, step: str, **options: Any) -> dict[str, Any]:
        """Does one step of `standins.caller.script`.

        Returns:
            Its event.

        Raises:
            CallerError: If the step failed, or the process has ended.
        """
        process = self._running()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"do": step, **options}).encode() + b"\n")
        await process.stdin.drain()
        return await self._event()

    async def vanish(self) -> None:
        """Kills the caller: the room gets no goodbye, only silence."""
        process = self._running()
        process.kill()
        await process.wait()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            raise CallerError("The caller's process is not running.")
        return self._process

    async def _event(self) -> dict[str, Any]:
        """The next event that answers a step."""
        process = self._running()
        assert process.stdout is not None
        while line := await asyncio.wait_for(process.stdout.readline(), STEP_DEADLINE_S):
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "failed":
                raise CallerError(event["error"])
            if event["event"] != "speaking":
                return event
        raise CallerError("The caller's process has ended.")

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        try:
            if process.stdin is not None:
                process.stdin.close()
            await asyncio.wait_for(process.wait(), END_DEADLINE_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
