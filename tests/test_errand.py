"""What a dispatch's metadata says to the worker, beside what an operator wrote there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import errand
from worker.errand import Errand, agent_identity, is_agent_identity, taken_by

BACK = Errand(part=2, resume_of="AJ_1", identity="ada")


def test_what_was_written_is_read_again() -> None:
    assert errand.read(errand.write("", BACK)) == BACK


@pytest.mark.parametrize("metadata", ["", "no JSON", "[1]", "null", '{"tenant": 7}', '{"verbatim": 3}'])
def test_other_metadata_sends_an_agent_for_a_new_call(metadata: str) -> None:
    assert errand.read(metadata) == Errand()


@pytest.mark.parametrize("ours", [{"part": 0}, {"part": "first"}, {"resume_of": 7}, {"part": 10**9}])
def test_what_is_wrong_in_it_is_as_if_the_call_began(ours: dict[str, object]) -> None:
    assert errand.read(json.dumps({"verbatim": ours})) == Errand()


def test_keys_of_a_newer_version_are_passed_over() -> None:
    assert errand.read('{"verbatim": {"part": 2, "mood": "good"}}') == Errand(part=2)


def test_the_operator_s_own_keys_stay() -> None:
    written = errand.write('{"tenant": "ä"}', BACK)
    assert json.loads(written) == {"tenant": "ä", "verbatim": {"part": 2, "resume_of": "AJ_1", "identity": "ada"}}


@given(st.one_of(st.text(), st.dictionaries(st.text(), st.integers(), min_size=1).map(json.dumps)))
def test_the_operator_gets_back_what_was_there_however_often_it_was_written_into(metadata: str) -> None:
    if errand.KEY in metadata or metadata == "{}":
        return
    once = errand.write(metadata, Errand(identity="ada"))
    again = errand.write(once, errand.read(once).model_copy(update={"resume_of": "AJ_1"}))
    found = errand.own(again)
    assert found == metadata or json.loads(found) == json.loads(metadata)


def test_the_identity_of_an_agent_names_its_part() -> None:
    assert agent_identity("front.desk", 2) == "agent-front.desk-2"
    assert is_agent_identity("front.desk", "agent-front.desk-2")


@pytest.mark.parametrize(("identity", "part"), [("agent-verbatim-3", 3), ("agent-other-3", 2)])
def test_an_agent_is_of_the_part_that_its_identity_names(identity: str, part: int) -> None:
    assert taken_by(BACK, "verbatim", identity) == BACK.model_copy(update={"part": part})


@pytest.mark.parametrize(
    "identity", ["agent-frontXdesk-2", "agent-front.desk-", "agent-front.desk-2x", "agent-other-1"]
)
def test_others_are_no_agents_of_that_name(identity: str) -> None:
    assert not is_agent_identity("front.desk", identity)
