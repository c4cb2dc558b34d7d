"""A call of three hours is one transcript like any other."""

import tracemalloc

import pytest

from bench.long_call import long_call
from worker.transcript.joining import join_files
from worker.transcript.render import FORMATS
from worker.transcript.render import json as as_json
from worker.transcript.replay import replay


@pytest.mark.slow
def test_a_call_of_three_hours_is_whole_in_every_form() -> None:
    data = long_call(minutes=180)
    middle = data.index(b"\n", len(data) // 2) + 1
    overlap = data.rindex(b"\n", 0, middle - 20_000) + 1
    whole, reading = join_files([data[:middle], data[overlap:]])
    assert (whole, reading.stop) == (data, None)
    transcript = replay([reading])
    assert transcript.complete
    assert [turn.role for turn in transcript.turns] == ["user", "agent"] * 720
    assert transcript.ended.ms == 3 * 60 * 60 * 1000
    assert as_json.read(as_json.render(transcript)) == transcript
    assert FORMATS["txt"](transcript).count("\n") == 8 + 1440
    assert "02:59:4" in FORMATS["srt"](transcript)


def test_reading_a_long_call_takes_memory_in_proportion() -> None:
    data = long_call(minutes=20)
    tracemalloc.start()
    try:
        replay([join_files([data])[1]])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A ninth of three hours, for which 100 MB are allowed.
    assert peak < 100e6 / 9
