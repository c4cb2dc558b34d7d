"""A run against the real services that somebody has agreed to: keeps what was heard, lists what differs."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.contract.differences import differences
from tests.contract.recording import Recording
from tests.live.vendors import Vendors


@dataclass(frozen=True, slots=True)
class Pair:
    """One probe at a vendor's service and at its stand-in."""

    vendor_name: str
    vendor: Recording
    standin: Recording

    @property
    def differences(self) -> list[str]:
        """What they sent differently."""
        return differences(self.vendor, self.standin, self.vendor_name)


class LiveRun:
    """A plugin of pytest; that it is there is the agreement to the cost.

    Args:
        services: What is tried.
        folder: Where the run's file goes.
        commit: What is checked out, for the file's name.
    """

    NAME = "live-run"

    def __init__(self, services: Vendors, folder: Path, commit: str) -> None:
        self.services = services
        self.pairs: list[Pair] = []
        self._folder = folder
        self._commit = commit
        self._began = datetime.now(UTC)

    def keep(self, vendor_name: str, vendor: Recording, standin: Recording) -> None:
        """Keep one probe's two recordings."""
        self.pairs.append(Pair(vendor_name, vendor, standin))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what differs, how long the services took, and where it is all written down."""
        if not self.pairs:
            return
        found = by_sentence(self.pairs)
        terminalreporter.section(f"differences between the services and their stand-ins: {len(found)}")
        for sentence, probes in found.items():
            terminalreporter.line(f"- {sentence}")
            terminalreporter.line(f"  ({'; '.join(probes)})")
        terminalreporter.section("times in milliseconds: service, stand-in")
        for pair in self.pairs:
            theirs, ours = times(pair.vendor), times(pair.standin)
            told = ", ".join(f"{name} {theirs[name]} / {ours.get(name, 'never')}" for name in theirs)
            if told:
                terminalreporter.line(f"{pair.vendor.probe}: {told}")
        terminalreporter.line(f"\nWritten to {self.write()}")

    def write(self) -> Path:
        """Write the run as JSON, without any text; returns the file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"live-{self._began:%Y-%m-%dT%H%M%SZ}-{self._commit}.json"
        run = {
            "began": self._began.isoformat(timespec="seconds"),
            "commit": self._commit,
            "models": self._models(),
            "differences": by_sentence(self.pairs),
            "probes": [
                {
                    "probe": pair.vendor.probe,
                    "service": pair.vendor_name,
                    "vendor": pair.vendor.as_json(),
                    "standin": pair.standin.as_json(),
                }
                for pair in self.pairs
            ],
        }
        path.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
        return path

    def _models(self) -> dict[str, Any]:
        chat, speech = self.services.chat, self.services.speech
        return {
            "streaming": self.services.streaming.models,
            "chat": chat.model if chat else None,
            "speech": speech.model if speech else None,
        }


def by_sentence(pairs: list[Pair]) -> dict[str, list[str]]:
    """Return each difference once, with the probes in which it was seen."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        for sentence in pair.differences:
            found.setdefault(sentence, []).append(pair.vendor.probe)
    return found


def times(recording: Recording) -> dict[str, int]:
    """Return how long what a caller would notice took, in milliseconds, where the probe has it."""
    moments = recording.moments
    ended = [frame.at_ms for frame in recording.of_kind("Turn") if frame.form.get("end_of_turn")]
    terminated = [frame.at_ms for frame in recording.of_kind("Termination")]
    spans = {
        "connected": (0, moments.get("connected")),
        "first token": (0, moments.get("first token")),
        "first audio": (0, moments.get("first audio")),
        "end of speech to final": (moments.get("end of speech"), ended[0] if ended else None),
        "ForceEndpoint to final": (moments.get("ForceEndpoint"), ended[0] if ended else None),
        "Terminate to Termination": (moments.get("Terminate"), terminated[0] if terminated else None),
    }
    return {name: end - start for name, (start, end) in spans.items() if start is not None and end is not None}
