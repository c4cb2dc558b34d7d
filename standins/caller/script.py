"""What a caller process can be told to do: one JSON object a step, `{"do": "speak", "text": "Hello."}`.

Each step is answered with one event, `{"event": "spoke", …}`.
"""

import asyncio
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from standins.caller.caller import Caller
from standins.caller.heard import Answer


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WaitForAgent(_Step):
    """Waits until an agent's voice can be heard."""

    do: Literal["wait_for_agent"]
    deadline_s: float = 30.0


class Speak(_Step):
    """Says a sentence."""

    do: Literal["speak"]
    text: str


class Listen(_Step):
    """Waits for the agent's answer and its end."""

    do: Literal["listen"]
    deadline_s: float = 20.0


class BargeIn(_Step):
    """Talks over the agent's answer once it has been audible for a while, and waits until it is quiet."""

    do: Literal["barge_in"]
    text: str
    after_ms: float = 1000.0
    deadline_s: float = 20.0


class Write(_Step):
    """Sends a chat message."""

    do: Literal["write"]
    text: str


class Press(_Step):
    """Presses keys of a telephone, one after the other."""

    do: Literal["press"]
    keys: Annotated[str, Field(pattern=r"^[0-9*#A-D]+$")]


class Mute(_Step):
    """Mutes the microphone, or opens it again."""

    do: Literal["mute", "unmute"]


class Pause(_Step):
    """Keeps silent."""

    do: Literal["pause"]
    ms: float


class WaitUntilEnded(_Step):
    """Waits until the other side ends the call."""

    do: Literal["wait_until_ended"]
    deadline_s: float = 30.0


class HangUp(_Step):
    """Leaves with a goodbye to the server. The end of the script does so too."""

    do: Literal["hang_up"]


class Vanish(_Step):
    """Kills the caller's own process: no goodbye, as when a telephone loses its network."""

    do: Literal["vanish"]


Step = Annotated[
    WaitForAgent | Speak | Listen | BargeIn | Write | Press | Mute | Pause | WaitUntilEnded | HangUp | Vanish,
    Field(discriminator="do"),
]
STEP: TypeAdapter[Step] = TypeAdapter(Step)
SCRIPT: TypeAdapter[list[Step]] = TypeAdapter(list[Step])


async def perform(caller: Caller, step: Step) -> tuple[dict[str, Any], bytes | None]:
    """Does one step, all but `hang_up` and `vanish`, with which the owner of the caller ends the call.

    Returns:
        The event to report, and what was heard of the agent in it, if anything.

    Raises:
        CallerError: If the call does not go as the step expects.
    """
    match step:
        case WaitForAgent():
            return {"event": "agent", "identity": await caller.wait_for_agent(step.deadline_s)}, None
        case Speak():
            spoken = await caller.speak(step.text)
            lasted = (spoken.ended_at - spoken.started_at) * 1000
            return {"event": "spoke", "text": step.text, "duration_ms": round(lasted)}, None
        case Listen():
            answer = await caller.listen(step.deadline_s)
            return _answered(answer), answer.audio
        case BargeIn():
            cut = await caller.barge_in(step.text, step.after_ms, step.deadline_s)
            return {
                "event": "interrupted",
                "text": step.text,
                "heard_ms": round(cut.heard_ms),
                "quiet_after_ms": round(cut.quiet_after_ms),
                "caption": cut.caption,
            }, cut.audio
        case Write():
            await caller.send_text(step.text)
            return {"event": "wrote", "text": step.text}, None
        case Press():
            await caller.press(step.keys)
            return {"event": "pressed", "keys": step.keys}, None
        case Mute():
            caller.mute() if step.do == "mute" else caller.unmute()
            return {"event": f"{step.do}d"}, None
        case Pause():
            await asyncio.sleep(step.ms / 1000)
            return {"event": "paused"}, None
        case WaitUntilEnded():
            return {"event": "ended", "reason": await caller.wait_until_ended(step.deadline_s)}, None
        case HangUp() | Vanish():
            raise ValueError("the end of a call is its owner's to do")


def _answered(answer: Answer) -> dict[str, Any]:
    return {
        "event": "answered",
        "answer_ms": round(answer.answer_ms),
        "duration_ms": round(answer.duration_ms),
        "caption": answer.caption,
    }
