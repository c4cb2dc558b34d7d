"""What hears: the interface behind which the two engines stand."""

from typing import Protocol

from standins.assemblyai.turns import Delays
from standins.assemblyai.wording import Wording
from standins.assemblyai.words import Observation


class EngineError(Exception):
    """An engine cannot go on; its session ends with the service's code for an internal error."""


class Ear(Protocol):
    """An engine at work for one connection."""

    @property
    def wording(self) -> Wording:
        """How its words are written."""

    async def hear(self, pcm: bytes) -> list[Observation]:
        """Takes the next audio (16 kHz, 16 bit, mono) and says what is new, in the order of stream time.

        Raises:
            EngineError: If it cannot go on.
        """

    async def settle(self) -> list[Observation]:
        """Ends the stretch of speech that is going on, without waiting for silence.

        Raises:
            EngineError: If it cannot go on.
        """

    def turn_ended(self) -> None:
        """The words so far went out as a final."""

    async def close(self) -> None:
        """The connection is over."""


class Engine(Protocol):
    """What makes an ear for each connection."""

    name: str
    delays: Delays

    async def start(self) -> None:
        """Gets ready for connections."""

    async def open(self) -> Ear:
        """An ear for a new connection.

        Raises:
            EngineError: If there is none to be had.
        """

    async def close(self) -> None:
        """Lets go of everything."""
