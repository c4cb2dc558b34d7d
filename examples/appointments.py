"""An agent of one's own: tools that act, and a hand-off to a second agent.

    VERBATIM_AGENT__CLASS=examples.appointments:Reception verbatim dev
    verbatim demo --example appointments

Everything that it says and hears, its tool calls and their results are in the transcript; nothing of that
is this file's business.
"""

from livekit.agents import Agent, ChatContext, RunContext, ToolError, function_tool

from worker.session.resuming.idempotency import idempotent

OPENING_HOURS = "Monday to Saturday, from nine in the morning until six in the evening"

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class Calendar:
    """The free hours of a week. In place of a real one, whose client belongs here."""

    def __init__(self) -> None:
        self._free = {day: ["ten", "two", "four"] for day in DAYS}
        self._booked: set[str] = set()

    def free(self, day: str) -> list[str]:
        """Return the hours that are free on a day."""
        return self._free.get(day, [])

    def book(self, day: str, hour: str, key: str) -> None:
        """Take an hour, once for each key: who asks again with the same one has it already.

        Raises:
            KeyError: It is not free.
        """
        if key in self._booked:
            return
        if hour not in self.free(day):
            raise KeyError(hour)
        self._free[day].remove(hour)
        self._booked.add(key)


class Reception(Agent):
    """Answers the call, and hands over to `Appointments`."""

    def __init__(self) -> None:
        super().__init__(instructions="You answer the phone of a small shop. Be brief. Hand over for appointments.")

    async def on_enter(self) -> None:
        """Greet the caller."""
        self.session.generate_reply(instructions="Greet the caller and offer your help.")

    @function_tool
    async def opening_hours(self, context: RunContext) -> str:
        """Tell when the shop is open."""
        return OPENING_HOURS

    @function_tool
    async def make_appointment(self, context: RunContext) -> tuple[Agent, str]:
        """Hand the caller over to the agent who makes appointments."""
        return Appointments(self.chat_ctx), "You are being connected."


class Appointments(Agent):
    """Makes appointments, and ends the call.

    Args:
        conversation: What was said so far, so that the caller need not say it again.
        calendar: Where appointments are kept.
    """

    def __init__(self, conversation: ChatContext | None = None, calendar: Calendar | None = None) -> None:
        super().__init__(
            instructions="You make appointments. Ask for a day and an hour, look what is free, book it, and confirm.",
            chat_ctx=conversation.copy(exclude_instructions=True, exclude_function_call=True) if conversation else None,
        )
        self._calendar = calendar or Calendar()

    async def on_enter(self) -> None:
        """Ask for the day."""
        self.session.generate_reply(instructions="Ask for the day and the time.")

    @function_tool
    async def free_hours(self, context: RunContext, day: str) -> str:
        """Tell which hours are still free on a day.

        Args:
            day: English name of the day of the week.
        """
        day = _named(day)
        hours = self._calendar.free(day)
        return f"On {day} these hours are free: {', '.join(hours)}." if hours else f"On {day} nothing is free."

    @function_tool
    @idempotent
    async def book(self, context: RunContext, day: str, hour: str) -> str:
        """Book an hour that the caller has agreed to.

        Args:
            day: English name of the day of the week.
            hour: One of the free hours, in words.
        """
        day = _named(day)
        # What cannot be taken back is done to its end, whatever the caller says meanwhile.
        context.disallow_interruptions()
        try:
            # After a crash in the middle of this the model may ask again: then the key is the same.
            self._calendar.book(day, hour, self.session.idempotency_key(context))
        except KeyError:
            raise ToolError(f"{hour} on {day} is taken; offer one of: {', '.join(self._calendar.free(day))}") from None
        await self.session.note(f"appointment booked: {day}, {hour}")
        return f"It is booked for {day} at {hour}."

    @function_tool
    async def hang_up(self, context: RunContext) -> None:
        """End the call when the caller has said goodbye."""
        self.session.shutdown()


def _named(text: str) -> str:
    """Return the day that a text names."""
    return next((day for day in DAYS if day.lower() in text.lower()), text)
