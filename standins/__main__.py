"""`python -m standins <name> [options]`: runs one stand-in until it is told to end."""

import contextlib
import importlib
import os
import sys
from typing import NoReturn

NAMES = ("assemblyai", "openai", "caller")


def main(argv: list[str]) -> int:
    """Hands the command line to the named stand-in.

    Each is imported only when it is asked for, so that a caller does not load a recogniser.

    Args:
        argv: The arguments after the program's name; the first one names the stand-in.

    Returns:
        The exit status: the stand-in's own, or 2 for a wrong name.
    """
    if not argv or argv[0] not in NAMES:
        sys.stderr.write(f"usage: python -m standins {{{','.join(NAMES)}}} [options]\n")
        return 2
    module = importlib.import_module(f"standins.{argv[0]}.__main__")
    status: int = module.main(argv[1:])
    return status


def end(status: int) -> NoReturn:
    """Ends the process at once, with what it printed.

    The threads of a room's native runtime outlive the interpreter, and one of them may abort the process while
    it is taken down (livekit/agents issue 732): the status of a call that went well would be SIGABRT's.
    """
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    end(main(sys.argv[1:]))
