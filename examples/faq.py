"""An agent of one's own that answers from a list of questions, and owns up to what it does not know.

    VERBATIM_AGENT__CLASS=examples.faq:Desk verbatim dev
    verbatim demo --example faq

The model decides what a caller means and picks a topic; what is told about it is written here, so that nothing is
made up. Questions without an answer are remarked in the transcript: they are the ones to add next.
"""

from typing import Literal

from livekit.agents import Agent, RunContext, function_tool

Topic = Literal["opening hours", "delivery", "returns", "gift cards", "payment"]

ANSWERS: dict[Topic, str] = {
    "opening hours": "We are open from nine in the morning until six in the evening, Monday to Saturday.",
    "delivery": "A delivery takes two days and costs four dollars; above fifty dollars it is free.",
    "returns": "Everything can be returned within thirty days, in its box, at any of our shops.",
    "gift cards": "Yes, we sell gift cards, from ten dollars on, in every shop.",
    "payment": "You can pay by credit card, by bank transfer, or in cash at a shop.",
}


class Desk(Agent):
    """Answers questions about a shop."""

    def __init__(self) -> None:
        super().__init__(
            instructions="You answer questions about a shop on the phone. Look up every answer with your tool and say "
            "it in your own words, in one or two sentences. If there is none, say so, and that somebody will call back."
        )

    async def on_enter(self) -> None:
        """Name the topics to the recogniser, and greet."""
        self.session.listen_for(keyterms=list(ANSWERS))
        self.session.generate_reply(instructions="Greet the caller and offer your help.")

    @function_tool
    async def look_up(self, context: RunContext, topic: Topic) -> str:
        """Answer questions about opening hours, delivery, returns, gift cards and payment.

        Args:
            topic: What the caller asks about.
        """
        return ANSWERS[topic]

    @function_tool
    async def not_known(self, context: RunContext, question: str) -> str:
        """Remember a question to which there is no answer here.

        Args:
            question: What the caller wants to know, in one sentence.
        """
        await self.session.note(f"open question: {question}")
        return "Somebody will call back."
