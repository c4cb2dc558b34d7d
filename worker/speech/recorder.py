"""What the speech components need of the call's journal."""

from collections.abc import Awaitable
from typing import Protocol

from worker.transcript.events import Event


class Recorder(Protocol):
    """Takes events in order, and says when they are on disk."""

    def append(self, event: Event) -> Awaitable[object]:
        """Enqueue `event` at once; the returned awaitable is done when it is accepted.

        Never raises, and never keeps a caller waiting for longer than `storage.append_deadline_ms`.
        """
        ...

    def begin_tool(self, call: str, name: str, arguments: str) -> Awaitable[object]:
        """Enqueue that a tool is about to be called; the returned awaitable is done when that is accepted.

        Args:
            call: id that the LLM gave the call.
            name: of the tool.
            arguments: JSON, as the LLM wrote it.
        """
        ...

    def tool_key(self, call: str) -> str:
        """Return the idempotency key of a tool call that was begun, by the id that the LLM gave it."""
        ...

    async def settled(self) -> None:
        """Return when everything enqueued so far is accepted, or its deadline has passed."""
        ...

    def ms_at(self, wall_clock: float) -> int:
        """`wall_clock` (Unix seconds) as milliseconds since the part began, never negative."""
        ...

    @property
    def participant(self) -> str:
        """Identity of the participant whom the session listens to, or an empty string."""
        ...

    @property
    def last_word_ms(self) -> int | None:
        """When the caller's last recognised word ended, in milliseconds since the part began, if there was one."""
        ...

    @property
    def speech(self) -> str | None:
        """Id of the speech that the running task works for, if there is one."""
        ...
