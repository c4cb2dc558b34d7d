"""The entry: first whether this machine will do, then the preparation.

This file and `machine.py` stay readable for Python 3.6, so that an old Python gets a sentence and not a
syntax error.
"""

import sys

from bootstrap import machine


def main(arguments: "list[str]") -> int:
    """Prepares the checkout; returns the exit status, 0 or 1."""
    refusal = machine.refusal_of(machine.this_machine())
    if refusal:
        sys.stderr.write(refusal + "\n")
        return 1
    from bootstrap import prepare

    return prepare.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
