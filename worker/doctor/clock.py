"""Whether this machine's clock is right: tokens have a time, and so have transcripts."""

import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from config import Settings
from config.proxies import proxy_for
from worker.doctor.findings import Finding, failed, fine, skipped, warning

SECONDS = 5.0
"""How long the server may take to answer."""

NOTICED_SECONDS = 5.0
"""A difference that people notice in transcripts; the header that is compared tells whole seconds."""

REFUSED_SECONDS = 60.0
"""A difference at which LiveKit refuses tokens (go-jose, `DefaultLeeway`)."""

REMEDY = "Let the system keep its clock: timedatectl set-ntp true, or the host's time service."


async def check_clock(settings: Settings) -> Finding:
    """Compare this machine's clock with that of the LiveKit server."""
    url = settings.livekit.url
    if not url:
        return skipped("clock", "Not checked: LIVEKIT_URL is not set.")
    address = url.replace("ws", "http", 1) if url.startswith("ws") else url
    began = time.time()
    try:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with (
            aiohttp.ClientSession(proxy=proxy_for(url), timeout=timeout) as http,
            http.get(address, allow_redirects=False) as answer,
        ):
            told = answer.headers.get("Date", "")
        theirs = parsedate_to_datetime(told).timestamp() + 0.5  # a header of whole seconds is half a second old
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return skipped("clock", f"Not checked: {urlsplit(address).netloc} does not tell its time.")
    return judged((began + time.time()) / 2 - theirs)


def judged(ahead: float) -> Finding:
    """Return the finding for a clock that is `ahead` seconds ahead of the server's."""
    if abs(ahead) < NOTICED_SECONDS:
        return fine("clock", "This machine's clock agrees with the LiveKit server's.")
    how = f"This machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the LiveKit server's"
    if abs(ahead) < REFUSED_SECONDS:
        return warning("clock", f"{how}: the times of transcripts are wrong by as much.", REMEDY)
    return failed("clock", f"{how}: it will refuse the tokens that are made here.", REMEDY)
