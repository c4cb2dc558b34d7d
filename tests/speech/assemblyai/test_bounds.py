"""Pace, lifetime and silence: the bounds of one session. No real time passes."""

import pytest

from worker.speech.assemblyai.lifetime import LONGEST_SECONDS, Lifetime
from worker.speech.assemblyai.pace import Pace
from worker.speech.assemblyai.silence import ServerSilence


def test_audio_that_waited_goes_no_faster_than_allowed() -> None:
    now, sent, pace = 0.0, 0.0, Pace(1.25, 0.0)
    while sent < 60:
        now += pace.wait(0.05, now)
        pace.sent(0.05)
        sent += 0.05
        assert sent <= 1.0 + 1.25 * now + 0.051
    assert now == pytest.approx((60 - 1) / 1.25, abs=0.1)


def test_audio_that_is_heard_now_never_waits() -> None:
    pace = Pace(1.0, 0.0)
    for at in range(10_000):
        assert pace.wait(0.05, at / 20) == 0
        pace.sent(0.05)


def test_a_rest_gives_no_more_than_one_message_ahead() -> None:
    pace = Pace(1.0, 0.0)
    now, sent = 100.0, 0
    while pace.wait(0.05, now) == 0:
        pace.sent(0.05)
        sent += 1
    assert sent == 20


@pytest.mark.parametrize("expires_in", [10_800.0, 0.0, -5.0, 1e9])
def test_a_session_has_three_hours_unless_it_says_less(expires_in: float) -> None:
    lifetime = Lifetime(expires_in, 60.0, now=0.0)
    assert not lifetime.is_ending(LONGEST_SECONDS - 61)
    assert lifetime.is_ending(LONGEST_SECONDS - 60)
    assert not lifetime.is_over(LONGEST_SECONDS - 6)
    assert lifetime.is_over(LONGEST_SECONDS - 5)


def test_a_short_session_is_used_for_half_of_its_time_at_least() -> None:
    lifetime = Lifetime(8.0, 60.0, now=100.0)
    assert not lifetime.is_ending(103.9)
    assert lifetime.is_ending(104.0)
    assert lifetime.is_over(106.0)


def spoken(silence: ServerSilence, seconds: float, *, speaking: bool = True, turn_open: bool = False) -> None:
    silence.sent(seconds, speaking=speaking, turn_open=turn_open)


def test_a_server_is_dead_when_the_caller_has_spoken_to_it_for_too_long() -> None:
    silence = ServerSilence(6.0)
    spoken(silence, 60.0, speaking=False)
    assert not silence.doubtful
    spoken(silence, 6.0)
    assert silence.doubtful
    assert not silence.is_dead(1.0)
    spoken(silence, 0.1)
    assert silence.is_dead(1.0)


def test_a_message_shows_that_the_server_lives() -> None:
    silence = ServerSilence(6.0)
    spoken(silence, 5.0)
    silence.breaks()
    spoken(silence, 5.0)
    assert not silence.is_dead(1.0)


def test_a_turn_that_the_server_never_ends_shows_that_it_is_dead() -> None:
    silence = ServerSilence(6.0)
    spoken(silence, 6.9, speaking=False, turn_open=True)
    assert not silence.is_dead(1.0)
    spoken(silence, 0.2, speaking=False, turn_open=True)
    assert silence.is_dead(1.0)


def test_of_each_new_session_that_is_silent_too_more_patience_is_had_until_one_speaks() -> None:
    silence = ServerSilence(6.0)
    for bound in (6.0, 12.0, 24.0):
        silence.begins()
        spoken(silence, bound)
        assert not silence.is_dead(1.0)
        spoken(silence, 0.1)
        assert silence.is_dead(1.0)
        silence.taken_for_dead()
    silence.breaks()
    spoken(silence, 6.1)
    assert silence.is_dead(1.0)
