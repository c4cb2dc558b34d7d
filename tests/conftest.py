"""What every test may use: the real parts beside the product, and the rules of a session.

Each part has its own file under `tests/parts/`; this file only names them.
"""

pytest_plugins = [
    "tests.parts.availability",
    "tests.parts.calls",
    "tests.parts.collector",
    "tests.parts.counts",
    "tests.parts.environment",
    "tests.parts.image",
    "tests.parts.leftovers",
    "tests.parts.livekit_server",
    "tests.parts.network",
    "tests.parts.object_stores",
    "tests.parts.clouds",
    "tests.parts.results",
    "tests.parts.second_try",
    "tests.parts.sizes",
    "tests.parts.standins",
]
