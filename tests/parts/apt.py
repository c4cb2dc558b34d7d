"""Which distribution this machine runs and from which mirror it takes its packages, as its own files say."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Distribution:
    """A suite ("bookworm") and the address of a mirror that has it."""

    suite: str
    mirror: str


def distribution_of(os_release: Path, apt: Path) -> Distribution | None:
    """Reads `/etc/os-release` and the sources in `/etc/apt`; None where they do not name a suite and its mirror."""
    release = os_release.read_text() if os_release.is_file() else ""
    codename = re.search(r"^VERSION_CODENAME=\"?(\w+)", release, re.MULTILINE)
    if codename is None:
        return None
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        text = file.read_text() if file.is_file() else ""
        mirror = mirror_in(text, codename[1])
        if mirror is not None:
            return Distribution(codename[1], mirror)
    return None


def mirror_in(text: str, suite: str) -> str | None:
    """The first mirror of `suite` in a sources file, of the one-line form or of the deb822 form."""
    for line in text.splitlines():
        one_line = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b", line)
        if one_line and one_line[2] == suite:
            return one_line[1]
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", paragraph, re.MULTILINE))
        if suite in fields.get("Suites", "").split() and fields.get("Enabled", "yes").strip() != "no":
            return fields.get("URIs", "").split()[0] if fields.get("URIs") else None
    return None
