"""What a run of the kill matrix found: each struck call, judged by what was seen outside the worker."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.spoken_lines import LINES
from tests.faults.harm import Harm
from tests.faults.oracle import Verdict, judge, outside, unowned
from tests.rooms.surroundings import Stored, Surroundings
from worker.speech.spoken_lines import DIRECTORY
from worker.transcript.model import Transcript


@dataclass(frozen=True, slots=True)
class Ended:
    """One call that was struck, and what became of it.

    Attributes:
        harm: What happened to it.
        room: Its name.
        stored: Its transcript; None if that never became final, or its journal stayed.
        struck_at: From when on a final may have been on its way, in Unix seconds; None: all must be there.
        final_after_s: From the fault until the last manifest was written, or nobody waited any longer, in seconds.
        sentences: What its caller was given to say.
        stt_sessions: Ids of its recogniser's sessions.
        captions: What its caller's end saw of the agent's speech.
    """

    harm: Harm
    room: str
    stored: Stored | None
    struck_at: float | None
    final_after_s: float
    sentences: Sequence[str] = ()
    stt_sessions: Sequence[str] = ()
    captions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Struck:
    """One struck call and how its transcript compares with what was seen outside."""

    ended: Ended
    verdict: Verdict

    @property
    def events(self) -> int:
        """How many journal events the transcript was made from."""
        stored = self.ended.stored
        return sum(part.events for part in stored.transcript.parts) if stored is not None else 0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    harm: Harm
    kills: int
    calls: int
    events: int
    required: int
    lost: int
    duplicated: int
    unfinished: int
    final_p50_s: float
    final_max_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole run.

    Attributes:
        seed: With which it can be done again.
        struck: Every call.
        kills: How often each harm was done; one that is done to a worker strikes several calls.
        unowned: Texts that were spoken more often than all transcripts together have them.
        left: What was still in the directories of the journals at the end.
    """

    seed: int
    struck: Sequence[Struck]
    kills: Mapping[Harm, int]
    unowned: Sequence[str]
    left: Sequence[Path]

    def of(self, harm: Harm) -> list[Struck]:
        """The calls that a harm struck."""
        return [each for each in self.struck if each.ended.harm is harm]

    def row(self, harm: Harm) -> Row:
        """The figures of one harm."""
        calls = self.of(harm)
        verdicts = [each.verdict for each in calls]
        took = [each.ended.final_after_s for each in calls]
        return Row(
            harm=harm,
            kills=self.kills[harm],
            calls=len(calls),
            events=sum(each.events for each in calls),
            required=sum(verdict.required for verdict in verdicts),
            lost=sum(len(verdict.lost) for verdict in verdicts),
            duplicated=sum(len(verdict.doubled) for verdict in verdicts),
            unfinished=sum(each.ended.stored is None for each in calls),
            final_p50_s=statistics.median(took),
            final_max_s=max(took),
        )

    def table(self) -> list[str]:
        """All figures, as lines of text."""
        heads = ["kind", "kills", "calls", "events", "required", "lost", "duplicated", "unfinished"]
        lines = ["{:27}{:>5}{:>7}{:>8}{:>10}{:>6}{:>12}{:>12}".format(*heads) + "   final p50     max"]
        for row in map(self.row, Harm):
            lines.append(
                f"{row.harm:27}{row.kills:5}{row.calls:7}{row.events:8}{row.required:10}{row.lost:6}{row.duplicated:12}"
                f"{row.unfinished:12}{row.final_p50_s:10.1f} s{row.final_max_s:6.1f} s"
            )
        again = f"make kill-matrix COUNT={max(self.kills.values())} SEED={self.seed}"
        return [*lines, f"seed {self.seed}; again with: {again}"]


def outcome_of(
    seed: int,
    ended: Sequence[Ended],
    stt_log: Mapping[str, Any],
    openai_log: Mapping[str, Any],
    kills: Mapping[Harm, int],
    places: Sequence[Surroundings],
) -> Outcome:
    """Judges every call by the logs of the stand-ins and by what was stored at its place."""
    sessions = {session["id"]: session for session in stt_log["sessions"]}
    everything = {sentence for call in ended for sentence in call.sentences}
    struck = []
    for call in ended:
        seen = outside(call.sentences, [sessions[each] for each in call.stt_sessions], openai_log, call.captions)
        others = everything - set(call.sentences)
        transcript = call.stored.transcript if call.stored is not None else None
        struck.append(Struck(call, judge(seen, transcript, struck_at=call.struck_at, others=others)))
    # The lines for trouble belong to a worker, whoever needs them.
    by_calls = [request for request in openai_log["speech"] if request["input"] not in LINES["en"].values()]
    return Outcome(
        seed=seed,
        struck=struck,
        kills=kills,
        unowned=unowned(by_calls, [transcript for place in places for transcript in _all_stored(place)]),
        left=[path for place in places for path in _of_calls(place.journals)],
    )


def _of_calls(journals: Path) -> list[Path]:
    return sorted(path for path in journals.rglob("*") if path.relative_to(journals).parts[0] != DIRECTORY)


def _all_stored(place: Surroundings) -> Iterable[Transcript]:
    for path in place.transcripts.rglob("transcript.json"):
        yield Transcript.model_validate_json(path.read_text())
