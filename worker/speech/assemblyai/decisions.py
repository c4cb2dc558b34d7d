"""What each failure of a provider session means, and what is done about it. Pure.

Sources: AssemblyAI streaming API, "Session errors and closures"; RFC 6455, section 7.4; RFC 9110, section 15.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

import aiohttp


class Action(Enum):
    """What is done after a failure."""

    RETRY = "retry"
    """Another session at once, then at growing distances: it was the network, or the server."""
    BACK_OFF = "back off"
    """Another session when the provider wants one: it has too many, or is busy."""
    RECONFIGURE = "re-configure"
    """Another session that does differently what was refused; the second time in a row it is given up."""
    GIVE_UP = "give up"
    """None: it would be refused again for the same reason."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What ended a session, or kept it from beginning, and what is done about it.

    Attributes:
        code: Names the failure in the catalogue, for ever.
        action: What is done.
        sentence: What happened, without a word of the provider's own.
        status: HTTP status or close code, where there is one.
        retry_after: Seconds for which the provider wants to be left alone.
        expected: It belongs to a call's ordinary life and is no error.
    """

    code: str
    action: Action
    sentence: str
    status: int | None = None
    retry_after: float | None = None
    expected: bool = False


STATUSES: Final[Mapping[int, Action]] = {
    408: Action.RETRY,
    421: Action.RETRY,
    425: Action.RETRY,
    429: Action.BACK_OFF,
    500: Action.RETRY,
    501: Action.GIVE_UP,
    502: Action.RETRY,
    503: Action.BACK_OFF,
    504: Action.RETRY,
    505: Action.GIVE_UP,
}
"""HTTP statuses of a refused connection; others of 400 to 499 are given up, all else is tried again."""

CLOSES: Final[Mapping[int, Action]] = {
    1000: Action.RETRY,
    1001: Action.RETRY,
    1005: Action.RETRY,
    1006: Action.RETRY,
    1008: Action.GIVE_UP,
    1009: Action.RECONFIGURE,
    1011: Action.RETRY,
    1012: Action.RETRY,
    1013: Action.BACK_OFF,
    3005: Action.RETRY,
    3006: Action.RECONFIGURE,
    3007: Action.RECONFIGURE,
    3008: Action.RETRY,
    3009: Action.BACK_OFF,
}
"""Close codes, and those of `Error` messages; others are tried again."""

WITHOUT_A_REASON: Final = frozenset({1000, 1001, 1005, 1006})
"""Close codes that tell nothing but that the connection is over."""

TOO_MANY: Final = ("too many", "concurren")
"""In the reason of a 1008: the account has too many sessions, and the key is right."""

INACTIVE: Final = "inactiv"
"""In the reason of a 3006: nothing was heard for too long, and no message was wrong."""

EXPIRED: Final = 3008


def refused(status: int, retry_after: str | None = None, *, now: datetime | None = None) -> Decision:
    """Return the decision for a connection that was refused with an HTTP status.

    Args:
        status: The status.
        retry_after: The header of that name: seconds, or a date.
        now: What a date is counted from; the present if left out.
    """
    usual = Action.GIVE_UP if 400 <= status < 500 else Action.RETRY
    return Decision(
        code=f"assemblyai.http_{status}",
        action=STATUSES.get(status, usual),
        sentence=f"AssemblyAI refused the connection with HTTP status {status}.",
        status=status,
        retry_after=_seconds(retry_after, now or datetime.now(UTC)),
    )


def closed(code: int, reason: str = "") -> Decision:
    """Return the decision for a session that the provider ended.

    Args:
        code: Close code, or the code of an `Error` message.
        reason: What came with it; read, never repeated.
    """
    said = reason.lower()
    action, name, expected = CLOSES.get(code, Action.RETRY), f"assemblyai.close_{code}", code == EXPIRED
    if code in WITHOUT_A_REASON:
        name = "assemblyai.closed"
    if code == 1008 and any(words in said for words in TOO_MANY):
        action, name = Action.BACK_OFF, "assemblyai.too_many_sessions"
    if code == 3006 and INACTIVE in said:
        action, name, expected = Action.RETRY, "assemblyai.inactive", True
    sentence = f"AssemblyAI closed the connection with code {code}."
    return Decision(name, action, sentence, status=code, expected=expected)


def unreachable(error: BaseException) -> Decision:
    """Return the decision for a connection that could not be made, from what the client raised."""
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Decision("stt.certificate", Action.RETRY, "AssemblyAI's certificate was not trusted.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Decision("stt.dns", Action.RETRY, "AssemblyAI could not be found by its name.")
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return Decision("stt.refused", Action.RETRY, "AssemblyAI's address refused the connection.")
    return Decision("stt.network", Action.RETRY, f"AssemblyAI could not be reached ({type(error).__name__}).")


NO_ANSWER: Final = Decision("stt.timeout", Action.RETRY, "AssemblyAI did not answer in time.")
NO_BEGIN: Final = Decision("assemblyai.no_begin", Action.RETRY, "AssemblyAI took the connection and began no session.")
SILENT: Final = Decision("assemblyai.silent", Action.RETRY, "AssemblyAI said nothing although the caller spoke.")

CODES: Final = (
    *(f"assemblyai.http_{status}" for status in (400, 401, 402, 403, 404, 410, *STATUSES)),
    *(f"assemblyai.close_{code}" for code in CLOSES if code not in WITHOUT_A_REASON),
    "assemblyai.closed",
    "assemblyai.too_many_sessions",
    "assemblyai.inactive",
    "stt.certificate",
    "stt.dns",
    "stt.refused",
    "stt.network",
    NO_ANSWER.code,
    NO_BEGIN.code,
    SILENT.code,
)
"""Every code that the table knows; other statuses and close codes give codes of the same form."""


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Read a `Retry-After`; one that cannot be read counts as missing."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
