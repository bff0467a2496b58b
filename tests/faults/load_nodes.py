"""The nodes of a large street, as the gateway sees them: they take samples, keep what is not durable, say it again.

What each of them took, and when, is written down beside the gateway, for whoever judges what the city got.
"""

import hashlib
import random
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stoep.resources import wire_dir
from stoep.wire import frame
from stoep.wire.frame import ForgedError
from stoep.wire.messages import Alarm, Origin, Place, Sample, Uplink
from stoep.wire.replies import Answer, Challenge, read_reply

WINDOW = 900
MARGIN = 10.0  # seconds that no sample is taken near a border of windows: as wrong as the gateway lets a date be
PER_FRAME = 4  # of ten readings each, in 250 bytes, also with whole ticks
_ALARM = 6  # safe mode: one that every kind has
_FRESH = bytes(4)
_NOTHING = Place(0, 0)
_SKIPPED = 1000  # counters a cold boot steps over
_ABSENT = 0.01  # of the readings: the sensor had nothing to say
_KINDS = ("bin", "bench", "lamppost")
_LAYOUTS = {"bin": "bin_moving", "bench": "bench", "lamppost": "lamppost_hours"}
# What a channel shows in a street, in the integers of the wire; narrow, as a few hours' weather is.
_USUAL = {
    "temperature": (800, 2600),
    "humidity": (4000, 9000),
    "pressure": (-1500, 1500),
    "fill_distance": (250, 1300),
    "fill_level": (0, 100),
    "battery_voltage": (-300, 400),
    "co2": (0, 300),
    "pm1_0": (1, 40),
    "pm2_5": (1, 60),
    "pm10": (1, 90),
    "motion_count": (0, 12),
    "solar_voltage": (0, 6500),
    "lid_count": (0, 4),
    "tilt": (0, 4),
    "lamp_energy": (0, 9000),
    "lamp_energy_fixed": (0, 9000),
    "lamp_lit": (0, 900),
}
_CATALOGUE: dict[str, Any] = tomllib.loads((wire_dir() / "channels.toml").read_text(encoding="utf-8"))


class Taken(NamedTuple):
    """A sample as it truly was: who, when (Unix seconds), what (wire integers, None: no reading)."""

    kid: str
    utc: float
    readings: dict[str, int | None]


