"""The mutations fit the product, and the tests notice them. `make mutations` runs them all."""

import pytest

from tests.mutations.mutation import Copy, Edit, Fate, Mutation, NoLongerApplies
from tests.mutations.mutations import MUTATIONS

pytestmark = pytest.mark.slow

SOME = ("the journal is not synced", "the LLM does not wait for the journal", "a doubled final is kept twice")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("mutations"))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_every_mutation_still_applies(copy: Copy, mutation: Mutation) -> None:
    copy.check(mutation)


@pytest.mark.parametrize("name", SOME)
def test_a_mutation_is_caught(copy: Copy, name: str) -> None:
    (mutation,) = [each for each in MUTATIONS if each.name == name]
    assert copy.result(mutation).fate is Fate.CAUGHT


def test_a_mutation_that_changes_nothing_survives_and_leaves_the_copy_as_it_was(copy: Copy) -> None:
    comment = Edit("worker/transcript/line.py", "\ndef link(", "\n\ndef link(")
    harmless = Mutation("a blank line more", [comment], ["tests/transcript/test_line.py"])
    assert copy.result(harmless).fate is Fate.SURVIVED
    copy.check(harmless)


def test_a_mutation_whose_tests_are_gone_is_unclear(copy: Copy) -> None:
    assert copy.result(Mutation("none", [], ["tests/transcript/test_gone.py"])).fate is Fate.UNCLEAR


def test_an_edit_that_finds_no_text_is_named(copy: Copy) -> None:
    wrong = Mutation("old", [Edit("worker/transcript/line.py", "no such text", "")], [])
    with pytest.raises(NoLongerApplies, match="has 0 times"):
        copy.check(wrong)
