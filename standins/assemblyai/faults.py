"""The faults of this stand-in, as `POST /control/faults` takes them.

One that names no `when` waits for the next connections, `count` of them or, without it, all until the faults
are cleared. One with `when` strikes: `connect` the next connections before they get their Begin, `now` the
open sessions, `mid_turn` when a turn has shown its first words, `after_turns` after so many finals (`turns`).
"""

from typing import Literal

from pydantic import Field

from standins.faults import Fault, FaultBoard

When = Literal["connect", "now", "mid_turn", "after_turns"]

# The codes before which the service sends an Error frame (AssemblyAI streaming API v3, error handling).
CODES_WITH_ERROR = frozenset({1008, 3005, 3006, 3007, 3008, 3009})


class Refuse(Fault):
    """`refuse`: nobody listens; connecting gives ECONNREFUSED.

    Attributes:
        seconds: After which the stand-in listens again; None until the faults are cleared.
    """

    fault: Literal["refuse"]
    seconds: float | None = Field(default=None, gt=0)


class HttpStatus(Fault):
    """`http`: the upgrade is answered with this status.

    Attributes:
        status: From 400.
        retry_after: The `Retry-After` header, in seconds.
    """

    fault: Literal["http"]
    status: int = Field(ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)


class Hang(Fault):
    """`hang`: no answer to the upgrade, or an upgraded connection without `Begin`."""

    fault: Literal["hang"]
    stage: Literal["upgrade", "begin"] = "upgrade"


class NoTermination(Fault):
    """`no_termination`: Terminate is never answered, nor the connection closed."""

    fault: Literal["no_termination"]


class Timed(Fault):
    """A fault that strikes a session at a moment of its life."""

    when: When = "now"
    turns: int = Field(default=1, ge=1)


class Close(Timed):
    """`close`: the connection is closed with this code and reason.

    Attributes:
        code: The close code; 1006 drops the connection without a close frame, as its meaning is.
        reason: At most what fits into a close frame.
        error_frame: Whether an Error frame goes first; None: as the service does for this code.
    """

    fault: Literal["close"]
    code: int = Field(ge=1000, le=4999)
    reason: str = Field(default="", max_length=120)
    error_frame: bool | None = None

    @property
    def says_error(self) -> bool:
        """Whether an Error frame goes first."""
        return self.code in CODES_WITH_ERROR if self.error_frame is None else self.error_frame


class ErrorFrame(Timed):
    """`error`: an Error frame, and the connection stays open."""

    fault: Literal["error"]
    code: int = 3005
    message: str = "Session cancelled"


class Stall(Timed):
    """`stall`: the session goes on hearing and says nothing more."""

    fault: Literal["stall"]


class Garbage(Timed):
    """`garbage`: a text frame that is no JSON."""

    fault: Literal["garbage"]


class Abort(Timed):
    """`abort`: the TCP connection ends without a close frame."""

    fault: Literal["abort"]


def fault_board() -> FaultBoard[Fault]:
    """An empty board of these faults."""
    return FaultBoard(
        {
            "refuse": Refuse,
            "http": HttpStatus,
            "hang": Hang,
            "no_termination": NoTermination,
            "close": Close,
            "error": ErrorFrame,
            "stall": Stall,
            "garbage": Garbage,
            "abort": Abort,
        }
    )
