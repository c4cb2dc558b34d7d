"""An agent that goes on with a call: it knows what was said, says that it is back, and answers what waits.

Its class may define what the framework's has not:

* `snapshot()` and `restore(state)`: what it has to know besides the conversation (`worker.session.resuming.snapshots`);
* `on_resume()`: called instead of `on_enter`, which greets; here it sets up what `on_enter` does.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from livekit.agents import Agent, ChatContext

from config import Settings
from worker.session.closing.ending import CONNECTION_LOST
from worker.session.conversation.agents import build_agent, make_again, maker
from worker.session.conversation.announcing import Announcer
from worker.session.conversation.dialogue import CallSession
from worker.session.resuming.idempotency import idempotent_names, tool_names
from worker.session.resuming.memory import Memory
from worker.session.resuming.snapshots import restore
from worker.speech.catalogue import error_raised
from worker.speech.recorder import Recorder
from worker.transcript.events import AgentChanged

NOT_MADE_AGAIN = "agent.not_made_again"

OVER = ("goodbye", "room_closed")
"""Ends after which whoever is in the room begins anew."""

SENT_WITHIN_S = 30.0
"""How long it may take from a caller's return until an agent is there: more than a watcher needs."""


def goes_on(memory: Memory | None, now: datetime, rejoin_grace_s: float) -> bool:
    """Return whether the part that begins goes on with the call, or begins a new one in the same room.

    Args:
        memory: what is known of the parts before.
        now: with a time zone.
        rejoin_grace_s: `fleet.rejoin_grace`.
    """
    if memory is None:
        return False
    if memory.ended.reason in OVER and not (memory.ended.detail or "").startswith(CONNECTION_LOST):
        return False
    if memory.ended.reason != "caller_left":
        return True
    away = now - datetime.fromisoformat(memory.ended.at)
    return rejoin_grace_s > 0 and away <= timedelta(seconds=rejoin_grace_s + SENT_WITHIN_S)


def is_theirs(memory: Memory, identity: str, joined: datetime | None, rejoin_grace_s: float) -> bool:
    """Return whether whoever is in the room now is the one whose call it was, and came back in time.

    Args:
        memory: what is known of the parts before.
        identity: who is listened to now, as it is written down; empty where nobody is there at this moment.
        joined: when they came; `None` where that is not known.
        rejoin_grace_s: `fleet.rejoin_grace`.
    """
    if identity and memory.caller and identity != memory.caller:
        return False
    if memory.ended.reason != "caller_left" or joined is None:
        return True
    return joined - datetime.fromisoformat(memory.ended.at) <= timedelta(seconds=rejoin_grace_s)


class Resumption:
    """One call that goes on: the agent that held it, with all that it knew."""

    def __init__(self, memory: Memory, agent: Agent) -> None:
        self._memory = memory
        self.agent = agent
        """Knows nothing of the call yet but its own state."""

    @classmethod
    def of(cls, memory: Memory, settings: Settings, recorder: Recorder) -> "Resumption":
        """Make the agent again, and give it its state; what fails is journaled.

        Raises:
            Misconfigured: `agent.class` cannot be made.
        """
        first = build_agent(settings)
        agent = first if memory.agent is None else make_again(settings, memory.agent.made_by)
        if agent is None:
            recorder.append(error_raised(NOT_MADE_AGAIN))
            recorder.append(AgentChanged(agent=first.id, made_by=maker(first)))
            return cls(replace(memory, agent=None, changed_ms=0, state=None), first)
        if memory.state is not None:
            restore(agent, memory.state, recorder)
        return cls(memory, agent)

    @property
    def after(self) -> str:
        """What the call goes on after, as the metric of resumptions has it."""
        return "return" if self._memory.ended.reason == "caller_left" else "lost_agent"

    async def recall(self) -> bool:
        """Let the agent know what was said and done; return whether that was anything."""
        tools = self.agent.tools
        said = self._memory.conversation(tool_names(tools), idempotent_names(tools))
        known = ChatContext([*self.agent.chat_ctx.items, *said.items])
        await self.agent.update_chat_ctx(known, exclude_invalid_function_calls=False)
        return bool(said.items)

    def instead_of_greeting(self, session: CallSession, announcer: Announcer) -> None:
        """Have the agent say that it is back, where it would greet: once, in `session`.

        Bent: an attribute of the instance goes before its class's `on_enter`
        (`tests/session/resuming/test_resumption.py`).
        """

        async def on_enter() -> None:
            del vars(self.agent)["on_enter"]  # where it takes over again later in the call, it enters as ever
            await self._come_back(session, announcer)

        vars(self.agent)["on_enter"] = on_enter

    def without_a_word(self) -> None:
        """Have the agent say nothing where it would greet: another one still speaks with the caller."""

        async def on_enter() -> None:
            del vars(self.agent)["on_enter"]
            if (own := getattr(self.agent, "on_resume", None)) is not None:
                await own()

        vars(self.agent)["on_enter"] = on_enter

    async def _come_back(self, session: CallSession, announcer: Announcer) -> None:
        if (own := getattr(self.agent, "on_resume", None)) is not None:
            await own()
        waits, said = _waits_for_an_answer(self.agent), _questions(self.agent)
        known = self.agent.chat_ctx.copy()
        await announcer.say("resumption", to_the_end=False, voice_works=True)
        if waits and said == _questions(self.agent) and session.user_state != "speaking":
            # Without the sentence just said: a model answers what comes last, and that is the question.
            session.generate_reply(chat_ctx=known)


async def recall_all(
    memory: Memory, known: Memory | None, session: CallSession, settings: Settings, recorder: Recorder
) -> None:
    """Let the agent of a session that runs already know all that was said until its predecessor let go.

    Args:
        memory: that.
        known: what the agent was made by.
        session: the session; another agent takes its place where the call was given to one in the meantime.
        settings: as `Resumption.of`.
        recorder: as `Resumption.of`.
    """
    if memory.agent == (known.agent if known is not None else None):
        if memory.state is not None:
            restore(session.current_agent, memory.state, recorder)
        await Resumption(memory, session.current_agent).recall()
        return
    late = Resumption.of(memory, settings, recorder)
    await late.recall()
    late.without_a_word()
    session.update_agent(late.agent)


def _waits_for_an_answer(agent: Agent) -> bool:
    """Return whether the caller, or a tool, had the last word."""
    told = [item for item in agent.chat_ctx.items if item.type in ("message", "function_call_output")]
    return bool(told) and (told[-1].type != "message" or told[-1].role == "user")


def _questions(agent: Agent) -> int:
    return sum(item.type == "message" and item.role == "user" for item in agent.chat_ctx.items)
