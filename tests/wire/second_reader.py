"""Uplinks and replies read by the letter of wire.cddl and its comments, without the gateway's code.

The shape is `contract.py`'s affair. Here is what the comments say: what counts from what, and which numbers make sense.
"""

import tomllib
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import cbor2

import contract
from stoep import resources

U32 = 0xFFFFFFFF
_CHANNELS = tomllib.loads((resources.wire_dir() / "channels.toml").read_text())
ALARM_CODES = {alarm["id"] for alarm in _CHANNELS["alarms"].values()}
LAYOUTS = {layout["id"]: len(layout["channels"]) for layout in _CHANNELS["layouts"].values()}  # how many values
SAMPLES, RUNS, LOST, ALARMS, FLOOR = 2, 3, 4, 5, 6
LIGHT = 6  # of a reply


class Content(NamedTuple):
    """All that an uplink says."""

    instance: bytes
    epoch: int
    tick: int
    floor: tuple[int, int]
    back: int | None
    samples: list[tuple[Any, ...]]  # epoch, seq, tick, values
    lost: list[tuple[int, ...]]
    alarms: list[tuple[Any, ...]]
    health: list[int] | None
    trace: bytes | None


class Senseless(Exception):  # noqa: N818 (what a message is)
    """Of the right shape, and yet not what a node can mean."""


def _sure(holds: bool) -> None:
    if not holds:
        raise Senseless


def _sample(epoch: int, seq: int, tick: int, latest: int, values: list[int | None]) -> tuple[Any, ...]:
    _sure(1 <= seq <= U32)
    _sure(0 <= tick <= latest)
    _sure(all(value is None or -(2**31) <= value < 2**31 for value in values))
    return epoch, seq, tick, tuple(values)


def _walk(epoch: int, items: list[Any], latest: int, whole: Callable[[list[Any]], tuple[int, int]]) -> list[Any]:
    # Each sample is whole, or begun by a negative number: so many ticks after the one before it.
    said: list[Any] = []
    for item in items:
        if item[0] < 0:
            _sure(bool(said))
            _sure(len(item) - 1 == len(said[-1][3]))  # the layout follows on
            said.append(_sample(epoch, said[-1][1] + 1, said[-1][2] - item[0], latest, item[1:]))
        else:
            said.append(_sample(epoch, *whole(item), latest, item[3:]))
    return said


def _usual(message: list[Any], before: tuple[int, int]) -> Content:
    instance, since, floor, _layout, age, *values = message
    epoch, tick = before[0], before[1] + since
    _sure(floor >= 1)
    _sure(tick <= U32)
    sample = _sample(epoch, floor + 1, tick - age, tick, values)
    return Content(instance, epoch, tick, (epoch, floor), 1, [sample], [], [], None, None)


def _report(message: list[Any]) -> Content:
    instance, epoch, tick, floor, parts = message
    _sure((floor == 0) == (FLOOR in parts))
    place = tuple(parts.get(FLOOR, (epoch, floor)))
    _sure(FLOOR not in parts or place[0] < epoch)
    _sure(place[1] >= 1)
    samples = _walk(epoch, parts.get(SAMPLES, []), tick, lambda item: (floor + item[0], tick - item[2]))
    for past, items in parts.get(RUNS, []):
        _sure(past < epoch)
        samples += _walk(past, items, U32, lambda item: (item[0], item[2]))
    lost = [tuple(item) for item in parts.get(LOST, [])]
    _sure(all(of <= epoch and 1 <= first <= last for of, first, last, _cause in lost))
    alarms = [tuple(item) for item in parts.get(ALARMS, [])]
    _sure(8 not in parts or alarms)
    _sure(all(alarm[0] <= epoch and alarm[2] in ALARM_CODES for alarm in alarms))
    _sure(all(alarm[5] is None or -(2**31) <= alarm[5] < 2**31 for alarm in alarms))
    return Content(instance, epoch, tick, place, parts.get(1), samples, lost, alarms, parts.get(7), parts.get(8))


def read(plain: bytes, before: tuple[int, int]) -> Content | None:
    """The content, or None for what no node says; a usual report counts from `before` (epoch, tick)."""
    if not contract.fits("uplink", plain):
        return None
    message = cbor2.loads(plain)
    try:
        return _report(message) if isinstance(message[-1], dict) else _usual(message, before)
    except Senseless:
        return None


def read_reply(plain: bytes) -> dict[int, Any] | int | None:
    """The content, by key, 0 for a challenge, or None for what no gateway says."""
    if not contract.fits("reply", plain):
        return None
    answer = cbor2.loads(plain)
    try:
        if answer and LIGHT in answer:
            _light(answer[LIGHT])
    except Senseless:
        return None
    said: dict[int, Any] | int = answer
    return said


def _light(light: list[Any]) -> None:
    dusk, dawn, *_ = light[1]
    _sure(dawn > dusk)
    for _generation, _secret, own, lamps in light[2:]:
        _sure(own < len(lamps))
        _sure(all(one[1] < other[1] for one, other in pairwise(lamps)))
