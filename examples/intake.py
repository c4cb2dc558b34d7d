"""An agent of one's own that takes down data which has to be exact: spelled names, read numbers, typed codes.

    VERBATIM_AGENT__CLASS=examples.intake:Intake verbatim dev
    verbatim demo --example intake

While something is spelled or read out, people pause after each group: `self.session.dictation(True)` has the
recogniser wait for the end. What must not be said aloud is typed on the phone: `self.session.keypad.read()`.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from livekit.agents import Agent, RunContext, ToolError, function_tool

DIGITS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4",
    "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip

PIN_LENGTH = 4


@dataclass
class Record:
    """What has been taken down."""

    name: str = ""
    number: str = ""
    pin_typed: bool = False


class Intake(Agent):
    """Takes a caller's name, order number and code."""

    def __init__(self) -> None:
        super().__init__(
            instructions="You take down a caller's data: first the name, spelled, then the order number, then a code "
            "of four digits, which they type. Read back what you have written down. Be brief."
        )
        self.record = Record()

    async def on_enter(self) -> None:
        """Wait for what is spelled, and ask for the first thing."""
        self.session.dictation(True)
        self.session.generate_reply(instructions="Greet the caller and ask for their name.")

    async def on_resume(self) -> None:
        """Wait for what is spelled, as before the crash that this agent comes back from."""
        self.session.dictation(not self.record.number)

    def snapshot(self) -> dict[str, object]:
        """Return what has been taken down, so that a crash does not lose it."""
        return asdict(self.record)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with what was taken down before a crash."""
        self.record = Record(**state)

    @function_tool
    async def write_down_name(self, context: RunContext, spelled: str) -> str:
        """Write down the caller's name as they have spelled it.

        Args:
            spelled: The letters in their order, such as "M-I-L-L-E-R", or the whole name.
        """
        self.record.name = name_from(spelled)
        # From now on the recogniser knows it too.
        self.session.listen_for(keyterms=[self.record.name])
        return f"The name is {self.record.name}. Read it back, and ask for the order number."

    @function_tool
    async def write_down_number(self, context: RunContext, number: str) -> str:
        """Write down the order number that the caller has read out.

        Args:
            number: Its digits, in words or figures.
        """
        digits = digits_from(number)
        if not digits:
            raise ToolError("There is no number in that; ask the caller to read it again, digit by digit.")
        self.record.number = digits
        self.session.dictation(False)
        return f"The order number is {' '.join(digits)}. Read it back, and tell them to type their code."

    @function_tool
    async def type_code(self, context: RunContext) -> str:
        """Wait until the caller has typed their code of four digits; tell them to begin before you call this."""
        typed = await self.session.keypad.read(PIN_LENGTH, seconds=15)
        if len(typed) != PIN_LENGTH:
            raise ToolError(f"They typed {len(typed)} of {PIN_LENGTH} digits; ask them to type it again.")
        self.record.pin_typed = True
        return "The code is complete. Thank them; do not repeat it."


def name_from(spelled: str) -> str:
    """Return a name from its letters, or from words as they are."""
    words = re.findall(r"\w+", re.sub(r"^\W*(my name is|this is|it is)\b", "", spelled, flags=re.IGNORECASE))
    if len(words) > 1 and all(len(word) == 1 for word in words):
        return "".join(words).capitalize()
    return " ".join(word.capitalize() for word in words)


def digits_from(text: str) -> str:
    """Return the digits of a number, however it was written."""
    return "".join(DIGITS.get(word, word if word.isdigit() else "") for word in re.findall(r"[a-z]+|\d+", text.lower()))
