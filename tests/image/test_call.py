"""The image's worker holds a call: user 10001, read-only root, a tmpfs for temporary files."""

import json
import time
import urllib.request
from pathlib import Path

import pytest

from config import load
from standins.caller import Caller
from tests.parts.image import Image
from tests.parts.livekit_server import LiveKitServer, free_ports
from tests.parts.standins import Standin
from worker.invitation import invite

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.needs("linux", "root", "buildah", "debootstrap"),
    pytest.mark.timeout(1200),
]

READY_SECONDS = 150
SENTENCE = "I forgot my password."


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _await(what: str, condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


async def test_the_image_holds_a_call_and_stores_its_transcript(
    image: Image,
    livekit_server: LiveKitServer,
    assemblyai_standin: Standin,
    openai_standin: Standin,
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    environment = {
        "LIVEKIT_URL": livekit_server.url,
        "LIVEKIT_API_KEY": livekit_server.api_key,
        "LIVEKIT_API_SECRET": livekit_server.api_secret,
        "ASSEMBLYAI_API_KEY": "stand-in",
        "OPENAI_API_KEY": "stand-in",
        "OPENAI_BASE_URL": f"{openai_standin.url}/v1",
        "VERBATIM_STT__BASE_URL": assemblyai_standin.websocket_url,
        "VERBATIM_FLEET__HEALTH_HOST": "127.0.0.1",
        "VERBATIM_FLEET__HEALTH_PORT": str(port),
    }
    invitation = invite(load(environ=environment, directory=tmp_path).settings, "from-an-image", "caller")
    data, log = tmp_path / "data", tmp_path / "log"
    try:
        with image.started(data, log, environment) as worker:
            _await("ready", lambda: _answers(f"http://127.0.0.1:{port}/readyz"), READY_SECONDS)
            async with Caller() as caller:
                await caller.join(invitation.server_url, invitation.token)
                await caller.wait_for_agent()
                await caller.listen()
                await caller.speak(SENTENCE)
                answer = await caller.listen()
            _await("stored", lambda: list(data.glob("transcripts/**/manifest.json")), 15)
            _await("journal gone", lambda: not list(data.glob("journals/*/*.jsonl")), 15)
            worker.terminate()
            assert worker.wait(30) == 0
    except BaseException:
        print(log.read_text(errors="replace")[-6000:])
        raise

    (document,) = data.glob("transcripts/**/transcript.json")
    transcript = json.loads(document.read_text())
    said = [(turn["role"], turn["text"]) for turn in transcript["turns"]]
    assert transcript["complete"] is True
    assert ("user", SENTENCE) in said
    assert said[-1] == ("agent", answer.caption.strip())
    assert document.stat().st_uid == 10001


def test_without_a_tmpfs_start_says_so_in_one_sentence(image: Image, tmp_path: Path) -> None:
    keys = dict.fromkeys(("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "ASSEMBLYAI_API_KEY", "OPENAI_API_KEY"), "x" * 32)
    done = image.run(["verbatim", "start"], tmp_path, {**keys, "LIVEKIT_URL": "ws://127.0.0.1:9"}, tmpfs=False)

    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("verbatim: ")] == [
        "verbatim: Temporary files cannot be written (no usual directory for them is writable); mount a tmpfs at /tmp, "
        "or set TMPDIR to a directory that this user may write."
    ]
