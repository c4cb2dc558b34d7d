"""The calls of the demo: which agent answers, and what the caller says to it."""

from dataclasses import dataclass
from typing import Any, Final

Steps = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Script:
    """One call.

    Attributes:
        steps: What the caller does (`standins.caller.script`).
        agent: The class that answers, as in `agent.class`; without one the agent that comes with the worker.
    """

    steps: Steps
    agent: str = ""


def _call(*spoken: str | dict[str, Any]) -> Steps:
    """Return a call in which the caller waits for an answer after each sentence."""
    steps: Steps = [{"do": "wait_for_agent"}, {"do": "listen"}]
    for each in spoken:
        steps += [each] if isinstance(each, dict) else [{"do": "speak", "text": each}, {"do": "listen"}]
    return [*steps, {"do": "hang_up"}]


USUAL: Final = Script(
    [
        {"do": "wait_for_agent"},
        {"do": "listen"},
        {"do": "speak", "text": "Do you sell gift cards?"},
        {"do": "listen"},
        {"do": "speak", "text": "Tell me about your company."},
        {"do": "barge_in", "text": "Wait, I have another question.", "after_ms": 3000},
        {"do": "listen"},
        {"do": "speak", "text": "I forgot my password."},
        {"do": "listen"},
        {"do": "speak", "text": "That is all for today."},
        {"do": "listen"},
        {"do": "hang_up"},
    ]
)
"""At least five turns and one barge-in."""

EXAMPLES: Final = {
    "faq": Script(
        _call("What are your opening hours?", "Do you sell gift cards?", "That is all for today."),
        "examples.faq:Desk",
    ),
    "appointments": Script(
        _call("I would like to make an appointment.", "Is Tuesday afternoon still free?", "That is all for today."),
        "examples.appointments:Reception",
    ),
    "intake": Script(
        _call(
            "My name is Anna Miller.",
            "My order number is four seven two nine.",
            {"do": "speak", "text": "I will type the code now."},
            {"do": "press", "keys": "1234"},
            {"do": "listen"},
            "That is all for today.",
        ),
        "examples.intake:Intake",
    ),
}
"""The calls to the agents in `examples/`, by their files' names."""
