"""A probe: one exchange with a service, what it uses there, and how it is made into a recording."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import aiohttp

from tests.contract.recording import Recorder, Recording
from tests.contract.services import ChatService, SpeechService, StreamingService

DEADLINE_S = 45.0
CONNECT_WITHIN_S = 10.0
BROKEN = "a broken connection"

Service = TypeVar("Service", bound=StreamingService | ChatService | SpeechService)


class Unreachable(Exception):
    """There was no answer at all; the message says where from and why."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a probe uses when all goes well, rounded up, for the cost of a run.

    Attributes:
        session_seconds: How long a streaming session is open.
        prompt_tokens: What a chat request holds, tools included.
        answer_tokens: What is answered.
        characters: What is to be spoken.
        speech_seconds: How long that is as audio.
    """

    session_seconds: float = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    characters: int = 0
    speech_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Probe(Generic[Service]):
    """One exchange.

    Attributes:
        name: What is tried, in words.
        run: Holds the exchange and notes it.
        use: What it uses.
        family: The streaming model's family, where there is one.
    """

    name: str
    run: Callable[[Service, Recorder], Awaitable[None]]
    use: Use = Use()
    family: str | None = None


async def record(probe: Probe[Service], service: Service, *, deadline_s: float = DEADLINE_S) -> Recording:
    """Hold an exchange; one that breaks off, or is not over at the deadline, is a recording too.

    Raises:
        Unreachable: There was no connection.
    """
    recorder = Recorder(probe.name)
    try:
        async with asyncio.timeout(deadline_s):
            await probe.run(service, recorder)
    except TimeoutError:
        recorder.in_time = False
    except (aiohttp.ClientError, OSError) as error:
        if recorder.answered:
            recorder.mark(BROKEN)
            return recorder.recording()
        # Not chained: aiohttp's own errors hold the request, and its headers hold the key.
        raise Unreachable(f"{service.name} cannot be reached ({type(error).__name__}).") from None
    return recorder.recording()
