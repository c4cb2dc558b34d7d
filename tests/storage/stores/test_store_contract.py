"""Every store keeps the same promises: a directory, moto, a real S3 server, Google's and Azure's protocols."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.parts.clouds import AzureServer, GoogleServer
from tests.parts.object_stores import ObjectServer
from tests.storage.left import PREFIX, call, everything_in, left
from tests.transcript.journals import lines as journal_lines
from tests.transcript.journals import started
from worker.storage.errors import StoredDiffers
from worker.storage.names import encode
from worker.storage.recovery.sweep import State, recover
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.verification import verify_path, verify_session
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise, publish
from worker.transcript.integrity import Manifest
from worker.transcript.render import FORMATS

HOSTILE = ["../../etc", "a/b", "%2e%2e", "\0", "", "é\u202e", "x" * 300, "#1", "a b", "a+b&c=d?e", "~!*'()"]
SESSION = f"{PREFIX}/RM_1-verbatim"

NewStore = Callable[[], Store]


@pytest.fixture(
    params=[
        "directory",
        "moto",
        "prefix in a bucket",
        *(
            pytest.param(server, marks=[pytest.mark.slow, pytest.mark.needs(server)])
            for server in ("versitygw", "fake-gcs-server", "azurite")
        ),
    ]
)
def new_store(request: pytest.FixtureRequest, tmp_path: Path, no_clouds: pytest.MonkeyPatch) -> Iterator[NewStore]:
    """Makes stores of one kind, each empty."""
    if request.param == "directory":
        directories = (tmp_path / "stores" / str(number) for number in range(9))
        yield lambda: DirectoryStore(next(directories))
        return
    fixtures = {"versitygw": "s3", "fake-gcs-server": "google", "azurite": "azure"}
    server: ObjectServer | GoogleServer | AzureServer = request.getfixturevalue(fixtures.get(request.param, "moto"))
    for name, value in server.environment.items():
        no_clouds.setenv(name, value)
    prefix = "of/this company" if request.param == "prefix in a bucket" else ""
    yield lambda: server.store(server.new_bucket(), prefix)


@pytest.fixture
def store(new_store: NewStore) -> Store:
    return new_store()


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    return tmp_path / "journals"


async def content(store: Store) -> dict[str, bytes | None]:
    """Everything that is stored, by key."""
    return {key: await store.get(key) for key in await store.list()}


async def test_what_was_put_is_got_listed_and_deleted(store: Store) -> None:
    await store.put("a/one", b"1")
    await store.put("a/b/two", b"2")
    await store.put("c", b"")
    assert await store.get("a/b/two") == b"2"
    assert await store.get("c") == b""
    assert await store.list("a") == ["a/b/two", "a/one"]
    assert await store.list() == ["a/b/two", "a/one", "c"]
    await store.delete("a/one")
    await store.delete("a/one")
    assert await store.list("a") == ["a/b/two"]


async def test_a_prefix_means_whole_components(store: Store) -> None:
    await store.put("a/one", b"1")
    await store.put("ab/two", b"2")
    assert await store.list("a") == ["a/one"]


async def test_directories_are_the_beginnings_of_keys(store: Store) -> None:
    assert await store.directories() == []
    for key in ("b/c/one", "a/two", "a/b/three", "four"):
        await store.put(key, b"")
    assert await store.directories() == ["a", "b"]
    assert (await store.directories("b"), await store.directories("a")) == (["c"], ["b"])
    assert await store.directories("nowhere") == await store.directories("b/c/one") == []


async def test_nothing_of_a_name_is_left_when_its_last_key_is_deleted(store: Store) -> None:
    for key in ("a/b/c/one", "a/two"):
        await store.put(key, b"")
    await store.delete("a/b/c/one")
    assert (await store.directories(), await store.directories("a")) == (["a"], [])
    await store.delete("a/two")
    assert await store.directories() == []
    await store.put("a/b/c/one", b"1")
    assert await store.get("a/b/c/one") == b"1"


async def test_a_store_that_keeps_no_versions_does_not_say_that_it_does_and_is_left_as_it_was(store: Store) -> None:
    assert not await store.keeps_versions()  # Google's does not say
    assert await store.list() == []


async def test_what_is_not_there_is_none_and_lists_as_nothing(store: Store) -> None:
    assert (await store.get("a"), await store.list("a"), await store.list()) == (None, [], [])
    await store.delete("a")
    await store.tidy("a")


async def test_a_second_put_replaces_the_first(store: Store) -> None:
    await store.put("a", b"1")
    await store.put("a", b"2")
    assert await store.get("a") == b"2"
    assert await store.list() == ["a"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_name_is_one_component_and_is_listed_as_it_was_put(store: Store, name: str) -> None:
    key = f"{encode(name)}/file"
    await store.put(key, b"1")
    assert await store.list() == [key]
    assert await store.list(encode(name)) == [key]
    assert await store.get(key) == b"1"
    assert store.address(key).endswith(f"/{key}")
    await store.delete(key)
    assert await store.list() == []


async def test_large_objects_come_back_whole(store: Store) -> None:
    large = bytes(range(256)) * 40_000
    await store.put("large", large)
    assert await store.get("large") == large


async def test_many_puts_of_one_key_at_once_leave_one_of_them_whole(store: Store) -> None:
    contents = [bytes([number]) * 10_000 for number in range(20)]
    await asyncio.gather(*[store.put("a", content) for content in contents])
    assert await store.get("a") in contents
    assert await store.list() == ["a"]


async def test_objects_tell_their_size_and_when_they_were_put(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # file systems and servers count in coarser steps
    await store.put("a/b", b"123")
    (found,) = await store.objects("a")
    assert (found.key, found.size) == ("a/b", 3)
    assert before <= found.modified <= datetime.now(UTC) + timedelta(seconds=1)


async def test_a_probe_leaves_nothing_behind_and_several_at_once_are_no_hindrance(store: Store) -> None:
    await asyncio.gather(*[store.probe() for _ in range(5)])
    assert await store.list() == []


async def test_a_dead_jobs_journal_is_finalised_into_it_and_verified(store: Store, journals: Path) -> None:
    journal = left(journals, call())
    (outcome,) = await recover(journals, store, FORMATS)
    assert (outcome.state, outcome.address) == (State.FINALISED, store.address(f"{SESSION}/manifest.json"))
    assert not journal.exists()
    (session,) = await Catalogue(store, journals).sessions()
    assert (session.transcript_id, session.stored, session.complete) == ("RM_1-verbatim", True, True)
    assert await verify_session(store, session) == []
    assert b"words 1" in (await store.get(f"{SESSION}/transcript.txt") or b"")


async def test_the_same_parts_are_the_same_bytes_however_they_came_there(
    new_store: NewStore, journals: Path, tmp_path: Path
) -> None:
    at_once, one_by_one = new_store(), new_store()
    first, second = left(journals, call(1)), left(journals, call(2), name="AJ_2")
    await publish([first, second], at_once)
    await publish([first], one_by_one)
    await publish([first], one_by_one)
    await finalise([second], one_by_one)
    await finalise([first], one_by_one)
    await finalise([left(journals, call(2), name="AJ_2")], one_by_one)
    ours, theirs = await content(at_once), await content(one_by_one)
    manifests = [Manifest.model_validate_json(each.pop(f"{SESSION}/manifest.json") or b"") for each in (ours, theirs)]
    assert ours == theirs
    assert [manifest.generation for manifest in manifests] == [1, 2]
    assert manifests[0].files == manifests[1].files


async def test_a_session_is_exported_and_verified_as_files(store: Store, journals: Path, tmp_path: Path) -> None:
    await finalise([left(journals, call())], store)
    copy = tmp_path / "copy"
    for key, data in (await content(store)).items():
        path = copy / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data or b"")
    (findings,) = (await verify_path(copy)).values()
    assert findings == []
    assert f"{SESSION}/transcript.json" in everything_in(copy)


async def test_what_was_altered_in_the_store_is_found(store: Store, journals: Path) -> None:
    await finalise([left(journals, call())], store)
    (session,) = await Catalogue(store, journals).sessions()
    await store.put(f"{SESSION}/transcript.txt", b"other words")
    assert [finding.file for finding in await verify_session(store, session)] == ["transcript.txt"]


async def test_fewer_events_never_replace_more(store: Store, journals: Path) -> None:
    lines = call()
    await finalise([left(journals, lines)], store)
    before = await content(store)
    with pytest.raises(StoredDiffers, match="holds other lines of job AJ_1"):
        await publish([left(journals, journal_lines((7, started(1, "AJ_1"))))], store)
    assert await content(store) == before
    await finalise([left(journals, lines[:2])], store)
    assert await content(store) == before
