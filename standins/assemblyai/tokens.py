"""Temporary tokens: single use, short-lived.

Source: AssemblyAI streaming API v3, `GET /v3/token`.
"""

import secrets
import time

# Bounds in seconds of how long a token may wait to be used, and of the session that it opens.
EXPIRES_IN = (1, 600)
SESSION_DURATION = (60, 10_800)


class Tokens:
    """The tokens that were given out and not yet used."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[float, int]] = {}

    def issue(self, expires_in_s: int, session_s: int) -> str:
        """A new token.

        Args:
            expires_in_s: How long it may wait to be used.
            session_s: How long its session may last.

        Raises:
            ValueError: If either is outside its bounds.
        """
        for value, (low, high), name in (
            (expires_in_s, EXPIRES_IN, "expires_in_seconds"),
            (session_s, SESSION_DURATION, "max_session_duration_seconds"),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}")
        token = secrets.token_urlsafe(24)
        self._waiting[token] = (time.monotonic() + expires_in_s, session_s)
        return token

    def redeem(self, token: str) -> int | None:
        """Uses a token up: how long its session may last in seconds, None if it is not valid."""
        expires_at, session_s = self._waiting.pop(token, (0.0, 0))
        return session_s if expires_at > time.monotonic() else None
