"""Every state in which a loss of power may leave a disk, from a recording of what was done to it.

The model is the weakest that POSIX permits. A write that was not synced may be missing, torn at any byte, or have
reached the disk in part, with zeros where the rest would be. A name that was created, moved or taken away since its
directory was synced may be as before or as after, each by itself. What was synced is there.

Source: the method of ALICE (Pillai et al., OSDI 2014) and of SQLite's crash tests.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path, PurePath
from typing import Any

from tests.storage.disks import TroubledDisk

ALL_COMBINATIONS = 3
"""Up to so many changes of names, every subset of them is tried; of more, the ones that differ most."""
PRODUCT = 400
"""Up to so many combinations of several files' and directories' states, all are tried."""


@dataclass(frozen=True)
class Step:
    """One thing done to the disk. `target` is a path, or the number of a file, which outlives its names."""

    kind: str
    target: Any
    detail: Any = None


class CrashDisk(TroubledDisk):
    """Records the steps under `base`, and between them what was accepted.

    Before a sync counts, the event loop gets to do what it would do by then: whoever resolves an append too early
    is seen to do so.
    """

    def __init__(self, base: Path) -> None:
        super().__init__()
        self.base = base
        self.steps: list[Step] = []
        self._loop = asyncio.get_running_loop()
        self._files: dict[int, int] = {}
        self._count = 0
        self._syncing: set[int] = set()

    @property
    def quiet(self) -> bool:
        """Whether no sync is going on."""
        return not self._syncing

    def accepted(self, seq: int) -> None:
        self.steps.append(Step("accepted", seq))

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._files[descriptor] = self._count
        self.steps.append(Step("create", path.relative_to(self.base), self._count))
        self._count += 1
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        self.steps.append(Step("write", self._files[descriptor], bytes(data)))
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._syncing.add(descriptor)
        try:
            super().sync(descriptor)
            asyncio.run_coroutine_threadsafe(_two_rounds(), self._loop).result(30)
            self.steps.append(Step("sync", self._files[descriptor]))
        finally:
            self._syncing.discard(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self.steps.append(Step("rename", old.relative_to(self.base), new.relative_to(self.base)))

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.steps.append(Step("unlink", path.relative_to(self.base)))

    def mkdir(self, path: Path) -> None:
        super().mkdir(path)
        self.steps.append(Step("mkdir", path.relative_to(self.base)))

    def rmdir(self, path: Path) -> None:
        super().rmdir(path)
        self.steps.append(Step("unlink", path.relative_to(self.base)))

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        if path.is_relative_to(self.base):
            self.steps.append(Step("sync_directory", path.relative_to(self.base)))


async def _two_rounds() -> None:
    for _ in range(2):
        await asyncio.sleep(0)


Content = tuple[tuple[str, bytes], ...]
"""All files of a state: path and bytes, in the order of the paths."""


def states(
    steps: Iterable[Step],
    cuts: Callable[[bytes], Iterable[int]],
    counts: Callable[[str], bool] = lambda path: True,
) -> dict[Content, int]:
    """Return each state once, with how many events were accepted at the latest moment that may leave it.

    Args:
        steps: as recorded.
        cuts: at which bytes of what was not synced it is torn.
        counts: which files make a difference, by path.
    """
    found: dict[Content, int] = {}
    machine = _Machine()
    accepted = 0
    for step in steps:
        if step.kind == "accepted":
            accepted = step.target + 1
        else:
            machine.do(step)
        for content in machine.states(cuts):
            found[tuple(file for file in content if counts(file[0]))] = accepted
    return found


@contextmanager
def materialised(content: Content, directory: Path) -> Iterator[Path]:
    """Make a state real for as long as it is looked at."""
    for name, data in content:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def every_byte(data: bytes) -> Iterable[int]:
    return range(len(data) + 1)


def around_line_ends(data: bytes) -> Iterable[int]:
    """Nothing, all, and each line without its last bytes, with one byte too many, and in the middle."""
    cuts = {0, len(data)}
    begin = 0
    while (end := data.find(b"\n", begin) + 1) > 0:
        cuts |= {begin + 1, (begin + end) // 2, end - 1, end}
        begin = end
    return sorted(cuts)


@dataclass
class _File:
    synced: bytes = b""
    pending: bytes = b""

    def states(self, cuts: Callable[[bytes], Iterable[int]]) -> Iterator[bytes]:
        size = len(self.pending)
        for cut in cuts(self.pending):
            yield self.synced + self.pending[:cut]
            yield self.synced + bytes(cut) + self.pending[cut:]
            yield self.synced + self.pending[:cut] + bytes(size - cut)
        ends = [0, *[at + 1 for at, byte in enumerate(self.pending) if byte == 10]]
        for begin, end in combinations(ends, 2):
            yield self.synced + self.pending[:begin] + bytes(end - begin) + self.pending[end:]


@dataclass
class _Directory:
    synced: dict[str, int | None] = field(default_factory=dict)
    """File number by name; `None` for a directory."""
    pending: list[dict[str, int | str | None]] = field(default_factory=list)
    """What each change sets; `GONE` takes the name away."""

    def states(self) -> Iterator[dict[str, int | None]]:
        for chosen in _subsets(len(self.pending)):
            names: dict[str, Any] = dict(self.synced)
            for number in chosen:
                names |= self.pending[number]
            yield {name: node for name, node in names.items() if node != GONE}


GONE = "gone"


class _Machine:
    """The files and names, each as it is on the disk for certain and what may have reached it since."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._directories: dict[str, _Directory] = {".": _Directory()}
        self._now: dict[str, int | None] = {}

    def do(self, step: Step) -> None:
        match step.kind:
            case "create":
                self._files[step.detail] = _File()
                self._change(step.target, {step.target.name: step.detail})
            case "mkdir":
                self._directories.setdefault(str(step.target), _Directory())
                self._change(step.target, {step.target.name: None})
            case "write":
                self._files[step.target].pending += step.detail
            case "sync":
                file = self._files[step.target]
                file.synced, file.pending = file.synced + file.pending, b""
            case "rename":
                moved = self._now[str(step.target)]
                self._change(step.target, {step.target.name: GONE, step.detail.name: moved})
            case "unlink":
                self._change(step.target, {step.target.name: GONE})
            case "sync_directory":
                directory = self._directories[str(step.target)]
                for names in directory.pending:
                    directory.synced |= names  # type: ignore[arg-type]
                directory.synced = {name: node for name, node in directory.synced.items() if node != GONE}
                directory.pending.clear()

    def states(self, cuts: Callable[[bytes], Iterable[int]]) -> Iterator[Content]:
        files = {number: list(dict.fromkeys(file.states(cuts))) for number, file in self._files.items()}
        directories = {path: list(directory.states()) for path, directory in self._directories.items()}
        for choice in _choices([*files.values(), *directories.values()]):
            contents = dict(zip(files, choice, strict=False))
            names = dict(zip(directories, choice[len(files) :], strict=True))
            yield tuple(sorted(_walk(".", names, contents)))

    def _change(self, path: PurePath, names: dict[str, Any]) -> None:
        self._directories[str(path.parent)].pending.append(names)
        self._now |= {str(path.parent / name): node for name, node in names.items()}


def _walk(
    directory: str, names: dict[str, dict[str, int | None]], contents: dict[int, bytes]
) -> Iterator[tuple[str, bytes]]:
    for name, node in names[directory].items():
        path = os.path.normpath(f"{directory}/{name}")
        if node is None:
            yield from _walk(path, names, contents)
        else:
            yield path, contents[node]


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    numbers = tuple(range(count))
    if count <= ALL_COMBINATIONS:
        for size in range(count + 1):
            yield from combinations(numbers, size)
        return
    for number in range(count + 1):
        yield numbers[:number]
        yield numbers[number:]
        yield numbers[:number] + numbers[number + 1 :]
        yield numbers[number : number + 1]


def _choices(options: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield every combination, or, where there are too many, each option with all others as early or late as can be."""
    size = 1
    for each in options:
        size *= len(each)
    if size <= PRODUCT:
        yield from product(*options)
        return
    for place, each in enumerate(options):
        for others in (0, -1):
            fixed = [option[others] for option in options]
            for option in each:
                yield (*fixed[:place], option, *fixed[place + 1 :])
