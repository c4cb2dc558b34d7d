"""An agent of one's own: a tool, and a hand-off to a second agent.

    VERBATIM_AGENT__CLASS=examples.appointments:Reception verbatim dev

Everything that it says and hears, its tool calls and their results are in the transcript; nothing of that
is this file's business.
"""

from livekit.agents import Agent, RunContext, function_tool

OPENING_HOURS = "Monday to Saturday, from nine in the morning until six in the evening"


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
        return Appointments(), "You are being connected."


class Appointments(Agent):
    """Makes appointments, and ends the call."""

    def __init__(self) -> None:
        super().__init__(instructions="You make appointments. Ask for a day and a time, and confirm them.")

    async def on_enter(self) -> None:
        """Ask for the day."""
        self.session.generate_reply(instructions="Ask for the day and the time.")

    @function_tool
    async def hang_up(self, context: RunContext) -> None:
        """End the call when the caller has said goodbye."""
        self.session.shutdown()
