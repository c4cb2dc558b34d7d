"""The worker's public HTTP port: is it alive, is it ready, what is it doing.

`/` and `/livez`: 200 while the process runs. `/readyz`: 200 when a call would be taken, or when the
worker is full (full is healthy), else 503 with the reasons. `/worker`: sessions, what calls are
refused by, what waits to be stored, and versions. `/metrics`: for Prometheus.

A worker that drains leaves the port to its successor, and goes on serving on a port of this machine alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

from aiohttp import web

from worker.fleet.listening import listen
from worker.fleet.metrics_server import Metrics, metrics_route

PORT_SECONDS = 10.0
"""How long a worker waits for a port that another one is about to free. Source: DESIGN 3.8."""


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
        self._public: web.TCPSite | None = None

    async def start(self, host: str, port: int, patience_s: float = PORT_SECONDS) -> None:
        """Listen on `host` and `port`; port 0 takes a free one.

        Args:
            host: the address.
            port: waited for, where another process has it.
            patience_s: for how long.

        Raises:
            Failed: the port is taken or may not be used.
        """
        self._public = await listen(self._runner, host, port, "health", "fleet.health_port", patience_s=patience_s)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else 0

    async def retreat(self) -> None:
        """Free the port, and serve on another one, of this machine alone."""
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        if self._public is not None:
            await self._public.stop()
            self._public = None

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
