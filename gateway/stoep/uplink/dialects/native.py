"""Our own dialect: topics and JSON under `stoep/1/`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, Protocol

import msgspec

from stoep import __version__
from stoep.clock import timestamp
from stoep.store.air import SCOPE, AirIndex
from stoep.store.nodes import Identity
from stoep.store.verdict import flag_of, reason_of
from stoep.store.windows import (
    FINER,
    SECONDS,
    Corrected,
    Fill,
    Reading,
    Summary,
    TimeQuality,
    Total,
    Uncorrected,
)
from stoep.wire.channels import Catalogue, Channel
from stoep.wire.messages import Alarm, Health, Sample

_PLACES = 2  # of an hour's mean
Publish = Literal["raw", "corrected", "both"]


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


def finer(channel: Channel) -> Channel:
    """The same, in which a corrected reading is counted."""
    return replace(channel, decimals=channel.decimals + FINER)


def _middle(channel: Channel, total: Total) -> dict[str, Any]:
    if not total.count:  # all of them failed, or there was none
        return dict.fromkeys(("min", "mean", "max", "last"))
    return {
        "min": channel.value(total.lowest),
        "mean": channel.mean(total.total, total.count),
        "max": channel.value(total.highest),
        "last": channel.value(total.last),
    }


def _fine(channel: Channel, total: Total) -> dict[str, Any]:
    fine = finer(channel)
    return {**_middle(fine, total), "mean": round(fine.mean(total.total, total.count), fine.decimals)}


def _fill(fill: Fill) -> dict[str, Any]:
    hours = None if fill.full_in is None else dict(zip(("hours", "from", "to"), fill.full_in, strict=True))
    return {
        "emptied": None if fill.emptied is None else timestamp(fill.emptied),
        "emptied_confidence": fill.sure,
        "full_in": hours,
        "reason": fill.reason,
    }


def _quality(marked: int) -> dict[str, Any]:
    return {"flag": int(flag_of(marked)), "reason": reason_of(marked).words}


class Native:
    """Composes what the city reads; (key, topic, payload) for what goes through the outbox."""

    def __init__(
        self, site: str, generation: int, catalogue: Catalogue, *, publish: Publish = "both", smallest: int = 0
    ) -> None:
        self._site = site
        self._publish = publish
        self._generation = generation
        self._catalogue = catalogue
        self._smallest = smallest  # of movements; of fewer the number stays in the street
        self.gateway_topic = f"stoep/1/{site}/gateway"
        self.set_topic = f"stoep/1/{site}/+/set"  # what the city wants of its nodes

    def _topic(self, node: str, what: str) -> str:
        return f"stoep/1/{self._site}/{node}/{what}"

    def _who(self, identity: Identity) -> dict[str, Any]:
        return {"site": self._site, "node": identity.name, "kid": identity.kid.hex(), "kind": identity.kind}

    def _channel(self, channel: Channel, total: Total, corrected: Corrected | Uncorrected | None) -> dict[str, Any]:
        said: dict[str, Any] = {"unit": channel.unit, "count": total.count}
        if channel.leaves == "reading":
            said |= self._both(_middle(channel, total), corrected, lambda fine: _fine(channel, fine))
        elif not total.count:
            said["sum"] = None
        elif channel.counts_people and total.total < self._smallest:
            said |= {"sum": None, "suppressed": f"fewer than {self._smallest}"}
        else:
            said["sum"] = channel.value(total.total)
        return {
            **said,
            "rejected": total.rejected,
            "quality": _quality(total.mark),
            "time_quality": TimeQuality(total.time).word,
        }

    def _both(
        self,
        raw: dict[str, Any],
        corrected: Corrected | Uncorrected | None,
        values: Callable[[Total], dict[str, Any]],
    ) -> dict[str, Any]:
        """The values that count, and beside them those that were measured, as the settings wish it."""
        if corrected is None or self._publish == "raw":
            return raw
        if isinstance(corrected, Uncorrected):
            return {**raw, "uncorrected": corrected.reason}
        said = {**values(corrected.total), "correction": {"version": corrected.version, "name": corrected.name}}
        return {**said, "raw": raw} if self._publish == "both" else said

    @staticmethod
    def mark(payload: bytes) -> bytes:
        """The same message, sent as part of the backlog."""
        return payload.removesuffix(b"}") + b',"backlog":true}'

    def _window(self, identity: Identity, window: Summary) -> dict[str, Any]:
        channels = {
            channel.name: self._channel(channel, window.totals[number], window.corrected.get(number))
            for number, channel in self._catalogue.channels.items()
            if number in window.totals and channel.leaves != "never"
        }
        if window.expected is not None:
            channels = {name: {**said, "expected": window.expected} for name, said in channels.items()}
        said = {
            **self._who(identity),
            "start": timestamp(window.start),
            "seconds": SECONDS,
            "generation": self._generation,
            "revision": window.revision,
            "partial": window.partial,
            "channels": channels,
            **({} if window.air is None else {"air_quality": self._air(window.air)}),
        }
        if window.fill is not None:
            channels["fill_level"]["robust"] = window.fill.robust
            said["fill"] = _fill(window.fill)
        return said

    @staticmethod
    def _air(air: AirIndex) -> dict[str, Any]:
        return {
            "index": air.index,
            "band": air.band,
            "pollutant": air.pollutant,
            "reason": air.reason,
            "scope": SCOPE,
            "means": {name: float(round(mean, _PLACES)) for name, mean in air.means.items()},
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
            reading.channel.name: {**self._reading(reading), "time_quality": moment.quality.word}
            for reading in readings
            if reading.channel.leaves == "reading"
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

    def _reading(self, reading: Reading) -> dict[str, Any]:
        channel = reading.channel
        raw = {"value": channel.value(reading.counts)}
        said = self._both(raw, reading.corrected, lambda fine: {"value": finer(channel).value(fine.last)})
        if "raw" in said:
            said["raw"] = raw["value"]
        flag = _quality(reading.mark)
        return {**said, "unit": channel.unit, "quality": flag}

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
