"""One command of the city as it is kept; what reads it back knows what is not as it was written."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from stoep.errors import CorruptError


class Result(StrEnum):
    """What came of a command; the first two are not the end of it."""

    ACCEPTED = "accepted"
    SENT = "sent"  # in a reply to the node, whose next word tells whether it heard
    APPLIED = "applied"
    EXPIRED = "expired"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


OPEN = (Result.ACCEPTED, Result.SENT)
DOUBTFUL = 0  # in the place of `expires`: it may have been done already and never fires again


class Step(NamedTuple):
    """`at` is Unix seconds, None while the clock was not trusted."""

    at: int | None
    result: Result
    why: str | None


@dataclass(frozen=True)
class Command:
    """One message of the city; `kid` None: no such node, `id` None: it has none that could be read."""

    number: int
    node: str
    kid: bytes | None
    id: str | None
    sender: str | None
    expires: int | None
    content: str
    received: int | None
    result: Result
    version: int | None
    steps: tuple[Step, ...]


def steps_of(number: int, steps: str) -> tuple[Step, ...]:
    """What came of the command `number`. Raises CorruptError."""
    try:
        return msgspec.json.decode(steps, type=tuple[Step, ...])
    except msgspec.DecodeError as error:
        raise CorruptError(f"the steps of command {number} are not as they were written ({error})") from error


def settings_of(kid: bytes, text: str) -> dict[int, int]:
    """What the city gave the node `kid`. Raises CorruptError."""
    try:
        return msgspec.json.decode(text, type=dict[int, int])
    except msgspec.DecodeError as error:
        raise CorruptError(f"the city's settings of {kid.hex()} are not as they were written ({error})") from error
