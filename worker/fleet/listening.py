"""How this process takes a port."""

import asyncio
import errno
import os

from aiohttp import web

from worker.errors import Failed

LOOK_SECONDS = 0.2
"""Between two attempts to take a port that another process is about to free."""


async def listen(
    runner: web.AppRunner, host: str, port: int, use: str, setting: str, *, patience_s: float = 0
) -> web.TCPSite:
    """Let `runner` listen; where it cannot, it is cleaned up.

    Args:
        runner: what is served.
        host: the address.
        port: 0 for any free one.
        use: what the port is for, for the sentence.
        setting: which setting names the port.
        patience_s: how long a port is waited for that another process has, in seconds.

    Raises:
        Failed: the port is taken or may not be used; the sentence names what for, and the setting.
    """
    await runner.setup()
    until = asyncio.get_running_loop().time() + patience_s
    try:
        while True:
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
                return site
            except OSError as error:
                await site.stop()
                if error.errno != errno.EADDRINUSE or asyncio.get_running_loop().time() >= until:
                    raise
                await asyncio.sleep(LOOK_SECONDS)
    except OSError as error:
        await runner.cleanup()
        raise Failed(
            f"Port {port} on {host} cannot be used for {use} ({_reason(error)}); "
            f"stop what holds it, or set {setting} to another."
        ) from None


def _reason(error: OSError) -> str:
    # asyncio puts the address into the text; a name that cannot be resolved has its own numbers.
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__
