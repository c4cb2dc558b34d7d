"""What can be made to go wrong with a request, for chat and speech separately.

`status` (answers an HTTP error), `hang` (nothing, not even headers), `stall` (goes quiet after `after`
pieces), `cut` (drops the connection after `after` pieces), `garbage` (a body that is no answer),
`refuse` (nobody listens on the port).
"""

import asyncio
from collections.abc import Mapping
from typing import Literal

from aiohttp import web
from pydantic import Field

from standins.faults import Fault, FaultBoard
from standins.openai import frames

Service = Literal["chat", "speech"]

POLL_S = 0.05  # how soon a request that is left hanging notices that its client has gone

GARBAGE = b'data: {"choices": [{"delta": \xff\xfe not json\n\ndata: [1, 2, 3]\n\n'

# OpenAI API reference, "Error codes": type and code of each status.
ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country or region not supported.",
    ),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}


class RequestFault(Fault):
    """A fault of one of the services; `count` counts requests."""

    service: Service | None = None
    """Which requests it meets; None means all."""


class StatusFault(RequestFault):
    """An HTTP error instead of an answer."""

    status: int = Field(ge=400, le=599)
    retry_after_s: float | None = Field(default=None, ge=0)
    """The `Retry-After` header, in seconds."""


class BreakFault(RequestFault):
    """An answer that does not come to its end."""

    after: int = Field(default=2, ge=0)
    """How many pieces (words, or tenths of a second of audio) arrive first."""


KINDS: Mapping[str, type[RequestFault]] = {
    "status": StatusFault,
    "hang": RequestFault,
    "stall": BreakFault,
    "cut": BreakFault,
    "garbage": RequestFault,
    "refuse": RequestFault,
}


def board() -> FaultBoard[RequestFault]:
    """An empty board of these faults."""
    return FaultBoard(KINDS)


def refused(status: int, message: str | None = None, *, retry_after_s: float | None = None) -> web.Response:
    """An error in the API's own form."""
    kind, code, sentence = ERRORS.get(status, ("invalid_request_error", None, "The request failed."))
    headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
    return web.json_response(frames.error(message or sentence, kind, code), status=status, headers=headers)


async def until_gone(request: web.Request) -> None:
    """Leaves a request without an answer until its client gives up."""
    # The server has no event for this: asking is the only way to learn that a client has gone.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)


async def break_off(request: web.Request, fault: RequestFault | None) -> None:
    """Ends an answer in the middle: `cut` drops the connection as a network does, others go quiet."""
    if fault is not None and fault.fault == "cut" and request.transport is not None:
        request.transport.abort()
    await until_gone(request)
