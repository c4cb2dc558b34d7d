"""Why a call ended, for each combination of signs."""

import itertools

import pytest

from worker.session.closing.ending import Ending, Signs, ending


def test_without_any_sign_the_worker_was_shut_down() -> None:
    assert ending(Signs()) == Ending("error", "the worker was shut down during the call")


@pytest.mark.parametrize(
    ("signs", "reason", "in_detail"),
    [
        (Signs(entry_failed="JournalUnwritable"), "error", "could not be set up (JournalUnwritable)"),
        (Signs(process_ended="SystemExit"), "error", "ended the process (SystemExit)"),
        (Signs(joined=False), "room_closed", "before the agent was in the room"),
        (Signs(session_error="stt failed: no"), "error", "stt failed: no"),
        (Signs(ended_by_us=Ending("goodbye", "the caller fell silent")), "goodbye", "fell silent"),
        (Signs(caller_left="user_unavailable"), "caller_left", "not answered"),
        (Signs(caller_left="sip_trunk_failure"), "error", "could not be made"),
        (Signs(caller_left="client_initiated", picked_up=False), "caller_left", "not answered"),
        (Signs(caller_left="user_rejected", picked_up=False), "caller_left", "refused"),
        (Signs(caller_left="client_initiated", anything_said=False), "caller_left", "before anything was said"),
        (Signs(room_ended="duplicate_identity"), "superseded", "another agent"),
        (Signs(room_ended="room_deleted"), "room_closed", "deleted"),
        (Signs(caller_left="room_deleted"), "room_closed", "deleted"),
        (Signs(caller_left="client_initiated"), "caller_left", "hung up"),
        (Signs(caller_left="user_rejected"), "caller_left", "hung up"),
        (Signs(caller_left="connection_timeout"), "caller_left", "lost (connection_timeout)"),
        (Signs(caller_left="signal_close"), "caller_left", "lost (signal_close)"),
        (Signs(agent_closed=True), "goodbye", "the agent ended"),
        (Signs(room_ended="room_closed"), "room_closed", "empty"),
        (Signs(room_ended="server_shutdown"), "room_closed", "server_shutdown"),
        (Signs(room_ended="participant_removed"), "room_closed", "participant_removed"),
    ],
)
def test_each_sign_alone_has_its_reason(signs: Signs, reason: str, in_detail: str) -> None:
    found = ending(signs)
    assert found.reason == reason
    assert in_detail in found.detail


@pytest.mark.parametrize(
    ("signs", "reason"),
    [
        # the caller hangs up, and the empty room closes behind them
        (Signs(caller_left="client_initiated", room_ended="room_closed"), "caller_left"),
        # the room is deleted: the server takes the caller out of it, then the agent
        (Signs(caller_left="room_deleted", room_ended="room_deleted"), "room_closed"),
        (Signs(caller_left="client_initiated", room_ended="room_deleted"), "room_closed"),
        # the agent says goodbye, and the caller is still there
        (Signs(agent_closed=True, room_ended="room_closed"), "goodbye"),
        # the agent says goodbye, and the caller hangs up while it does
        (Signs(agent_closed=True, caller_left="client_initiated"), "goodbye"),
        # the watchdogs end the call, and the caller hangs up during the goodbye
        (Signs(ended_by_us=Ending("goodbye", "time"), caller_left="client_initiated"), "goodbye"),
        (Signs(ended_by_us=Ending("error", "llm"), session_error="llm failed: no"), "error"),
        # a successor took the identity, whoever else left
        (Signs(caller_left="signal_close", room_ended="duplicate_identity"), "superseded"),
        # the agent loses the way to the room, and sees everybody leave it
        (Signs(caller_left="unknown_reason", room_ended="unknown_reason"), "room_closed"),
        (Signs(caller_left="client_initiated", room_ended="unknown_reason"), "caller_left"),
        # a failure is told even when the caller gave up because of it
        (Signs(session_error="llm failed: no", caller_left="client_initiated"), "error"),
        (Signs(entry_failed="OSError", room_ended="room_closed"), "error"),
    ],
)
def test_of_several_signs_the_cause_is_told_and_not_its_consequence(signs: Signs, reason: str) -> None:
    assert ending(signs).reason == reason


def test_every_combination_has_a_reason_and_a_detail() -> None:
    for entry_failed, session_error, agent_closed, caller_left, room_ended in itertools.product(
        (None, "OSError"),
        (None, "tts failed: no"),
        (False, True),
        (None, "client_initiated", "unknown_reason"),
        (None, "room_closed", "room_deleted", "duplicate_identity", "unknown_reason"),
    ):
        found = ending(
            Signs(
                entry_failed=entry_failed,
                session_error=session_error,
                agent_closed=agent_closed,
                caller_left=caller_left,
                room_ended=room_ended,
            )
        )
        assert found.reason in ("caller_left", "room_closed", "goodbye", "error", "superseded")
        assert found.detail
        if entry_failed or session_error:
            assert found.reason == "error"
