"""Whether the project can run on this machine: Python's version and modules, the platform.

Kept readable for Python 3.6, as `__main__.py` is.
"""

import importlib.util
import platform
import sys
import sysconfig
from typing import NamedTuple

OLDEST = (3, 11)
NEWEST = (3, 14)
PROCESSORS = ("x86_64", "amd64", "aarch64", "arm64")


class Machine(NamedTuple):
    """What matters about a machine.

    Attributes:
        version: Major and minor version of the running Python.
        executable: Its path.
        system: `sys.platform`.
        processor: `platform.machine()`.
        is_64_bit: Whether this Python is a 64-bit program.
        is_musl: Whether its C library is musl, as on Alpine Linux.
        has_venv: Whether it can make virtual environments with pip in them.
    """

    version: "tuple[int, int]"
    executable: str
    system: str
    processor: str
    is_64_bit: bool
    is_musl: bool
    has_venv: bool


def this_machine() -> Machine:
    """Looks at the machine that this runs on."""
    return Machine(
        version=sys.version_info[:2],
        executable=sys.executable,
        system=sys.platform,
        processor=platform.machine().lower(),
        is_64_bit=sys.maxsize > 2**32,
        is_musl="musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")),
        has_venv=all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip")),
    )


def refusal_of(machine: Machine) -> str:
    """One sentence that says why the project cannot run there and what to do; empty when it can."""
    if machine.system in ("win32", "cygwin", "msys"):
        return "Verbatim runs on Linux and macOS; on Windows, use it inside WSL 2 (`wsl --install`)."
    if machine.system not in ("linux", "darwin"):
        return f"Verbatim runs on Linux and macOS, not on {machine.system}."
    if machine.processor not in PROCESSORS or not machine.is_64_bit:
        width = "" if machine.is_64_bit else ", 32 bits"
        return f"Verbatim needs a 64-bit Python on x86-64 or arm64; this is for {machine.processor}{width}."
    if machine.is_musl:
        return "Verbatim needs glibc, for which LiveKit's audio library is made; Alpine Linux (musl) has none."
    if not OLDEST <= machine.version <= NEWEST:
        oldest, newest, this = [".".join(map(str, version)) for version in (OLDEST, NEWEST, machine.version)]
        return (
            f"Verbatim needs Python {oldest} to {newest}, and {machine.executable} is {this}; "
            "install one of them and name it, for example `make PYTHON=python3.12 test`."
        )
    if not machine.has_venv:
        return (
            f"{machine.executable} cannot make virtual environments; "
            "install its venv package (Debian, Ubuntu: `apt install python3-venv`)."
        )
    return ""
