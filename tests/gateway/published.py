"""The published schemas as a judge of whatever reaches the city in any test."""

import json
from collections import Counter
from pathlib import Path

from stoep.listen.checking import Checker
from stoep.uplink import contract
from stoep_twin import deliveries

MADE_UP = "made-up"  # the site of messages that a test invents to see how they travel
RELEASED = sorted((Path(contract.__file__).parent / "schemas" / "released").glob("*.json"))
validated: Counter[str] = Counter()  # in this run of the tests, by message
_MOST = 5  # sentences about one message


def _as_of(file: Path) -> Checker:
    """What a consumer of that day would check by, who takes what is added."""
    schemas = json.loads(file.read_text(encoding="utf-8"))["schemas"]
    return Checker({name: contract.opened(schema) for name, schema in schemas.items()})


_CHECKER = Checker()
_YESTERDAYS = {file.stem: _as_of(file) for file in RELEASED}


class Misfit(AssertionError):  # noqa: N818 (it is what a test fails with)
    """A message that is not what its schema says, or a topic that asyncapi.json does not name."""


def misfits(topic: str, payload: bytes) -> list[str]:
    """What is wrong with a message, with its topic and field; counted when nothing is."""
    _, flaws = _CHECKER.read(topic, payload)
    if flaws:
        return [f"{topic}: {flaw}" for flaw in flaws[:_MOST]]
    known = contract.topic_of(topic)
    assert known is not None
    for day, checker in _YESTERDAYS.items():
        if found := checker.read(topic, payload)[1]:
            return [f"{topic}, to a consumer of {day}: {flaw}" for flaw in found[:_MOST]]
    validated[known.message] += 1
    return []


def judge(found: list[str]) -> None:
    """Raises `Misfit` with what was found."""
    if found:
        more = f"\nand {len(found) - _MOST} more" if len(found) > _MOST else ""
        raise Misfit("\n".join(found[:_MOST]) + more)


def validate(topic: str, payload: bytes) -> None:
    """Raises `Misfit` unless the message is what its schema says."""
    judge(misfits(topic, payload))


def delivered(topic: str, payload: bytes) -> list[str]:
    """As `misfits`, of what came from a broker, but for what tests send the gateway or invent."""
    return [] if topic.endswith("/set") or topic.split("/")[2] == MADE_UP else misfits(topic, payload)


def validate_streets(folder: Path) -> int:
    """Holds whatever a city got in the virtual streets that ran under `folder` against its schema; how many."""
    count = 0
    for file in sorted(folder.rglob(deliveries.FILE)):
        for topic, payload in deliveries.read(file):
            count += 1
            if not topic.endswith("/set"):
                validate(topic, payload)
    return count