@dataclass
class LoadNode:
    """One node: `rate` ticks of its clock in a true second, `began` the true time of its cold boot."""

    name: str
    kid: bytes
    kind: str
    secret: bytes
    chance: random.Random
    rate: float = 1.0
    began: float = 0.0
    epoch: int = 0
    seq: int = 0
    counter: int = 0
    heard: int = 0  # the last counter that was answered, 0 after a cold boot
    instance: bytes = _FRESH
    durable: Place = _NOTHING
    held: dict[Place, Sample] = field(default_factory=dict)
    received: Sequence[tuple[int, int, int]] = ()
    raised: dict[tuple[int, int], Alarm] = field(default_factory=dict)  # not yet on the gateway's disk
    alarms: set[tuple[int, int]] = field(default_factory=set)  # (epoch, number) of all of them
    taken_back: int = 0  # times a reply named less as durable than one before it
    _before: Origin | None = None
    _took: dict[Place, float] = field(default_factory=dict)
    _said: dict[Place, float] = field(default_factory=dict)
    _delays: dict[Place, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._keys = frame.uplink_keys(self.secret)
        layout = _CATALOGUE["layouts"][_LAYOUTS[self.kind]]
        self._layout, self._channels = layout["id"], layout["channels"]

    def boot(self, utc: float, *, drift: float) -> None:
        """Cold: a new epoch, a clock that begins at zero and goes wrong in its own way."""
        self.rate = 1 + self.chance.uniform(-drift, drift)
        self.began = utc
        self.epoch += 1
        self.seq = self.heard = 0
        self.counter += _SKIPPED
        self.instance, self._before, self.received = _FRESH, None, ()

    def tick(self, utc: float) -> int:
        return int((utc - self.began) * self.rate)

    def take(self, utc: float) -> Taken:
        """A sample, kept until it is durable."""
        self.seq += 1
        readings = {
            channel: None if self.chance.random() < _ABSENT else self.chance.randint(*_USUAL[channel])
            for channel in self._channels
        }
        place = Place(self.epoch, self.seq)
        self.held[place] = Sample(*place, self._layout, self.tick(utc), tuple(readings.values()))
        self._took[place] = utc
        return Taken(self.kid.hex(), utc, readings)

    def alarm(self, utc: float) -> None:
        """Raises one, or takes the one before back."""
        key = self.epoch, len(self.alarms) + 1
        self.alarms.add(key)
        self.raised[key] = Alarm(*key, _ALARM, self.tick(utc), len(self.alarms) % 2 == 1, 7)

    def delays(self) -> Iterable[float]:
        """After how many seconds each sample was heard to be received."""
        return self._delays.values()

    def has_more(self) -> bool:
        """Whether something is held that the gateway was not heard to have received."""
        return next(self._unsaid(), None) is not None

    def report(self, utc: float) -> bytes:
        """The newest sample and the oldest ones, sealed: in the usual form where that says it all."""
        unsaid = list(self._unsaid())
        chosen = sorted({*unsaid[: PER_FRAME - 1], *unsaid[-1:]})
        samples = tuple(self.held[place] for place in chosen)
        self._said = {place: utc - self._took[place] for place in chosen}
        floor = min(self.held, default=Place(self.epoch, self.seq + 1))
        alarms = tuple(self.raised.values())[:2]
        back = self.counter + 1 - self.heard if self.heard else None
        uplink = Uplink(self.instance, self.epoch, self.tick(utc), floor, back, samples, alarms=alarms)
        self.counter += 1
        before = self._before if back == 1 else None
        self._before = Origin(self.epoch, uplink.tick)
        return frame.seal_uplink(self._keys, self.kid, self.counter, uplink.to_bytes(before))

    def answered(self, reply: bytes) -> Answer | Challenge | None:
        """Opens what answers the last frame; None when it does not."""
        try:
            instance, plain = frame.open_reply(self.secret, self.kid, self.counter, reply)
        except ForgedError:
            return None
        content = read_reply(plain)
        if instance != self.instance or isinstance(content, Challenge):
            self.instance, self.received, self._before, self.heard = instance, (), None, 0
        if isinstance(content, Answer):
            self.heard = self.counter
            self.received = content.received
            self.raised = {key: alarm for key, alarm in self.raised.items() if key not in content.alarms}
            self._delays = self._said | self._delays
            if content.durable < self.durable:
                self.taken_back += 1
            self.durable = max(self.durable, content.durable)
            self.held = {place: sample for place, sample in self.held.items() if place > content.durable}
        return content

    def _unsaid(self) -> Iterator[Place]:
        spans = self.received
        return (
            place
            for place in self.held
            if not any(epoch == place.epoch and first <= place.seq <= last for epoch, first, last in spans)
        )


def street(count: int, seed: int) -> list[LoadNode]:
    """`count` nodes of the three kinds in turn, powered on by nobody yet."""
    nodes = []
    for number in range(1, count + 1):
        kind = _KINDS[number % len(_KINDS)]
        secret = hashlib.sha256(b"%d %d" % (seed, number)).digest()
        kid = b"\xc0" + number.to_bytes(3, "big")
        nodes.append(LoadNode(f"{kind}-{number}", kid, kind, secret, random.Random(f"{seed} {number}")))
    return nodes


def off_border(utc: float) -> float:
    """The nearest time that is MARGIN away from where one window ends and the next begins."""
    into = utc % WINDOW
    return utc - into + min(max(into, MARGIN), WINDOW - MARGIN)
