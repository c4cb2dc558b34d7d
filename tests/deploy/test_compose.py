"""The Compose file is valid, its parts fit together, and each is given what it needs and no more."""

import asyncio
import contextlib
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import dotenv
import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from bootstrap import livekit_server
from bootstrap.go_programs import versitygw
from config import Loaded, load
from config.grace import needed
from config.storage_url import Bucket
from tests.deploy.documents import DEPLOY, KEYS, PROJECT, documents, interpolated
from tests.parts.livekit_server import free_ports
from tests.parts.object_stores import versitygw_program
from worker.storage.stores.choice import open_store

DIRECTORY = DEPLOY / "compose"
TEXT = (DIRECTORY / "compose.yaml").read_text()
FILLED_IN = {**KEYS, "S3_ACCESS_KEY": "key-of-s3", "S3_SECRET_KEY": "secret-of-s3"}
COMPOSE: dict[str, Any] = yaml.safe_load(interpolated(TEXT, FILLED_IN))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVER = documents(DIRECTORY / "livekit.yaml")[0]


def loaded(service: str, directory: Path, command: str) -> Loaded:
    return load(
        environ=SERVICES[service]["environment"],
        directory=directory,
        config_file=DIRECTORY / "verbatim.yaml",
        command=command,
    )


def test_the_file_is_what_compose_knows() -> None:
    jsonschema.Draft202012Validator(get_builtin_schema("vendor.compose-spec")).validate(COMPOSE)


def test_every_image_is_pinned_to_a_version() -> None:
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+(-\w+)?", service["image"]), service["image"]


def test_the_servers_are_the_versions_that_the_tests_use() -> None:
    assert SERVICES["livekit"]["image"].endswith(f":v{livekit_server.text(livekit_server.VERSION)}")
    assert SERVICES["s3"]["image"].endswith(f":v{versitygw.version}")
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in ("worker", "watcher")} == {f"verbatim:{version}"}


def test_the_example_names_every_variable_and_holds_no_key() -> None:
    example = dotenv.dotenv_values(DIRECTORY / ".env.example")
    assert set(example) == {*re.findall(r"\$\{(\w+)", TEXT), "GRAFANA_PASSWORD"}
    assert {name for name, value in example.items() if value} == {"NODE_IP"}


def test_a_key_that_was_forgotten_stops_compose() -> None:
    for name in FILLED_IN:
        assert set(re.findall(rf"\$\{{{name}([^}}]*)\}}", TEXT)) in (
            {":?choose one in .env"},
            {":?put yours into .env"},
        )


def test_worker_and_watcher_have_settings_that_they_can_start_with(tmp_path: Path) -> None:
    worker = loaded("worker", tmp_path, "start").settings
    assert worker.storage.bucket == Bucket("s3", "transcripts")
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["worker"]["volumes"])
    assert mounts["journals"] == str(worker.storage.journal_dir)
    assert SERVICES["worker"]["ports"] == [f"127.0.0.1:{worker.fleet.health_port}:{worker.fleet.health_port}"]
    assert loaded("watcher", tmp_path, "watch").settings.livekit == worker.livekit


def test_the_worker_is_given_what_stopping_takes(tmp_path: Path) -> None:
    fleet = loaded("worker", tmp_path, "start").settings.fleet
    wanted = needed(fleet)
    assert fleet.grace_period == wanted, f"write grace_period: {wanted} into verbatim.yaml"
    period = SERVICES["worker"]["stop_grace_period"]
    assert period == f"{wanted}s", f"write stop_grace_period: {wanted}s into compose.yaml"


def test_every_address_leads_to_a_service(tmp_path: Path) -> None:
    settings = loaded("worker", tmp_path, "start").settings
    assert settings.livekit.url == f"ws://livekit:{SERVER['port']}"
    assert settings.storage.endpoint == "http://s3:7070"
    assert "--port :7070" in SERVICES["s3"]["entrypoint"][-1]
    assert SERVICES["livekit"]["environment"]["REDIS_HOST"] == "redis:6379"
    port, rtc = SERVER["port"], SERVER["rtc"]
    assert SERVICES["livekit"]["ports"] == [
        f"{port}:{port}",
        f"{rtc['tcp_port']}:{rtc['tcp_port']}",
        f"{rtc['udp_port']}:{rtc['udp_port']}/udp",
    ]


@pytest.mark.parametrize("name", ["worker", "watcher"])
def test_a_container_has_no_privilege_and_a_root_that_it_cannot_write(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_worker_and_watcher_are_asked_for_their_health_where_they_serve_it(tmp_path: Path) -> None:
    fleet = loaded("worker", tmp_path, "start").settings.fleet
    for name, port in (("worker", fleet.health_port), ("watcher", fleet.watch_port)):
        assert f"http://127.0.0.1:{port}/livez" in SERVICES[name]["healthcheck"]["test"][-1]


def test_no_log_grows_for_ever() -> None:
    beside = documents(DIRECTORY / "monitoring.yaml")[0]["services"]
    for service in (*SERVICES.values(), *beside.values()):
        assert service["logging"] == {"driver": "local"}


def test_the_watcher_is_given_livekits_keys_alone() -> None:
    assert set(SERVICES["watcher"]["environment"]) == {"VERBATIM_CONFIG", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}


def test_the_server_is_set_up_as_the_worker_expects() -> None:
    own = yaml.safe_load((PROJECT / "livekit.yaml").read_text())
    assert SERVER["agents"] == own["agents"]
    assert SERVER["room"] == own["room"]
    assert "keys" not in SERVER


@pytest.mark.needs("versitygw")
@pytest.mark.slow
async def test_the_bucket_is_there_before_the_s3_server_and_the_worker_may_use_it(
    tmp_path: Path, no_clouds: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    service = SERVICES["s3"]
    shell, option, script = service["entrypoint"]
    script = script.replace("/data", str(tmp_path / "data")).replace(":7070", f"127.0.0.1:{port}")
    script = script.replace("exec versitygw", f"exec {versitygw_program()}")
    settings = loaded("worker", tmp_path, "start").settings.storage
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        no_clouds.setenv(name, SERVICES["worker"]["environment"][name])
    store = open_store(settings.model_copy(update={"endpoint": f"http://127.0.0.1:{port}"}))
    with running([shell, option, script], service["environment"]):
        await listening(port)
        await store.probe()


@pytest.mark.needs("livekit-server")
@pytest.mark.slow
async def test_the_server_starts_with_its_configuration_and_answers_where_its_health_is_asked(tmp_path: Path) -> None:
    port, tcp_port, udp_port = free_ports(3)
    configuration = SERVER | {"port": port, "rtc": SERVER["rtc"] | {"tcp_port": tcp_port, "udp_port": udp_port}}
    (tmp_path / "livekit.yaml").write_text(yaml.safe_dump(configuration))
    program = livekit_server.find(PROJECT)
    assert program is not None
    variables = {name: text for name, text in SERVICES["livekit"]["environment"].items() if name != "REDIS_HOST"}
    asked = urlsplit(SERVICES["livekit"]["healthcheck"]["test"][-1])
    assert asked.port == SERVER["port"]
    with running([str(program), "--config", str(tmp_path / "livekit.yaml")], variables):
        await listening(port)
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}{asked.path}") as answer:
            assert answer.status == 200


@contextlib.contextmanager
def running(command: list[str], variables: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env=variables | {"PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def listening(port: int, host: str = "127.0.0.1") -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
                return
            await asyncio.sleep(0.05)
