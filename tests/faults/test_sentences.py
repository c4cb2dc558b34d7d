"""The callers' sentences are what the oracle needs them to be."""

from standins.openai.replies import REPEAT, rule_for
from tests.faults.sentences import COUNT, sentence


def test_no_two_sentences_are_the_same() -> None:
    assert len({sentence(number) for number in range(COUNT)}) == COUNT


def test_no_sentence_leads_the_dialogue_to_a_topic() -> None:
    words = {word for number in range(COUNT) for word in sentence(number).lower().split()}
    told = [word for word in words if rule_for(word) or REPEAT.search(word)]
    assert told == []
