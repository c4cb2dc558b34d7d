"""Work that ends by itself or when a signal says so; either way no child process is left."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

from worker.demo.processes import kill_all

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a supervisor, and a terminal that was closed."""


class Stopped(Exception):
    """A signal ended the work, and all processes with it.

    Args:
        told_by: the signal.
    """

    def __init__(self, told_by: signal.Signals) -> None:
        super().__init__(f"Stopped by {told_by.name}.")
        self.told_by = told_by
        self.exit_status = 128 + told_by
        """As shells have it: 128 and the signal's number."""


def run_until_told(work: Coroutine[Any, Any, None], on_order: Callable[[], None]) -> None:
    """Run `work`; the first signal cancels it, and a Ctrl-C after that kills its processes at once.

    A signal that was ignored before stays ignored, as `nohup` wants it.

    Args:
        work: whatever starts processes with `child`.
        on_order: called once, when the first signal has come.

    Raises:
        Stopped: a signal came; whatever else went wrong then is of no interest any more.
    """
    order = _Order(on_order)
    heard = [each for each in STOPPING_SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    # Not the loop's own signal handlers: those go when the loop closes, which is before the processes are gone.
    replaced = {each: signal.signal(each, order.receive) for each in heard}
    try:
        asyncio.run(order.obeyed_by(work))
    except BaseException:
        if order.told_by is None:
            raise
    finally:
        kill_all()
        for each, handler in replaced.items():
            signal.signal(each, handler or signal.SIG_DFL)
    if order.told_by is not None:
        raise Stopped(order.told_by)


class _Order:
    """The order to stop, given by the first signal."""

    def __init__(self, on_order: Callable[[], None]) -> None:
        self.told_by: signal.Signals | None = None
        self._on_order = on_order
        self._stop: Callable[[], None] | None = None

    def receive(self, number: int, _: FrameType | None) -> None:
        """Take a signal; only a person's second Ctrl-C adds something to the first one."""
        if self.told_by is None:
            self.told_by = signal.Signals(number)
            if self._stop is not None:
                self._stop()
        elif number == signal.SIGINT:
            kill_all()

    async def obeyed_by(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`, cancelled as soon as the order is given."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop() -> None:
            task.cancel()
            self._on_order()

        def stop_from_signal() -> None:
            loop.call_soon_threadsafe(stop)

        self._stop = stop_from_signal
        if self.told_by is not None:
            stop()
        try:
            await work
        finally:
            self._stop = None
