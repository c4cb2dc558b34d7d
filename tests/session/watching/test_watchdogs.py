"""What is due in a call that does not go on by itself, and when."""

import pytest

from worker.session.closing.ending import Ending
from worker.session.watching.watchdogs import Limits, Step, Watchdogs
from worker.speech.catalogue import fault

OFF = Limits(
    call=0, answer=0, silence_prompt=0, silence_goodbye=0, no_audio=0, not_recognised=0, outage_notice=0, outage=0
)
TROUBLE = Step("trouble")


def watched(**limits: float) -> Watchdogs:
    """A call in which only these limits are on, with a caller who can speak and an agent that listens."""
    chosen = {name: getattr(OFF, name) for name in Limits.__dataclass_fields__} | limits
    call = Watchdogs(Limits(**chosen), 0)
    call.caller_can_speak(True, 0)
    call.agent_is("listening", 0)
    return call


def gives_up(step: Step | None) -> bool:
    return step is not None and step.line == "failed" and step.end is not None and step.end.reason == "error"


# --- the longest call


def test_a_call_ends_with_a_goodbye_when_its_time_is_up() -> None:
    call = watched(call=60)
    assert call.due(59.9) is None
    step = call.due(60)
    assert step is not None
    assert (step.line, step.give_up) == ("time_limit", True)
    assert step.end == Ending("goodbye", "the call reached its longest duration")


def test_nothing_is_due_after_the_end() -> None:
    call = watched(call=60, silence_prompt=1)
    assert call.due(60) is not None
    assert call.due(1000) is None


def test_limits_of_zero_are_off() -> None:
    call = watched()
    call.turn_ended(1)
    call.caller_speaks(True, 2)
    call.audio_flows(False, 3)
    call.failed("stt", fault("stt.refused"), 4, tried_again=True)
    assert call.due(1e9) is None


# --- silence


def test_who_spoke_with_another_agent_until_now_was_not_silent() -> None:
    call = watched(silence_prompt=30)
    call.begin(25)
    assert call.due(54) is None
    assert call.due(55) == Step("are_you_there")


def test_who_spoke_with_another_agent_until_now_was_recognised() -> None:
    call = watched(not_recognised=8)
    call.caller_speaks(True, 1)
    call.begin(10)
    assert call.due(17) is None
    assert call.due(18) is not None


def test_a_silent_caller_is_asked_and_then_let_go() -> None:
    call = watched(silence_prompt=30, silence_goodbye=20)
    assert call.due(29) is None
    assert call.due(30) == Step("are_you_there")
    call.line_begins()
    call.agent_is("speaking", 31)
    call.agent_is("listening", 32)
    call.line_ended(32)
    assert call.due(51) is None
    step = call.due(52)
    assert step is not None
    assert (step.line, step.end) == ("silence_goodbye", Ending("goodbye", "the caller never spoke"))


def test_a_caller_who_answers_the_question_is_asked_anew_after_the_next_silence() -> None:
    call = watched(silence_prompt=30, silence_goodbye=20)
    assert call.due(30) == Step("are_you_there")
    call.words(40)
    assert call.due(61) is None
    assert call.due(70) == Step("are_you_there")


def test_an_agent_that_speaks_is_no_silence() -> None:
    call = watched(silence_prompt=30)
    call.agent_is("speaking", 10)
    assert call.due(100) is None
    call.agent_is("listening", 100)
    assert call.due(129) is None
    assert call.due(130) == Step("are_you_there")


@pytest.mark.parametrize("busy", ["speaking caller", "running tool"])
def test_nobody_is_asked_while_something_goes_on(busy: str) -> None:
    call = watched(silence_prompt=30)
    if busy == "speaking caller":
        call.caller_speaks(True, 5)
    else:
        call.tool_began()
    assert call.due(100) is None


def test_a_room_without_a_microphone_is_not_silent() -> None:
    call = watched(silence_prompt=30)
    call.caller_can_speak(False, 1)
    assert call.due(1000) is None
    call.caller_can_speak(True, 1000)
    assert call.due(1029) is None
    assert call.due(1030) == Step("are_you_there")


# --- no answer


def test_an_answer_that_does_not_come_is_given_up() -> None:
    call = watched(answer=10)
    call.turn_ended(5)
    call.agent_is("thinking", 5)
    assert call.due(14.9) is None
    assert call.due(15) == Step("trouble", "call.no_answer", True)
    assert call.due(100) is None


def test_a_final_that_never_becomes_a_turn_is_noticed() -> None:
    call = watched(answer=10)
    call.turn_ended(5)
    assert call.due(15) == Step("trouble", "call.no_answer", True)


def test_an_agent_that_may_keep_silent_is_waited_for_only_while_it_thinks() -> None:
    call = watched(answer=10)
    call.turn_ended(5, is_answered=False)
    assert call.due(100) is None
    call.agent_is("thinking", 100)
    assert call.due(110) is not None


def test_what_the_agent_begins_to_say_is_the_answer() -> None:
    call = watched(answer=10)
    call.turn_ended(5)
    call.agent_is("thinking", 5)
    call.agent_is("speaking", 9)
    assert call.due(100) is None


