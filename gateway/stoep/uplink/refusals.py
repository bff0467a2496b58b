"""What the broker does not want now: kept, tried again ever more rarely, and never in the way of the rest.

One message is held by itself. A topic on which several in a row were refused is held as a whole, for there the account
may not write, and a hundred thousand of its rows must not be tried one by one. A message over which the connection
breaks, or which alone stays unanswered, is held like one that was refused.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from stoep.clock import real

TOO_LARGE = 0x95
_OF_THE_TOPIC = {0x87: "let the account write there", 0x90: "ask the city what topics it takes"}
_FIRST_SECONDS = 30.0  # doubled with each refusal up to:
_LONGEST_SECONDS = 3600.0
_LONGEST_TOPIC_SECONDS = 600.0
_IN_A_ROW = 3  # refused messages of a topic until the topic is held
_STRIKES = 2  # broken connections until a message is held for them
_MOST = 1000  # held messages that are remembered; what is forgotten is tried earlier
_NAMED = 5


def named(reason: int) -> str:
    """An MQTT 5 reason code of a PUBACK, as people say it."""
    try:
        return f"{ReasonCode(PacketTypes.PUBACK, identifier=reason)}, {reason:#04x}"
    except (KeyError, ValueError, AssertionError):
        return "larger than it takes" if reason == TOO_LARGE else f"{reason:#04x}"


@dataclass
class _Hold:
    times: int = 0
    until: float = 0.0

    def again(self, longest: float) -> None:
        self.until = real() + min(_FIRST_SECONDS * 2**self.times, longest)
        self.times += 1


class Refusals:
    """By row and by topic; `released` is called when something may be tried again."""

    def __init__(self, released: Callable[[], None]) -> None:
        self._released = released
        self._rows: dict[int, _Hold] = {}
        self._topics: dict[str, _Hold] = {}
        self._in_a_row: Counter[str] = Counter()
        self._strikes: Counter[int] = Counter()
        self._reasons: dict[str, str] = {}
        self._next = float("inf")

    def refused(self, row: int | None, topic: str, reason: int) -> None:
        """`row` is None for a retained message, which is no row and not held here."""
        remedy = _OF_THE_TOPIC.get(reason)
        self._reasons[topic] = f"{named(reason)}; {remedy}" if remedy else named(reason)
        if row is None:
            return
        if remedy is not None:
            self._in_a_row[topic] += 1
        if self._in_a_row[topic] >= _IN_A_ROW and not self._holds(self._topics.get(topic)):
            self._topics.setdefault(topic, _Hold()).again(_LONGEST_TOPIC_SECONDS)
            self._next = min(self._next, self._topics[topic].until)
        self._hold(row)

    def struck(self, row: int, topic: str, why: str) -> None:
        """The connection ended over this message, as far as one can tell."""
        self._strikes[row] += 1
        if self._strikes[row] >= _STRIKES:
            self._reasons[topic] = why
            self._hold(row)

    def accepted(self, row: int | None, topic: str) -> None:
        self._reasons.pop(topic, None)
        if row is None:
            return
        self._rows.pop(row, None)
        self._strikes.pop(row, None)
        self._in_a_row.pop(topic, None)
        if self._topics.pop(topic, None) is not None:
            self._released()

    def holds(self, row: int, topic: str) -> bool:
        return self._holds(self._rows.get(row)) or self._holds(self._topics.get(topic))

    def turn(self) -> None:
        """Lets go what has been held long enough."""
        now = real()
        if now < self._next:
            return
        holds = [*self._rows.values(), *self._topics.values()]
        self._next = min((hold.until for hold in holds if hold.until > now), default=float("inf"))
        self._released()

    def status(self) -> dict[str, str]:
        """Topic → why the last message on it was refused; of the newest few."""
        return dict(list(self._reasons.items())[-_NAMED:])

    def _hold(self, row: int) -> None:
        hold = self._rows.pop(row, _Hold())
        hold.again(_LONGEST_SECONDS)
        self._rows[row] = hold
        self._next = min(self._next, hold.until)
        for memory in (self._rows, self._strikes, self._in_a_row, self._reasons):
            while len(memory) > _MOST:
                del memory[next(iter(memory))]  # type: ignore[arg-type]

    @staticmethod
    def _holds(hold: _Hold | None) -> bool:
        return hold is not None and hold.until > real()
