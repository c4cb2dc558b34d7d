"""`verbatim start` with a real server: it becomes ready, and ends cleanly when told to."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from config.grace import needed
from config.sections.fleet import FleetSettings
from tests.cli.command import KEYS, arguments, environment
from tests.parts.livekit_server import LiveKitServer, free_ports

PATIENCE_S = 40


def get(port: int, path: str) -> tuple[int, str] | None:
    """Status and text of the answer, None while nobody listens."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None


def test_a_worker_becomes_ready_and_ends_with_0_when_told_to(tmp_path: Path, livekit_server: LiveKitServer) -> None:
    (port,) = free_ports(1)
    variables = {
        **KEYS,
        "LIVEKIT_URL": livekit_server.url,
        "LIVEKIT_API_KEY": livekit_server.api_key,
        "LIVEKIT_API_SECRET": livekit_server.api_secret,
        "VERBATIM_FLEET__IDLE_PROCESSES": "1",
        "VERBATIM_FLEET__HEALTH_HOST": "127.0.0.1",
        "VERBATIM_FLEET__HEALTH_PORT": str(port),
        "VERBATIM_STORAGE__URL": (tmp_path / "transcripts").as_uri(),
        "VERBATIM_STORAGE__JOURNAL_DIR": str(tmp_path / "journals"),
    }
    worker = subprocess.Popen(
        arguments("start"), cwd=tmp_path, env=environment(tmp_path, variables), stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while (answer := get(port, "/readyz")) is None or answer[0] != 200:
            assert worker.poll() is None and time.monotonic() < deadline, answer
            time.sleep(0.05)
        assert json.loads(answer[1])["ready"]
        worker.terminate()
        _, log = worker.communicate(timeout=PATIENCE_S)
    finally:
        worker.kill()
        worker.wait()
    assert worker.returncode == 0, log
    messages = [json.loads(line)["message"] for line in log.splitlines()]
    assert messages[0].startswith(f"stopping may take {needed(FleetSettings())} seconds")
    assert "ready for calls" in messages
    assert not any(
        secret in log for secret in (livekit_server.api_secret, *KEYS.values()) if secret != KEYS["LIVEKIT_URL"]
    )
    assert get(port, "/livez") is None
