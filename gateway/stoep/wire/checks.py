"""How the readings of a channel are judged: `[channels.x.quality]` of the catalogue, and what a node has otherwise.

All limits are in the channel's unit and hours. What is not said is not tested; the range of the catalogue always is.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

LONGEST_FLAT = 6.0  # hours; how far into a series a verdict may depend on, so far must be looked

Positive = Annotated[float, msgspec.Meta(gt=0)]
Hours = Annotated[float, msgspec.Meta(ge=0.5, le=LONGEST_FLAT)]
Test = Literal["usual", "spike", "rate", "flat_hours", "apart", "apart_hours", "humid"]


class Checks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tests of one channel. `sensor`: channels of one sensor stand still together. `follows`: made of another
    channel's reading, and as good as that.

    `usual`: beyond it a reading is suspect (QARTOD's user span). `spike`: above or below what came before and after by
    so much, suspect and fail. `rate`: change an hour, suspect and fail. `flat_hours`: the very same value for so long.
    `apart`: farther from the neighbours' median, or by more than `apart_share` of it, whichever is more; `apart_works`
    times as far while it or they are as they came from the works and not calibrated; with `apart_hours` in most of so
    many of the last hours in which the neighbours agreed; `apart_sensor`: so are the sensor's other channels then.
    `humid`: % of relative humidity above which nothing but neighbours makes a reading believed.
    """

    sensor: str | None = None
    follows: str | None = None
    usual: tuple[float, float] | None = None
    spike: tuple[Positive, Positive] | None = None
    rate: tuple[Positive, Positive] | None = None
    flat_hours: Hours | None = None
    apart: Positive | None = None
    apart_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    apart_works: Annotated[float, msgspec.Meta(ge=1, le=10)] = 1.0
    apart_hours: Annotated[float, msgspec.Meta(gt=0, le=12)] | None = None
    apart_sensor: bool = False
    humid: Annotated[float, msgspec.Meta(gt=0, lt=100)] | None = None


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one node has otherwise; `off` are tests that it is spared."""

    usual: tuple[float, float] | None = None
    spike: tuple[Positive, Positive] | None = None
    rate: tuple[Positive, Positive] | None = None
    flat_hours: Hours | None = None
    apart: Positive | None = None
    apart_share: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    apart_works: Annotated[float, msgspec.Meta(ge=1, le=10)] | None = None
    apart_hours: Annotated[float, msgspec.Meta(gt=0, le=12)] | None = None
    humid: Annotated[float, msgspec.Meta(gt=0, lt=100)] | None = None
    off: tuple[Test, ...] = ()

    def over(self, checks: Checks) -> Checks:
        """`checks` with this in its place."""
        said = {name: getattr(self, name) for name in self.__struct_fields__ if name != "off"}
        given = {name: value for name, value in said.items() if value is not None}
        return msgspec.structs.replace(checks, **(given | dict.fromkeys(self.off)))


def flaws(checks: Checks, lowest: float, highest: float) -> Iterator[tuple[str, str]]:
    """(key, what is wrong with it), for a channel with this range in its unit."""
    if checks.usual is not None and not lowest <= checks.usual[0] < checks.usual[1] <= highest:
        yield "usual", f"is no span within the channel's range, {lowest:g} to {highest:g}"
    for name in ("spike", "rate"):
        pair = getattr(checks, name)
        if pair is not None and pair[0] > pair[1]:
            yield name, "fails sooner than it is suspect: the first number must not be the greater one"
