"""A caller who was here before in a room of the same name has a transcript that names the one before."""

from pathlib import Path

from tests.storage.left import left
from tests.transcript.journals import lines, started
from worker.storage.sessions.previous import previous_call
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise
from worker.transcript.events import CallPrevious, PartEnded, ParticipantJoined
from worker.transcript.model import Transcript

NOW = "2026/11/21/support/RM_9-verbatim"
TOMORROW = "2026/11/22/support/RM_9-verbatim"


async def call_of(store: Store, journals: Path, identity: str, sid: str, *more: CallPrevious) -> None:
    """Store a call in the room `support`."""
    events = [ParticipantJoined(identity=identity), *more, PartEnded(reason="caller_left")]
    told = [(100 * number, event) for number, event in enumerate(events, start=1)]
    await finalise([left(journals, lines((0, started(room_sid=sid)), *told), session=sid)], store)


async def test_the_newest_call_of_the_same_caller_is_found(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    for sid, identity in (("RM_1", "ada"), ("RM_2", "ada"), ("RM_3", "bob")):
        await call_of(store, tmp_path / "journals", identity, sid)
    assert await previous_call(store, NOW, "verbatim", "ada") == "RM_2-verbatim"
    assert await previous_call(store, TOMORROW, "verbatim", "bob") == "RM_3-verbatim"


async def test_others_calls_and_other_agents_are_nobodys_previous(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    await call_of(store, tmp_path / "journals", "ada", "RM_1")
    assert await previous_call(store, NOW, "verbatim", "bob") is None
    assert await previous_call(store, NOW, "another", "ada") is None
    assert await previous_call(store, "2026/11/23/support/RM_9-verbatim", "verbatim", "ada") is None


async def test_a_call_is_not_its_own_previous(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    await call_of(store, tmp_path / "journals", "ada", "RM_9")
    assert await previous_call(store, NOW, "verbatim", "ada") is None


async def test_what_is_no_transcript_is_passed_over(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    await call_of(store, tmp_path / "journals", "ada", "RM_1")
    await store.put("2026/11/21/support/RM_2-verbatim/manifest.json", b"{}")
    await store.put("2026/11/21/support/RM_2-verbatim/transcript.json", b"not one")
    assert await previous_call(store, NOW, "verbatim", "ada") == "RM_1-verbatim"


async def test_the_transcript_tells_it_and_has_no_such_field_otherwise(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    await call_of(store, tmp_path / "journals", "ada", "RM_1")
    await call_of(store, tmp_path / "journals", "ada", "RM_2", CallPrevious(transcript="RM_1-verbatim"))
    first, second = [
        await store.get(f"2026/11/21/support/{sid}-verbatim/transcript.json") or b"" for sid in ("RM_1", "RM_2")
    ]
    assert b"previous" not in first
    assert Transcript.model_validate_json(second).previous == "RM_1-verbatim"
