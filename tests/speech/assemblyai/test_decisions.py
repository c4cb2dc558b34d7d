"""What each failure of a provider session means."""

import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from worker.speech.assemblyai.decisions import CODES, Action, closed, refused, unreachable

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TOO_MANY = "Unauthorized connection: Too many concurrent sessions"
KEY = ConnectionKey("streaming.assemblyai.com", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (400, Action.GIVE_UP),
        (401, Action.GIVE_UP),
        (402, Action.GIVE_UP),
        (403, Action.GIVE_UP),
        (404, Action.GIVE_UP),
        (410, Action.GIVE_UP),
        (418, Action.GIVE_UP),
        (408, Action.RETRY),
        (429, Action.BACK_OFF),
        (200, Action.RETRY),
        (302, Action.RETRY),
        (500, Action.RETRY),
        (502, Action.RETRY),
        (503, Action.BACK_OFF),
        (504, Action.RETRY),
        (520, Action.RETRY),
    ],
)
def test_a_status_is_given_up_where_it_would_be_the_same_again(status: int, action: Action) -> None:
    decision = refused(status)
    assert (decision.code, decision.action, decision.status) == (f"assemblyai.http_{status}", action, status)


@pytest.mark.parametrize(
    ("code", "reason", "name", "action"),
    [
        (1000, "", "assemblyai.closed", Action.RETRY),
        (1006, "", "assemblyai.closed", Action.RETRY),
        (1008, "Missing Authorization header", "assemblyai.close_1008", Action.GIVE_UP),
        (1008, "Insufficient account balance", "assemblyai.close_1008", Action.GIVE_UP),
        (1008, TOO_MANY, "assemblyai.too_many_sessions", Action.BACK_OFF),
        (1009, "", "assemblyai.close_1009", Action.RECONFIGURE),
        (1011, "", "assemblyai.close_1011", Action.RETRY),
        (3005, "Session cancelled", "assemblyai.close_3005", Action.RETRY),
        (3006, "Invalid message type", "assemblyai.close_3006", Action.RECONFIGURE),
        (3006, "Inactivity timeout elapsed", "assemblyai.inactive", Action.RETRY),
        (3007, "Input duration violation", "assemblyai.close_3007", Action.RECONFIGURE),
        (3008, "Session expired", "assemblyai.close_3008", Action.RETRY),
        (3009, "Too many concurrent sessions", "assemblyai.close_3009", Action.BACK_OFF),
        (4999, "new", "assemblyai.close_4999", Action.RETRY),
    ],
)
def test_a_close_is_decided_by_its_code_and_its_reason(code: int, reason: str, name: str, action: Action) -> None:
    decision = closed(code, reason)
    assert (decision.code, decision.action) == (name, action)
    assert not reason or reason not in decision.sentence


@pytest.mark.parametrize(("code", "reason"), [(3008, "Session expired"), (3006, "Inactivity timeout elapsed")])
def test_what_belongs_to_a_long_call_is_no_error(code: int, reason: str) -> None:
    assert closed(code, reason).expected
    assert not closed(3006, "Invalid JSON").expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        (None, None),
    ],
)
def test_a_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert refused(429, header, now=NOW).retry_after == seconds


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused")), "stt.refused"),
        (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "unknown")), "stt.dns"),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("expired")), "stt.certificate"),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "handshake")), "stt.certificate"),
        (aiohttp.ServerDisconnectedError(), "stt.network"),
        (OSError(101, "unreachable"), "stt.network"),
    ],
)
def test_a_network_that_fails_is_tried_again(error: Any, code: str) -> None:
    decision = unreachable(error)
    assert (decision.code, decision.action) == (code, Action.RETRY)


def test_codes_are_unique() -> None:
    assert len(set(CODES)) == len(CODES)
