"""Settings are read before anything heavy is loaded."""

import subprocess
import sys


def test_the_settings_import_neither_livekit_nor_the_product() -> None:
    program = "import sys, config; config.load(environ={}, files=False); print('\\n'.join(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    heavy = {"livekit", "worker", "standins", "aiohttp", "obstore", "rich", "typer"}
    assert heavy.isdisjoint(name.split(".")[0] for name in loaded.stdout.split())
