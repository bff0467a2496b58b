"""The published schemas as a judge of whatever reaches the city in any test."""

from collections import Counter

from stoep.listen.checking import Checker
from stoep.uplink import contract

validated: Counter[str] = Counter()  # in this run of the tests, by message
_CHECKER = Checker()
_MOST = 5  # sentences about one message


class Misfit(AssertionError):  # noqa: N818 (it is what a test fails with)
    """A message that is not what its schema says, or a topic that asyncapi.json does not name."""


def misfits(topic: str, payload: bytes) -> list[str]:
    """What is wrong with a message, with its topic and field; counted when nothing is."""
    _, flaws = _CHECKER.read(topic, payload)
    if flaws:
        return [f"{topic}: {flaw}" for flaw in flaws[:_MOST]]
    known = contract.topic_of(topic)
    assert known is not None
    validated[known.message] += 1
    return []


def validate(topic: str, payload: bytes) -> None:
    """Raises `Misfit` unless the message is what its schema says."""
    if found := misfits(topic, payload):
        raise Misfit("; ".join(found))
