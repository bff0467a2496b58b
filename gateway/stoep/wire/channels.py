"""The channel catalogue: what a number on the wire means. Its only home is `firmware/wire/channels.toml`."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from stoep.resources import wire_dir
from stoep.wire.checks import Checks

_FAILING = "_failing"
Leaves = Literal["reading", "sum", "never"]  # as what the readings of a channel may leave the gateway


@dataclass(frozen=True)
class Channel:
    """One measured quantity; value = counts / 10^decimals, counts = wire + offset."""

    id: int
    name: str
    unit: str
    decimals: int
    offset: int
    lowest: int
    highest: int
    leaves: Leaves = "reading"
    checks: Checks = field(default_factory=Checks)  # what its readings are tested for

    @property
    def counts_people(self) -> bool:
        """Whether its sum is a number of movements, of which few may tell of one person."""
        return self.leaves == "sum" and self.unit == "1"

    def value(self, counts: int) -> int | float:
        """The exact value in the channel's unit."""
        return counts if self.decimals == 0 else counts / 10**self.decimals

    def mean(self, total: int, count: int) -> float:
        """The mean of `count` readings that add up to `total` counts, to two places more than a reading has."""
        return float(round(total / count / 10**self.decimals, self.decimals + 2))


@dataclass(frozen=True)
class AlarmKind:
    id: int
    name: str
    channel: Channel


@dataclass(frozen=True)
class Setting:
    """What may differ from node to node of these `kinds` (none: of all); a number from `lowest` to `highest`."""

    id: int
    name: str
    lowest: int
    highest: int
    default: int
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    channels: dict[int, Channel]
    layouts: dict[int, tuple[Channel, ...]]
    kinds: dict[int, str]  # of the nodes that measure by a layout
    alarms: dict[int, AlarmKind]
    causes: dict[int, str]
    settings: dict[str, Setting]
    refusals: dict[int, str]  # why a node gave settings up, by what travels in the place of a setting's id

    @property
    def sensors(self) -> list[str]:
        """The names of the sensors whose failures a node counts, in the order it counts them."""
        ordered = sorted(self.alarms.values(), key=lambda alarm: alarm.id)
        return [alarm.name.removesuffix(_FAILING) for alarm in ordered if alarm.name.endswith(_FAILING)]

    def refusal(self, flaw: int) -> str:
        """Why a node refused settings or gave them up, by the number that it says."""
        if flaw in self.refusals:
            return self.refusals[flaw]
        if not flaw:
            return "nobody answered under them"
        names = {setting.id: setting.name for setting in self.settings.values()}
        return f"{names.get(flaw, f'setting {flaw}')} cannot be so on this node"


class _Channel(msgspec.Struct):
    id: int
    unit: str
    decimals: int
    offset: int
    lowest: int
    highest: int
    leaves: Leaves = "reading"
    quality: Checks = Checks()


class _Layout(msgspec.Struct):
    id: int
    channels: list[str]


class _Alarm(msgspec.Struct):
    id: int
    channel: str


class _Setting(msgspec.Struct):
    id: int
    lowest: int
    highest: int
    default: int
    kinds: tuple[str, ...] = ()


class _Refusal(msgspec.Struct):
    id: int
    meaning: str


class _File(msgspec.Struct):
    channels: dict[str, _Channel]
    layouts: dict[str, _Layout]
    alarms: dict[str, _Alarm]
    lost: dict[str, int]
    settings: dict[str, _Setting]
    refusals: dict[str, _Refusal]


def load(file: Path) -> Catalogue:
    with file.open("rb") as opened:
        raw = msgspec.convert(tomllib.load(opened), _File)
    named = {
        name: Channel(c.id, name, c.unit, c.decimals, c.offset, c.lowest, c.highest, c.leaves, c.quality)
        for name, c in raw.channels.items()
    }
    return Catalogue(
        channels={channel.id: channel for channel in named.values()},
        layouts={layout.id: tuple(named[name] for name in layout.channels) for layout in raw.layouts.values()},
        kinds={layout.id: name.partition("_")[0] for name, layout in raw.layouts.items()},
        alarms={alarm.id: AlarmKind(alarm.id, name, named[alarm.channel]) for name, alarm in raw.alarms.items()},
        causes={number: name for name, number in raw.lost.items()},
        settings={
            name: Setting(s.id, name, s.lowest, s.highest, s.default, s.kinds) for name, s in raw.settings.items()
        },
        refusals={refusal.id: refusal.meaning for refusal in raw.refusals.values()},
    )


@cache
def catalogue() -> Catalogue:
    """The catalogue this package ships with."""
    return load(wire_dir() / "channels.toml")