def test_what_is_said_while_the_agent_speaks_need_not_be_answered() -> None:
    call = watched(answer=10)
    call.agent_is("speaking", 1)
    call.turn_ended(2)
    call.agent_is("listening", 3)
    assert call.due(100) is None


def test_the_time_of_tools_is_their_own() -> None:
    call = watched(answer=10)
    call.agent_is("thinking", 5)
    call.tool_began()
    assert call.due(100) is None
    call.tool_ended(100)
    assert call.due(109) is None
    assert call.due(110) is not None


def test_a_caller_who_goes_on_speaking_is_not_answered_yet() -> None:
    call = watched(answer=10)
    call.turn_ended(5)
    call.caller_speaks(True, 6)
    assert call.due(30) is None
    call.caller_speaks(False, 30)
    assert call.due(39) is None
    assert call.due(40) is not None


# --- failures


def test_an_answer_that_failed_is_asked_for_again() -> None:
    call = watched(failures=3)
    call.failed("llm", fault("llm.http_500"), 1)
    assert call.due(1) == TROUBLE
    assert call.due(2) is None


def test_what_cannot_get_better_ends_the_call_at_once() -> None:
    call = watched(failures=3)
    call.failed("llm", fault("llm.http_401"), 1)
    step = call.due(1)
    assert gives_up(step)
    assert step is not None
    assert step.end is not None
    assert step.end.detail == fault("llm.http_401").sentence


def test_failures_in_a_row_end_the_call_whatever_failed() -> None:
    call = watched(failures=3, answer=10)
    call.failed("llm", fault("llm.http_500"), 1)
    assert call.due(1) == TROUBLE
    call.failed("tts", fault("tts.timeout"), 2)
    assert call.due(2) == TROUBLE
    call.turn_ended(3)
    assert gives_up(call.due(13))


def test_an_answer_between_two_failures_makes_up_for_the_first_but_our_own_line_does_not() -> None:
    call = watched(failures=2)
    call.failed("llm", fault("llm.http_500"), 1)
    assert call.due(1) == TROUBLE
    call.agent_is("speaking", 2)
    call.failed("llm", fault("llm.http_500"), 3)
    assert call.due(3) == TROUBLE
    call.line_begins()
    call.agent_is("speaking", 4)
    call.line_ended(5)
    call.failed("llm", fault("llm.http_500"), 6)
    assert gives_up(call.due(6))


# --- the recogniser


def test_an_outage_is_told_once_and_ends_the_call_when_it_lasts() -> None:
    call = watched(outage_notice=5, outage=60)
    call.failed("stt", fault("stt.refused"), 10, tried_again=True)
    call.failed("stt", fault("stt.refused"), 12, tried_again=True)
    assert call.due(14) is None
    assert call.due(15) == Step("cannot_hear")
    assert call.due(69) is None
    step = call.due(70)
    assert gives_up(step)
    assert step is not None
    assert step.code == "call.deaf"


def test_an_outage_that_is_over_is_forgotten() -> None:
    call = watched(outage_notice=5, outage=60)
    call.failed("stt", fault("stt.refused"), 10, tried_again=True)
    call.recogniser_is_back()
    assert call.due(100) is None


def test_a_key_that_the_recogniser_refuses_ends_the_call() -> None:
    call = watched(outage=60)
    call.failed("stt", fault("assemblyai.http_401"), 1)
    assert gives_up(call.due(1))


def test_what_ends_the_call_is_not_taken_back_by_what_fails_after_it() -> None:
    call = watched(outage=60)
    call.failed("stt", fault("assemblyai.http_401"), 1)
    call.failed("llm", fault("llm.http_500"), 1.1)
    step = call.due(1.2)
    assert step is not None
    assert step.end == Ending("error", fault("assemblyai.http_401").sentence)


def test_speech_without_words_is_told_once_until_there_are_words() -> None:
    call = watched(not_recognised=15)
    call.caller_speaks(True, 1)
    assert call.due(15) is None
    assert call.due(16) == Step("cannot_hear", "call.not_recognised")
    assert call.due(100) is None
    call.words(101)
    assert call.due(115) is None
    assert call.due(116) == Step("cannot_hear", "call.not_recognised")


def test_an_echo_of_the_agent_is_no_caller_who_is_not_understood() -> None:
    call = watched(not_recognised=15)
    call.agent_is("speaking", 1)
    call.caller_speaks(True, 1)
    assert call.due(30) is None
    call.agent_is("listening", 30)
    assert call.due(44) is None
    assert call.due(45) == Step("cannot_hear", "call.not_recognised")


# --- no media


def test_a_microphone_without_audio_is_told_and_then_ends_the_call() -> None:
    call = watched(no_audio=15)
    call.audio_flows(False, 5)
    assert call.due(19) is None
    assert call.due(20) == Step("cannot_hear", "call.no_audio")
    assert call.due(34) is None
    step = call.due(35)
    assert step is not None
    assert step.end == Ending("error", "no audio came from the caller")


def test_audio_that_comes_back_counts_anew() -> None:
    call = watched(no_audio=15)
    call.audio_flows(False, 5)
    call.audio_flows(True, 18)
    assert call.due(100) is None
    call.audio_flows(False, 100)
    assert call.due(115) == Step("cannot_hear", "call.no_audio")
