"""Object stores for the tests, as processes on free loopback ports, and their buckets.

`moto` answers from memory and believes everyone; `versitygw` is a real S3 server, which checks signatures, clocks
and rights, and keeps its objects as files.
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bootstrap.go_programs import versitygw
from config.sections.storage import StorageSettings
from tests.parts.availability import PROJECT, require
from tests.parts.livekit_server import free_ports
from worker.storage.stores import objects
from worker.storage.stores.choice import open_store
from worker.storage.stores.store import Store

READY_WITHIN_S = 40
CLOUDS = ("AWS_", "AZURE_", "GOOGLE_")


@dataclass(frozen=True, slots=True)
class ObjectServer:
    """A running S3 server: its port, and the credentials that may do everything."""

    port: int
    key: str
    secret: str = field(repr=False)
    data: Path | None = None
    """Where it keeps its objects, a directory a bucket, if it does."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the product finds its credentials in."""
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}

    def client(self) -> Any:
        """A client of somebody else's making, to look and to prepare."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def new_bucket(self, name: str = "") -> str:
        """Make an empty bucket and return its name, which is a new one unless it is given."""
        name = name or f"calls-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name

    def new_user(self, bucket: str, *actions: str) -> dict[str, str]:
        """Make a user who may do `actions` in `bucket` and nothing else; return the credentials' variables."""
        resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
        allowed = {"Effect": "Allow", "Action": [f"s3:{action}" for action in actions], "Resource": resources}
        return self.new_user_with(bucket, [allowed] if actions else [])

    def new_user_with(self, bucket: str, statements: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Make a user who may do in `bucket` what the statements of a policy say; return the credentials' variables."""
        user, secret = f"user-{secrets.token_hex(4)}", secrets.token_hex(16)
        admin = [versitygw_program(), "admin", "--endpoint-url", self.endpoint, "create-user"]
        subprocess.run(
            [*admin, "--access", user, "--secret", secret, "--role", "user"],
            env=os.environ | {"ADMIN_ACCESS_KEY_ID": self.key, "ADMIN_SECRET_ACCESS_KEY": self.secret},
            check=True,
            capture_output=True,
            timeout=20,
        )
        if statements:
            own = [{**statement, "Principal": {"AWS": [user]}} for statement in statements]
            policy = json.dumps({"Version": "2012-10-17", "Statement": own})
            self.client().put_bucket_policy(Bucket=bucket, Policy=policy)
        return {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": secret}

    def store(self, bucket: str, prefix: str = "", port: int | None = None) -> Store:
        """The product's store in `bucket`, through another port if one is given."""
        endpoint = self.endpoint if port is None else f"http://127.0.0.1:{port}"
        return open_store(StorageSettings(url=f"s3://{bucket}/{prefix}", endpoint=endpoint))


def versitygw_program() -> Path:
    found = versitygw.find(PROJECT)
    assert found is not None
    return found


@contextlib.contextmanager
def running_versitygw(directory: Path, port: int | None = None) -> Iterator[ObjectServer]:
    """Run a real S3 server that keeps what it has in `directory`; another run there goes on with it."""
    key, secret = "test-root", "test-root-secret"
    data, users = directory / "data", directory / "users"
    for each in (data, users):
        each.mkdir(exist_ok=True, parents=True)
    (free,) = free_ports(1)
    server = ObjectServer(port or free, key, secret, data)
    command = [versitygw_program(), "--port", f"127.0.0.1:{server.port}", "--quiet", "--iam-dir", users, "posix", data]
    environment = {"ROOT_ACCESS_KEY_ID": key, "ROOT_SECRET_ACCESS_KEY": secret}
    with running([str(part) for part in command], server.port, directory / "versitygw.log", environment):
        yield server


@contextlib.contextmanager
def running_moto(directory: Path) -> Iterator[ObjectServer]:
    """Run moto's server, which forgets everything when it ends."""
    (port,) = free_ports(1)
    server = ObjectServer(port, "test", "test")
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, port, directory / "moto.log", {}):
        yield server


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path, more: Mapping[str, str]) -> Iterator[None]:
    """Run a server that listens on `port`, with `more` in its environment, until the block ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(CLOUDS)} | dict(more)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def no_clouds(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing in the environment names a cloud's credentials; what a test sets goes with it."""
    for name in os.environ:
        if name.startswith(CLOUDS):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client tries as often as in use, only sooner, in stores that are opened from now on."""
    backoff = {"init_backoff": timedelta(milliseconds=5), "max_backoff": timedelta(milliseconds=20)}
    monkeypatch.setitem(objects.RETRIES, "backoff", backoff)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """One server for the session; each test uses a bucket of its own."""
    with running_moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """One real S3 server for the session; each test uses a bucket of its own."""
    require("versitygw")
    with running_versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        yield server
