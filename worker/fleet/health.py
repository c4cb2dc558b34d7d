"""The worker's public HTTP port: is it alive, is it ready, what is it doing.

`/` and `/livez`: 200 while the process runs. `/readyz`: 200 when a call would be taken, or when the
worker is full (full is healthy), else 503 with the reasons. `/worker`: sessions, what calls are
refused by, what waits to be stored, and versions. `/metrics`: for Prometheus.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

from aiohttp import web

from worker.errors import Failed
from worker.fleet.metrics_server import Metrics, metrics_route


class Waiting(Protocol):
    """What is on this node and not stored yet."""

    @property
    def journals(self) -> int:
        """How many, those of running calls among them."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def max_size(self) -> int:
        """Bytes from which on no calls are taken."""
        ...

    @property
    def oldest_s(self) -> float:
        """Seconds since the last word of the oldest."""
        ...


class Condition(Protocol):
    """What health is made from."""

    @property
    def connected(self) -> bool:
        """Whether the worker is registered with the LiveKit server."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the worker was told to stop."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why calls could not be written down, or `None`."""
        ...

    @property
    def store_trouble(self) -> str | None:
        """Why transcripts are not stored now, or `None`. It keeps nobody from a call."""
        ...

    @property
    def spool(self) -> Waiting:
        """The journals that are not stored yet."""
        ...

    @property
    def sessions(self) -> int:
        """Calls that run now."""
        ...

    @property
    def max_sessions(self) -> int:
        """Calls that may run at once."""
        ...

    @property
    def crowded(self) -> str | None:
        """Why no call is taken now though the worker is well, or `None`."""
        ...

    @property
    def admission(self) -> Mapping[str, object]:
        """What calls are taken and refused by, as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the worker takes calls, and why not."""

    ready: bool
    full: bool
    reasons: Sequence[str]


def readiness(condition: Condition) -> Readiness:
    """Return whether the worker is ready; it is when nothing but a lack of room keeps it from a call."""
    reasons = [
        reason
        for reason, holds in (
            ("disconnected from LiveKit", not condition.connected),
            ("draining", condition.draining),
        )
        if holds
    ]
    if condition.trouble is not None:
        reasons.append(condition.trouble)
    return Readiness(not reasons, condition.crowded is not None, reasons)


class HealthServer:
    """Serves the port from `start` to `close`.

    Args:
        agent: name that the worker registers under.
        condition: asked at each request.
        metrics: asked at each request; without, there is no `/metrics`.
    """

    def __init__(self, agent: str, condition: Condition, metrics: Metrics | None = None) -> None:
        self._agent = agent
        self._condition = condition
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._livez),
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/worker", self._worker),
            ]
        )
        if metrics is not None:
            app.add_routes([metrics_route(metrics)])
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, host: str, port: int) -> None:
        """Listen on `host` and `port`; port 0 takes a free one.

        Raises:
            Failed: the port is taken or may not be used.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise Failed(
                f"Port {port} on {host} cannot be used for health ({_reason(error)}); "
                "stop what holds it, or set fleet.health_port to another."
            ) from None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else 0

    async def close(self) -> None:
        """Free the port."""
        await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        return web.Response(text="OK")

    async def _readyz(self, _: web.Request) -> web.Response:
        now = readiness(self._condition)
        body = {"ready": now.ready, "full": now.full, "reasons": list(now.reasons)}
        return web.json_response(body, status=200 if now.ready else 503)

    async def _worker(self, _: web.Request) -> web.Response:
        spool = self._condition.spool
        return web.json_response(
            {
                "agent": self._agent,
                "sessions": self._condition.sessions,
                "max_sessions": self._condition.max_sessions,
                "draining": self._condition.draining,
                "crowded": self._condition.crowded,
                "admission": self._condition.admission,
                "spool": {
                    "journals": spool.journals,
                    "bytes": spool.size,
                    "max_bytes": spool.max_size,
                    "oldest_seconds": round(spool.oldest_s),
                    "store_trouble": self._condition.store_trouble,
                },
                "versions": {name: version(name) for name in ("verbatim", "livekit-agents")},
            }
        )


def _reason(error: OSError) -> str:
    # asyncio puts the address into the text; a name that cannot be resolved has its own numbers.
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__
