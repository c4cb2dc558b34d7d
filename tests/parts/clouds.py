"""Google's and Azure's protocols for the tests: fake-gcs-server and Azurite, as processes on free loopback ports."""

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bootstrap import azurite
from bootstrap.go_programs import fake_gcs_server
from config.sections.storage import StorageSettings
from tests.parts.availability import PROJECT, require
from tests.parts.livekit_server import free_ports
from tests.parts.object_stores import running
from worker.storage.stores.choice import open_store
from worker.storage.stores.store import Store

AZURE_VERSION = "2023-11-03"


@dataclass(frozen=True, slots=True)
class GoogleServer:
    """A running fake-gcs-server behind a door that takes what Google takes."""

    port: int
    door: int

    @property
    def environment(self) -> dict[str, str]:
        """What the product finds its credentials in."""
        return {"GOOGLE_BEARER_TOKEN": "test"}

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"calls-{secrets.token_hex(6)}"
        body = json.dumps({"name": name}).encode()
        _send(self.port, "POST", "/storage/v1/b?project=test", body, {"Content-Type": "application/json"})
        return name

    def store(self, bucket: str, prefix: str = "") -> Store:
        """The product's store in `bucket`."""
        return open_store(StorageSettings(url=f"gs://{bucket}/{prefix}", endpoint=f"http://127.0.0.1:{self.door}"))


@dataclass(frozen=True, slots=True)
class AzureServer:
    """A running Azurite, which checks signatures."""

    port: int
    account: str = "devstoreaccount1"
    key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(64)).decode(), repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.account}"

    @property
    def environment(self) -> dict[str, str]:
        """What the product finds its credentials in."""
        return {"AZURE_STORAGE_ACCOUNT_NAME": self.account, "AZURE_STORAGE_ACCOUNT_KEY": self.key}

    def new_bucket(self) -> str:
        """Make an empty container and return its name."""
        name = f"calls-{secrets.token_hex(6)}"
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": date, "x-ms-version": AZURE_VERSION}
        lines = ["PUT", *11 * [""], *(f"{header}:{value}" for header, value in headers.items())]
        signed = "\n".join([*lines, f"/{self.account}/{self.account}/{name}", "restype:container"])
        signature = hmac.digest(base64.b64decode(self.key), signed.encode(), hashlib.sha256)
        headers["Authorization"] = f"SharedKey {self.account}:{base64.b64encode(signature).decode()}"
        _send(self.port, "PUT", f"/{self.account}/{name}?restype=container", None, headers)
        return name

    def store(self, bucket: str, prefix: str = "") -> Store:
        """The product's store in `bucket`."""
        return open_store(StorageSettings(url=f"az://{bucket}/{prefix}", endpoint=self.endpoint))


def _send(port: int, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> None:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=20)) as server:
        server.request(method, path, body, dict(headers))
        answer = server.getresponse()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {answer.read()!r}")


class _Door(BaseHTTPRequestHandler):
    """Passes requests on, uploads of the XML API in another form.

    The server behind takes them only as uploads with a signed URL, and answers without the ETag that Google gives.
    """

    protocol_version = "HTTP/1.1"
    target = 0

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = f"{self.path}?X-Goog-Algorithm=none" if self.command == "PUT" else self.path
        with contextlib.closing(HTTPConnection("127.0.0.1", self.target, timeout=20)) as server:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            server.request(self.command, path, body, headers)
            answer = server.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        if self.command == "PUT" and answer.status == HTTPStatus.OK:
            self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Write no log."""


@contextlib.contextmanager
def _door_to(port: int) -> Iterator[int]:
    handler = type("Door", (_Door,), {"target": port})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleServer]:
    """One server for the session; each test uses a bucket of its own."""
    require("fake-gcs-server")
    (port,) = free_ports(1)
    address = ["-host", "127.0.0.1", "-port", str(port), "-public-host", f"127.0.0.1:{port}"]
    command = [str(fake_gcs_server.find(PROJECT)), "-backend", "memory", "-scheme", "http", *address]
    log = tmp_path_factory.mktemp("fake-gcs-server") / "log"
    with running(command, port, log, {}), _door_to(port) as door:
        yield GoogleServer(port, door)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    """One server for the session; each test uses a container of its own."""
    require("azurite")
    (port,) = free_ports(1)
    server = AzureServer(port)
    directory = tmp_path_factory.mktemp("azurite")
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck"]
    command = ["node", str(azurite.find(PROJECT)), *options, "--silent", "--disableTelemetry"]
    accounts = {"AZURITE_ACCOUNTS": f"{server.account}:{server.key}"}
    with running(command, port, directory / "log", accounts):
        yield server
