"""Prepares a fresh checkout with nothing but Python, make and git: `python3 -m bootstrap`.

Only the standard library is used here, because nothing else is installed yet. Everything that is made lies
in `.venv/` and `.tools/` of the checkout; each tool appears there complete or not at all, so an interrupted
run is simply repeated.
"""
