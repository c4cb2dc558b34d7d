"""The image of the Dockerfile, and a way to run it as a platform would: user 10001, read-only root, a tmpfs on /tmp.

The base is made by debootstrap from the distribution that this machine itself uses, because a registry of images may
be out of reach; it is kept under `.tools/image/` for the next run. A command runs in the image's own files, as process
1 among its own processes, and in the network of this machine, so that a worker in it reaches a livekit-server on the
loopback address.
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.parts import apt
from tests.parts.availability import PROJECT, SEARCH_PATH, require
from tests.parts.container import Container

STORE = PROJECT / ".tools" / "image"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
UID = 10001
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DEADLINE_S = 900


@dataclass(frozen=True, slots=True)
class Image:
    """A built image.

    Attributes:
        name: Its name in the store of the tests.
        config: `User`, `Env`, `Cmd`, `WorkingDir`, `Volumes`, `ExposedPorts`, `StopSignal`, as the image says.
        root: Its files, mounted on this machine.
    """

    name: str
    config: dict[str, Any]
    root: Path

    def run(
        self,
        command: Sequence[str],
        data: Path,
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 60,
        *,
        tmpfs: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `command` in the image to its end; its output is captured as text."""
        return subprocess.run(
            self._entering(command, data, tmpfs=tmpfs), env=self._environment(environment), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip

    @contextlib.contextmanager
    def started(
        self, data: Path, log: Path, environment: Mapping[str, str] | None = None, stop_within_s: float = 30
    ) -> Iterator[Container]:
        """Runs the image's own command until the block ends; its output goes to `log`."""
        container = self.launch(data, log, environment)
        try:
            yield container
        finally:
            container.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                container.wait(stop_within_s)
            container.kill()
            container.wait()

    def launch(self, data: Path, log: Path, environment: Mapping[str, str] | None = None) -> Container:
        """Runs the image's own command, which its caller has to stop; its output goes to `log`."""
        with log.open("ab") as output:
            return Container(
                self._entering(self.config["Cmd"], data), env=self._environment(environment),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def _environment(self, environment: Mapping[str, str] | None) -> dict[str, str]:
        image = dict(pair.split("=", 1) for pair in self.config["Env"])
        return image | dict(environment or {})

    def _entering(self, command: Sequence[str], data: Path, *, tmpfs: bool = True) -> list[str]:
        """The command line that enters the image: each program but the last replaces itself by the next one."""
        volumes = {target: data / Path(target).name for target in self.config["Volumes"]}
        for folder in volumes.values():
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, UID, UID)
        mount = _which("mount")
        steps = [
            "set -e",
            f'{mount} --bind "$0" "$0"',
            *(f'{mount} --rbind {folder} "$0{folder}"' for folder in ("/dev", "/proc")),
            *(f'{mount} --bind {file} "$0{file}"' for file in ("/etc/hosts", "/etc/resolv.conf")),
            *(f'{mount} --bind "{folder}" "$0{target}"' for target, folder in volumes.items()),
            *([f'{mount} -t tmpfs -o mode=1777,noexec,nosuid,nodev tmpfs "$0/tmp"'] if tmpfs else []),
            f'{mount} -o remount,bind,ro "$0"',
            f'exec {_which("chroot")} --userspec={self.config["User"]} --groups= "$0" "$@"',
        ]
        enter = ["/bin/sh", "-c", f'cd {self.config["WorkingDir"]} && exec "$@"', "image", *command]
        # The kernel ends a container with its process 1, and that with the program that waits for it here.
        apart = [_which("unshare"), "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        return [*apart, "/bin/sh", "-c", "\n".join(steps), str(self.root), *enter]


def _which(program: str) -> str:
    found = shutil.which(program, path=SEARCH_PATH)
    assert found is not None, f"{program} is not installed"
    return found


def _buildah(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """One run of buildah on the store of the tests; returns what it wrote to standard output.

    Raises:
        RuntimeError: It failed; the message ends with what it wrote.
    """
    storage = ["--storage-driver", "vfs", "--root", STORE / "storage", "--runroot", STORE / "run"]
    done = subprocess.run(
        [_which("buildah"), *map(str, storage), *map(str, arguments)], env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"buildah {arguments[0]} failed.\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout.strip()


@contextlib.contextmanager
def _container(source: str) -> Iterator[str]:
    name = _buildah("from", source)
    try:
        yield name
    finally:
        _buildah("rm", name)


def _base(suite: str, mirror: str, environment: Mapping[str, str]) -> str:
    """The name of the base image; makes it where the store has none.

    It trusts the certificates that this machine trusts, as an organisation's own base does.
    """
    name = f"localhost/verbatim-base-{suite}-{platform.machine()}"
    if _buildah("images", "--filter", f"reference={name}", "--quiet", "--noheading"):
        return name
    with tempfile.TemporaryDirectory(dir=STORE) as folder, _container("scratch") as container:
        root = Path(folder) / "root"
        done = subprocess.run(
            [_which("debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, root, mirror],
            env={**os.environ, **environment, "PATH": SEARCH_PATH}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=DEADLINE_S,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"debootstrap failed.\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
        if CERTIFICATES.is_file():
            shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
            (root / "etc" / "pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n")
        _buildah("add", container, root, "/")
        _buildah("config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        _buildah("commit", container, name)
    return name


@pytest.fixture(scope="session")
def image(outside: dict[str, str]) -> Iterator[Image]:
    """The image, built from the Dockerfile once a session."""
    for part in ("linux", "root", "buildah", "debootstrap"):
        require(part)
    source = apt.distribution_of(Path("/etc/os-release"), Path("/etc/apt"))
    if source is None:
        pytest.skip("needs apt: its sources name no mirror of this distribution")
    STORE.mkdir(parents=True, exist_ok=True)
    name = "localhost/verbatim-test"
    base = _base(source.suite, source.mirror, outside)
    _buildah(
        "build", "--isolation", "chroot", "--build-arg", f"BASE={base}", "--pull-never", "--tag", name, PROJECT,
        environment=outside,
    )  # fmt: skip
    try:
        with _container(name) as container:
            config = json.loads(_buildah("inspect", "--type", "image", name))["OCIv1"]["config"]
            yield Image(name, config, Path(_buildah("mount", container)))
            _buildah("umount", container)
    finally:
        _buildah("rmi", "--force", name)
        # The stage that was only built from is an image without a name.
        _buildah("rmi", "--prune", "--force")
