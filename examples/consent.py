"""An agent of one's own that asks for consent, and puts remarks of its own into the transcript.

    VERBATIM_AGENT__CLASS=examples.consent:Front verbatim dev

`self.session` is a `worker.session.conversation.dialogue.CallSession`: LiveKit's AgentSession, with `note`. A remark
stands in the transcript where it was made, between what was said before and after. Keys that a caller presses on a
phone are there by themselves, as `pressed 1`.
"""

from livekit.agents import Agent, RunContext, function_tool


class Front(Agent):
    """Tells that the call is recorded, asks whether that is all right, and goes on."""

    def __init__(self) -> None:
        super().__init__(
            instructions="You answer the phone of a clinic. First ask whether the caller agrees that the call is "
            "recorded, and tell the tools what they say. Then ask how you can help. Be brief."
        )

    async def on_enter(self) -> None:
        """Say what has to be said to the end, and ask."""
        self.session.say("This call is recorded.", allow_interruptions=False)
        self.session.generate_reply(instructions="Ask whether the caller agrees to that.")

    @function_tool
    async def agrees(self, context: RunContext) -> str:
        """Call this when the caller agrees that the call is recorded."""
        # Awaited, the remark is on disk before the agent says another word.
        await self.session.note("consent given")
        return "Thank them, and ask how you can help."

    @function_tool
    async def does_not_agree(self, context: RunContext) -> None:
        """Call this when the caller does not agree that the call is recorded."""
        self.session.note("consent refused")
        self.session.shutdown()
