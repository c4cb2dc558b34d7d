"""Whether the names of all services can be resolved."""

import asyncio
import socket
import time
from urllib.parse import urlsplit

from config import Settings
from config.proxies import proxy_for
from worker.doctor.findings import Finding, fine, skipped, unreachable, warning

SECONDS = 5.0
"""How long a name may take."""

SLOW_MS = 500
"""A name that takes longer is one more pause at the beginning of a call."""


async def check_names(settings: Settings) -> Finding:
    """Resolve the host of every service that is reached without a proxy."""
    urls = [settings.livekit.url, settings.stt.base_url]
    urls += [section.base_url for section in (settings.llm, settings.tts) if section.plugin is None]
    hosts = {urlsplit(url).hostname or "": None for url in urls if url and proxy_for(url) is None}
    if not hosts:
        return skipped("names", "Not checked: a proxy resolves the names.")
    took = dict(zip(hosts, await asyncio.gather(*map(_resolved, hosts)), strict=True))
    if lost := [host for host, ms in took.items() if ms is None]:
        return unreachable(
            "names",
            f"{', '.join(lost)} cannot be resolved.",
            "Check the spelling of the address, and the DNS servers of this machine or container.",
        )
    slowest, ms = max(((host, ms) for host, ms in took.items() if ms is not None), key=lambda each: each[1])
    if ms > SLOW_MS:
        return warning("names", f"{slowest} took {ms} ms to be resolved.", "Use a DNS server that is near.")
    return fine("names", f"The {'name' if len(hosts) == 1 else 'names'} of all services can be resolved ({ms} ms).")


async def _resolved(host: str) -> int | None:
    """Return how many milliseconds a name took, or None where it has no address."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(SECONDS):
            await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return None
    return round(1000 * (time.monotonic() - began))
