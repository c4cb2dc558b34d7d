"""Names from outside become harmless components, the same on every node."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.storage.names import encode, journal_path, prefix, segment


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("support-42", "support-42"),
        ("a b/c", "a%20b%2Fc"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("%2e%2e", "%252e%252e"),
        ("a\0b\nc", "a%00b%0Ac"),
        ("", "%"),
        ("é", "%C3%A9"),
        ("a\\b:c*", "a%5Cb%3Ac%2A"),
        ("x" * 120, "x" * 120),
    ],
)
def test_a_name_is_percent_encoded(name: str, encoded: str) -> None:
    assert encode(name) == encoded


def test_a_longer_name_is_its_first_80_bytes_and_a_hash() -> None:
    encoded = encode("x" * 121)
    assert encoded.startswith("x" * 80 + "-")
    assert len(encoded) == 97
    assert encoded != encode("x" * 122)


@given(st.text(alphabet=st.characters(), max_size=300), st.text(alphabet=st.characters(), max_size=300))
def test_names_are_short_harmless_and_told_apart(one: str, other: str) -> None:
    encoded = encode(one)
    assert 0 < len(encoded.encode("ascii")) <= 120
    assert not set(encoded) & set("/\\ \0\n")
    assert not encoded.startswith(".")
    assert (encode(other) == encoded) == (other == one)


def test_a_journal_lies_under_its_transcript() -> None:
    path = journal_path(Path("/j"), "RM_1-my agent", "AJ/1")
    assert path == Path("/j/RM_1-my%20agent/AJ%2F1.jsonl")


@pytest.mark.parametrize("created", ["2026-11-21T23:30:00-02:00", "2026-11-22T01:30:00Z", "2026-11-22T01:30:00"])
def test_the_date_of_a_key_is_that_of_the_room_in_utc(created: str) -> None:
    assert prefix(created, "my room", "RM_1-a") == "2026/11/22/my%20room/RM_1-a"


def test_segments_sort_by_their_number() -> None:
    keys = [segment("p", "AJ_1", number) for number in (1, 2, 10)]
    assert keys == sorted(keys)
    assert keys[0] == "p/parts/AJ_1/000001.jsonl"
