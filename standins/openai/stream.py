"""An answer on its way to the client, piece by piece, with the armed fault acting at its place."""

from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from standins.openai import faults
from standins.openai.log import Entry, ended, sent


async def stream(
    request: web.Request,
    entry: Entry,
    pieces: AsyncIterator[bytes],
    *,
    headers: Mapping[str, str],
    fault: faults.RequestFault | None,
) -> web.StreamResponse:
    """Sends an answer.

    Args:
        request: Whose answer it is.
        entry: Where the log keeps what was sent.
        pieces: The answer, each piece when it is due.
        headers: The answer's headers.
        fault: The fault that this request has met, if any.
    """
    response = web.StreamResponse(headers=dict(headers))
    breaks_after = fault.after if isinstance(fault, faults.BreakFault) else None
    try:
        if breaks_after != 0:
            await response.prepare(request)
        async for piece in pieces:
            if entry.pieces_sent == breaks_after:
                break
            await response.write(piece)
            sent(entry)
        if breaks_after is None:
            await response.write_eof()
            ended(entry, "finished")
            return response
    except ConnectionError:
        ended(entry, "client_gone")
        return response
    ended(entry, "faulted")
    await faults.break_off(request, fault)
    return response


async def faulted(request: web.Request, entry: Entry, fault: faults.RequestFault) -> web.StreamResponse | None:
    """The answer of a fault that comes in place of a real one, or None for one that acts in the middle."""
    if isinstance(fault, faults.StatusFault):
        ended(entry, "faulted")
        return faults.refused(fault.status, retry_after_s=fault.retry_after_s)
    if fault.fault == "hang":
        ended(entry, "faulted")
        await faults.until_gone(request)
        return web.Response()
    if fault.fault == "garbage":
        ended(entry, "faulted")
        return web.Response(body=faults.GARBAGE, headers={"Content-Type": "text/event-stream"})
    return None
