"""Callers on a phone: what LiveKit's SIP service tells of them, and what of that is written down.

Source: LiveKit SIP, "SIP participant attributes".
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from livekit.agents import AgentSession, AgentStateChangedEvent

from config.sections.turns import TurnsSettings
from worker.speech.assemblyai import RecordingSTT
from worker.speech.assemblyai.echo_gate import EchoGate

Policy = Literal["keep", "mask", "drop"]

NOT_PICKED_UP: Final = ("dialing", "ringing")
"""`sip.callStatus` while the phone at the other end is not picked up."""

SHOWN_DIGITS: Final = 2
"""How many digits of a number a mask leaves: enough to tell two callers apart, too few to call one."""

_NUMBER = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){4,}")
"""Five digits and more, written in any way; shorter ones are extensions, and parts of names."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A participant's phone call."""

    call: str
    """Id of the SIP call, to be found in the provider's logs."""
    number: str
    """The caller's number, or the one that was called, as LiveKit tells it."""
    status: str
    """active, automation, dialing, ringing or hangup; empty where it is not told."""

    @property
    def is_picked_up(self) -> bool:
        """Whether somebody can hear the agent."""
        return self.status not in NOT_PICKED_UP


def phone_of(attributes: Mapping[str, str]) -> Phone:
    """Return what the attributes of a participant of kind SIP tell."""
    return Phone(
        call=attributes.get("sip.callIDFull") or attributes.get("sip.callID", ""),
        number=attributes.get("sip.phoneNumber", ""),
        status=attributes.get("sip.callStatus", ""),
    )


def shown(text: str, policy: Policy) -> str:
    """Return `text` with the numbers in it as the policy lets them be."""
    if policy == "keep":
        return text
    return _NUMBER.sub(lambda found: _masked(found[0]) if policy == "mask" else "", text)


def _masked(number: str) -> str:
    digits = sum(character.isdigit() for character in number)
    hidden, masked = digits - SHOWN_DIGITS, ""
    for character in number:
        if character.isdigit() and hidden > 0:
            hidden -= 1
            character = "*"
        masked += character
    return masked


def use_phone_profile(session: AgentSession[Any], turns: TurnsSettings) -> None:
    """Let `session` be interrupted less easily, and not hear itself: a phone's echo is the agent's own voice.

    Bent: the framework reads these options whenever somebody speaks, and has no way to change them in a call
    (`tests/session/conversation/test_phone.py` fails when it keeps copies).
    """
    interruption = session.options.interruption
    interruption["min_duration"] = turns.phone_interruption_min_duration / 1000
    interruption["min_words"] = turns.phone_interruption_min_words
    if turns.phone_echo_level is not None and isinstance(session.stt, RecordingSTT):
        gate = session.stt.echo = EchoGate(turns.phone_echo_level)

        def tell(event: AgentStateChangedEvent) -> None:
            gate.agent_speaks(event.new_state == "speaking", time.time())

        gate.agent_speaks(session.agent_state == "speaking", time.time())
        session.on("agent_state_changed", tell)
