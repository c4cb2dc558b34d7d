"""What an agent has to know to go on after a crash, kept in the journal.

An agent that has state gives it by `snapshot()`, anything that JSON takes, and gets it back by `restore(state)`. It
is asked after everything that was said and every tool call; what has changed is journaled.
"""

import json
import logging
from typing import Any

from livekit.agents import Agent, AgentSession

from worker.speech.catalogue import error_raised, fault
from worker.speech.recorder import Recorder
from worker.transcript.events import AgentState

logger = logging.getLogger("verbatim.call")

LARGEST = 64 * 1024
"""Bytes of JSON that a snapshot may have: it is written whenever it has changed."""

NOT_KEPT = "agent.state_not_kept"
NOT_RESTORED = "agent.state_not_restored"


class Snapshots:
    """Journals the state of a session's current agent."""

    def __init__(self, session: AgentSession[Any], recorder: Recorder) -> None:
        self._session = session
        self._recorder = recorder
        self._kept: tuple[int, str] | None = None
        self._complained = False

    def take(self) -> None:
        """Ask the agent, and journal its answer if it is another than before."""
        try:
            agent = self._session.current_agent
        except RuntimeError:  # the session has not started
            return
        if (snapshot := getattr(agent, "snapshot", None)) is None:
            return
        try:
            state = json.dumps(snapshot(), ensure_ascii=False, allow_nan=False)
        except Exception as error:  # whatever an operator's code raises; its text may quote the call
            self._complain(type(error).__name__)
            return
        if len(state.encode(errors="replace")) > LARGEST:
            self._complain(f"it has more than {LARGEST // 1024} KiB")
            return
        if self._kept != (id(agent), state):
            self._kept = id(agent), state
            self._recorder.append(AgentState(agent=agent.id, state=state))

    def _complain(self, why: str) -> None:
        if not self._complained:
            self._complained = True
            logger.error("%s (%s)", fault(NOT_KEPT).message, why)
            self._recorder.append(error_raised(NOT_KEPT))


def restore(agent: Agent, state: str, recorder: Recorder) -> None:
    """Give `agent` the state that it had; one that does not take it goes on without, and the journal says so."""
    if (take := getattr(agent, "restore", None)) is None:
        return
    try:
        take(json.loads(state))
    except Exception as error:  # whatever an operator's code raises; its text may quote the call
        logger.error("%s (%s)", fault(NOT_RESTORED).message, type(error).__name__)
        recorder.append(error_raised(NOT_RESTORED))
