"""A channel's checks in counts, as the tests want them."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple

from stoep.refine.quality.qartod import HOUR
from stoep.store.windows import SECONDS
from stoep.wire.channels import Channel
from stoep.wire.checks import Checks


class Limits(NamedTuple):
    """As `Checks`, in counts and µs; `apart` and `humid` are judged beside the neighbours."""

    sensor: str | None
    follows: int | None  # a channel
    sensor_span: tuple[float, float]
    usual: tuple[float, float] | None
    spike: tuple[float, float] | None
    rate: tuple[float, float] | None  # an hour
    flat: int | None
    apart: float | None
    apart_share: float
    apart_works: float
    apart_windows: int  # 0: each is judged for itself
    apart_sensor: bool
    humid: float | None  # 0.01 %


@cache
def limits(channel: Channel, checks: Checks, leader: int | None = None) -> Limits:
    """`leader`: the number of the channel that this one follows."""
    scale = 10**channel.decimals

    def pair(span: tuple[float, float] | None) -> tuple[float, float] | None:
        return None if span is None else (span[0] * scale, span[1] * scale)

    return Limits(
        checks.sensor,
        leader,
        (channel.lowest, channel.highest),
        pair(checks.usual),
        pair(checks.spike),
        pair(checks.rate),
        None if checks.flat_hours is None else round(checks.flat_hours * HOUR),
        None if checks.apart is None else checks.apart * scale,
        checks.apart_share,
        checks.apart_works,
        0 if checks.apart_hours is None else round(checks.apart_hours * HOUR / (SECONDS * 1_000_000)),
        checks.apart_sensor,
        None if checks.humid is None else checks.humid * 100,
    )


def limits_of(channels: Collection[Channel], otherwise: Mapping[int, Checks]) -> dict[int, Limits]:
    """By channel; `otherwise` are a node's own checks."""
    numbers = {channel.name: channel.id for channel in channels}
    return {
        channel.id: limits(channel, checks, None if checks.follows is None else numbers[checks.follows])
        for channel in channels
        for checks in (otherwise.get(channel.id, channel.checks),)
    }
