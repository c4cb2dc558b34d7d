"""`python -m worker` is `verbatim`."""

from worker.cli import main

if __name__ == "__main__":
    main()
