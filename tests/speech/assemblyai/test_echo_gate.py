"""The agent's own voice is kept from the recogniser, and the caller's is not."""

from array import array

import pytest

from worker.speech.assemblyai.echo_gate import EchoGate

LEVEL = -24.0
ECHO, VOICE = 1500, 4000
"""Peaks: -26.8 and -18.3 dBFS."""


def sound(peak: int) -> bytes:
    return array("h", [0, peak, -peak] * 100).tobytes()


SILENCE = sound(0)


@pytest.fixture
def gate() -> EchoGate:
    gate = EchoGate(LEVEL)
    gate.agent_speaks(True, 10.0)
    return gate


def test_what_is_quiet_while_the_agent_speaks_is_kept_back(gate: EchoGate) -> None:
    assert gate.passed(sound(ECHO), 10.1) == SILENCE
    assert gate.is_closed


def test_a_caller_who_speaks_up_is_heard_and_the_quiet_end_of_the_word_too(gate: EchoGate) -> None:
    assert gate.passed(sound(VOICE), 10.1) == sound(VOICE)
    assert not gate.is_closed
    assert gate.passed(sound(ECHO), 10.35) == sound(ECHO)
    assert gate.passed(sound(ECHO), 10.45) == SILENCE


def test_an_echo_may_come_after_the_last_word(gate: EchoGate) -> None:
    gate.agent_speaks(False, 20.0)
    assert gate.passed(sound(ECHO), 20.4) == SILENCE
    assert gate.passed(sound(ECHO), 20.6) == sound(ECHO)
    assert not gate.is_closed


def test_nothing_is_kept_back_while_the_agent_is_silent() -> None:
    gate = EchoGate(LEVEL)
    gate.agent_speaks(False, 10.0)
    assert gate.passed(sound(1), 10.1) == sound(1)


def test_a_word_that_began_before_the_agent_is_heard_to_its_end() -> None:
    gate = EchoGate(LEVEL)
    gate.passed(sound(VOICE), 9.9)
    gate.agent_speaks(True, 10.0)
    assert gate.passed(sound(ECHO), 10.1) == sound(ECHO)
    assert gate.passed(b"", 10.9) == b""
