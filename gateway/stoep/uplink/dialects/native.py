"""Our own dialect: topics and JSON under `stoep/1/`."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from stoep import __version__
from stoep.clock import timestamp
from stoep.store.nodes import Identity
from stoep.store.verdict import flag_of, reason_of
from stoep.store.windows import SECONDS, Reading, Summary, TimeQuality, Total
from stoep.wire.channels import Catalogue, Channel
from stoep.wire.messages import Alarm, Health, Sample


class Moment(Protocol):
    """When something was, and how well that is known."""

    @property
    def utc(self) -> float: ...

    @property
    def quality(self) -> TimeQuality: ...


class Heard(Protocol):
    """The last that was heard of a node."""

    @property
    def epoch(self) -> int: ...

    @property
    def tick(self) -> int: ...

    @property
    def rssi(self) -> int | None: ...

    @property
    def held(self) -> int: ...

    @property
    def health(self) -> Health | None: ...


class Result(Protocol):
    """What came of a command of the city: which (`number` is ours, `id` the city's), whose, what, why, since when."""

    @property
    def number(self) -> int: ...

    @property
    def node(self) -> str: ...

    @property
    def kid(self) -> bytes | None: ...

    @property
    def id(self) -> str | None: ...

    @property
    def result(self) -> str: ...

    @property
    def reason(self) -> str | None: ...

    @property
    def version(self) -> int | None: ...

    @property
    def utc(self) -> int | None: ...


def _quality(marked: int) -> dict[str, Any]:
    return {"flag": int(flag_of(marked)), "reason": reason_of(marked).words}


class Native:
    """Composes what the city reads; (key, topic, payload) for what goes through the outbox."""

    def __init__(self, site: str, generation: int, catalogue: Catalogue) -> None:
        self._site = site
        self._generation = generation
        self._catalogue = catalogue
        self.gateway_topic = f"stoep/1/{site}/gateway"
        self.set_topic = f"stoep/1/{site}/+/set"  # what the city wants of its nodes

    def _topic(self, node: str, what: str) -> str:
        return f"stoep/1/{self._site}/{node}/{what}"

    def _who(self, identity: Identity) -> dict[str, Any]:
        return {"site": self._site, "node": identity.name, "kid": identity.kid.hex(), "kind": identity.kind}

    def _channel(self, channel: Channel, total: Total) -> dict[str, Any]:
        said: dict[str, Any] = {"unit": channel.unit, "count": total.count}
        names = ("min", "mean", "max", "last") if channel.leaves == "reading" else ("sum",)
        if not total.count:
            said |= dict.fromkeys(names)
        elif channel.leaves == "reading":
            mean = channel.mean(total.total, total.count)
            values = (channel.value(total.lowest), mean, channel.value(total.highest), channel.value(total.last))
            said |= zip(names, values, strict=True)
        else:
            said["sum"] = channel.value(total.total)
        return {
            **said,
            "rejected": total.rejected,
            "quality": _quality(total.mark),
            "time_quality": TimeQuality(total.time).word,
        }

    @staticmethod
    def mark(payload: bytes) -> bytes:
        """The same message, sent as part of the backlog."""
        return payload.removesuffix(b"}") + b',"backlog":true}'

    def _window(self, identity: Identity, window: Summary) -> dict[str, Any]:
        channels = {
            channel.name: self._channel(channel, window.totals[number])
            for number, channel in self._catalogue.channels.items()
            if number in window.totals and channel.leaves != "never"
        }
        return {
            **self._who(identity),
            "start": timestamp(window.start),
            "seconds": SECONDS,
            "generation": self._generation,
            "revision": window.revision,
            "partial": window.partial,
            "channels": channels,
        }

    def window(self, identity: Identity, window: Summary) -> tuple[str, str, bytes]:
        key = f"window {identity.kid.hex()} {window.start}"
        payload = msgspec.json.encode(self._window(identity, window))
        return key, self._topic(identity.name, "window"), payload

    def sample(
        self, identity: Identity, sample: Sample, readings: Iterable[Reading], moment: Moment
    ) -> tuple[str, str, bytes] | None:
        """The single readings, but for those that would tell who passes; None where none is left."""
        values = {
            channel.name: {
                "value": channel.value(counts),
                "unit": channel.unit,
                "quality": _quality(marked),
                "time_quality": moment.quality.word,
            }
            for channel, counts, marked in readings
            if channel.leaves == "reading"
        }
        if not values:
            return None
        document = {
            **self._who(identity),
            "epoch": sample.epoch,
            "seq": sample.seq,
            "time": timestamp(moment.utc),
            "channels": values,
        }
        key = f"sample {identity.id} {sample.epoch} {sample.seq}"
        return key, self._topic(identity.name, "sample"), msgspec.json.encode(document)

    def event(self, identity: Identity, alarm: Alarm, moment: Moment | None) -> tuple[str, str, bytes]:
        kind = self._catalogue.alarms[alarm.code]
        value = None if kind.channel.leaves == "never" else alarm.value
        document = {
            **self._who(identity),
            "alarm": kind.name,
            "raised": alarm.raised,
            "value": None if value is None else kind.channel.value(value + kind.channel.offset),
            "unit": kind.channel.unit,
            "traceback": None if alarm.trace is None else alarm.trace.decode(errors="replace"),
            "epoch": alarm.epoch,
            "number": alarm.number,
            "time": None if moment is None else timestamp(moment.utc),
            "time_quality": None if moment is None else moment.quality.word,
        }
        key = f"event {identity.id} {alarm.epoch} {alarm.number}"
        return key, self._topic(identity.name, "event"), msgspec.json.encode(document)

    def _health(self, health: Health) -> dict[str, Any]:
        return {
            "wakes": health.wakes,
            "watchdog_resets": health.watchdogs,
            "crashes": health.crashes,
            "frames_sent": health.sent,
            "frames_unanswered": health.unheard,
            "heap_free_least": health.heap,
            "ring_used_percent": health.ring,
            "light": f"{health.light:08x}" if health.light else None,
            "settings": {
                "version": f"{health.version:08x}",
                "refused": f"{health.refused:08x}" if health.refused else None,
                "reason": self._catalogue.refusal(health.flaw) if health.refused else None,
            },
            "failed_readings": dict(zip(self._catalogue.sensors, health.failed, strict=True)),
        }

    def state(
        self,
        identity: Identity,
        window: Summary | None,
        heard: Heard | None,
        heard_utc: float | None,
        condition: Mapping[str, Any] = MappingProxyType({}),
    ) -> tuple[str, bytes]:
        """Retained; `heard_utc` is None while the clock is not trusted, `condition` empty before the first survey."""
        health: dict[str, Any] = {}
        if heard is not None:
            health = {
                "last_heard": None if heard_utc is None else timestamp(heard_utc),
                "epoch": heard.epoch,
                "tick": heard.tick,
                "rssi": heard.rssi,
                "held": heard.held,
                "node": None if heard.health is None else self._health(heard.health),
            }
        document = {
            **self._who(identity),
            "last_window": None if window is None else self._window(identity, window),
            "health": {**health, **condition} or None,
            "versions": {"gateway": __version__},
        }
        return self._topic(identity.name, "state"), msgspec.json.encode(document)

    def result(self, said: Result) -> tuple[str, str, bytes]:
        """What came of a command; said again under the same key, it takes the place of the one before."""
        document = {
            "site": self._site,
            "node": said.node,
            "kid": None if said.kid is None else said.kid.hex(),
            "id": said.id,
            "result": said.result,
            "reason": said.reason,
            "settings": None if said.version is None else f"{said.version:08x}",
            "time": None if said.utc is None else timestamp(said.utc),
        }
        key = f"set {said.number} {said.result}"
        return key, self._topic(said.node, "set/result"), msgspec.json.encode(document)

    def ledger(self, day: str, revision: int, content: Mapping[str, Any]) -> tuple[str, str, bytes]:
        """The receipt of a UTC day ("2026-06-01"), in samples; the highest (generation, revision) of a day counts."""
        said = {"site": self._site, "day": day, "generation": self._generation, "revision": revision, **content}
        return f"ledger {day}", f"stoep/1/{self._site}/ledger", msgspec.json.encode(said)

    def gateway(self, status: Mapping[str, Any]) -> bytes:
        return msgspec.json.encode({"site": self._site, "status": "online", "version": __version__, **status})

    def offline(self) -> bytes:
        """The last will."""
        return msgspec.json.encode({"site": self._site, "status": "offline"})
