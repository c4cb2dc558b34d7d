"""What may stop a command: one plain sentence with the remedy, and the exit status.

Exit statuses are those of sysexits.h where it has one.

    Refusal
    ├── Misused          2  the command line makes no sense
    ├── Misconfigured   78  the settings are wrong
    ├── Unreachable     69  a service cannot be reached
    └── Failed           1  the work was tried and did not succeed
"""

from collections.abc import Sequence

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 69
EXIT_CONFIGURATION = 78


class Refusal(Exception):
    """The command ends here.

    Args:
        sentences: what is wrong, a sentence each, with the remedy in it; never a secret.
    """

    status = EXIT_FAILED

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences: Sequence[str] = sentences


class Misused(Refusal):
    """The command line makes no sense."""

    status = EXIT_USAGE


class Misconfigured(Refusal):
    """The settings are wrong, or contradict each other or the machine."""

    status = EXIT_CONFIGURATION


class Unreachable(Refusal):
    """A service that the command needs cannot be reached."""

    status = EXIT_UNAVAILABLE


class Failed(Refusal):
    """The work was tried and did not succeed."""
