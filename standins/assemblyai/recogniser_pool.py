"""Recogniser processes: loaded before a connection needs one, each used by one connection at a time."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from standins.assemblyai.engine import EngineError
from standins.assemblyai.recogniser_process import FEED, FINISH, HEADER, LENGTH, SO_FAR
from standins.assemblyai.words import Word

# Loading takes half a second on an idle machine; an answer at most a fraction of the audio's own length.
LOAD_DEADLINE_S = 60.0
ANSWER_DEADLINE_S = 20.0
END_DEADLINE_S = 0.5


class RecogniserProcess:
    """One recogniser in its own process, used by one connection at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout

    @classmethod
    async def start(cls, phrases: Path) -> "RecogniserProcess":
        """Starts a process and waits until its decoders are loaded.

        Raises:
            EngineError: If it does not come up.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "standins.assemblyai.recogniser_process",
            str(phrases),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started = cls(process)
        try:
            await started._answer(LOAD_DEADLINE_S)
        except BaseException:
            await started.close()
            raise
        return started

    async def feed(self, pcm: bytes) -> None:
        """Hears 16 kHz audio."""
        await self._request(FEED, pcm)

    async def so_far(self) -> list[Word]:
        """The words of the stretch that is going on; times count from its first sample."""
        await self._request(SO_FAR)
        return await self._answer(ANSWER_DEADLINE_S)

    async def finish(self) -> list[Word]:
        """Ends the stretch."""
        await self._request(FINISH)
        return await self._answer(ANSWER_DEADLINE_S)

    async def close(self) -> None:
        """Ends the process."""
        self._requests.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_DEADLINE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _request(self, operation: bytes, payload: bytes = b"") -> None:
        try:
            self._requests.write(HEADER.pack(operation, len(payload)) + payload)
            await asyncio.wait_for(self._requests.drain(), ANSWER_DEADLINE_S)
        except (ConnectionError, TimeoutError) as error:
            raise EngineError("The recogniser's process has ended.") from error

    async def _answer(self, deadline_s: float) -> list[Word]:
        try:
            async with asyncio.timeout(deadline_s):
                (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
                body = await self._answers.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
            raise EngineError("The recogniser's process has ended or does not answer.") from error
        return [Word(*fields) for fields in json.loads(body)]


class RecogniserPool:
    """Recogniser processes that wait for connections.

    Args:
        phrases: The phrase file of the domain.
        size: How many are kept ready; more connections at once get more processes, after their loading.
    """

    def __init__(self, phrases: Path, size: int) -> None:
        self._phrases = phrases
        self._size = size
        self._idle: list[RecogniserProcess] = []
        self._all: set[RecogniserProcess] = set()

    async def start(self) -> None:
        """Loads the processes that are kept ready.

        Raises:
            EngineError: If one does not come up.
        """
        self._idle += [await self._load() for _ in range(self._size)]

    async def take(self) -> RecogniserProcess:
        """A recogniser that nobody else uses.

        Raises:
            EngineError: If none comes up.
        """
        return self._idle.pop() if self._idle else await self._load()

    async def give_back(self, recogniser: RecogniserProcess) -> None:
        """Takes a recogniser back; one that no longer works, or is one too many, ends."""
        if len(self._idle) < self._size:
            with contextlib.suppress(EngineError):
                await recogniser.finish()
                self._idle.append(recogniser)
                return
        self._all.discard(recogniser)
        await recogniser.close()

    async def close(self) -> None:
        """Ends all processes."""
        await asyncio.gather(*(recogniser.close() for recogniser in self._all))
        self._all.clear()
        self._idle.clear()

    async def _load(self) -> RecogniserProcess:
        recogniser = await RecogniserProcess.start(self._phrases)
        self._all.add(recogniser)
        return recogniser
