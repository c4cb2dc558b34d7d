"""An operator's own agents that can go on after a crash: a reception, and the colleague who books a visit.

Visits are booked with a service that the tests read: a file in the worker's directory, which takes one visit a key.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from livekit.agents import Agent, RunContext, function_tool

from worker.session.resuming.idempotency import idempotent

BOOKINGS = Path("bookings.jsonl")


class Reception(Agent):
    """Answers, and hands over what is broken."""

    def __init__(self) -> None:
        super().__init__(instructions="You are the reception.")

    async def on_enter(self) -> None:
        """Greet."""
        self.session.generate_reply(instructions="Greet the caller.")

    @function_tool
    async def repair_lamp(self) -> tuple[Agent, str]:
        """Hand over to the colleague who repairs lamps."""
        return Repairs(), "A colleague takes over."


class Repairs(Agent):
    """Notes what is broken, and books visits."""

    def __init__(self) -> None:
        super().__init__(instructions="You repair what is broken.")
        self.noted: list[str] = []

    def snapshot(self) -> Any:
        """What was noted."""
        return {"noted": self.noted}

    def restore(self, state: Any) -> None:
        """Take that back."""
        self.noted = state["noted"]

    async def on_resume(self) -> None:
        """Show what is known."""
        self.session.note(f"known: {', '.join(self.noted)}")

    @function_tool
    async def note_colour(self, colour: str) -> str:
        """Note the colour.

        Args:
            colour: of the lamp
        """
        self.noted.append(colour)
        return "Noted."

    @function_tool
    @idempotent
    async def book_visit(self, context: RunContext, day: str) -> str:
        """Book a visit; the first time nobody hears of it.

        Args:
            day: of the week
        """
        key = self.session.idempotency_key(context)
        if not book(key, day):
            return "It is booked."
        await asyncio.get_running_loop().create_future()
        return "never"


def book(key: str, day: str) -> bool:
    """Books a visit; returns False where one with this key is booked."""
    booked = BOOKINGS.read_text() if BOOKINGS.exists() else ""
    if any(json.loads(line)["key"] == key for line in booked.splitlines()):
        return False
    BOOKINGS.write_text(booked + json.dumps({"key": key, "day": day}) + "\n")
    return True
