"""What a lamppost is told of tonight and of its lamp group: `light` in `wire.cddl`, and nothing else's business."""

from dataclasses import dataclass, field
from typing import NamedTuple

from stoep.errors import MalformedError
from stoep.wire.shape import U32, integer, listed

SECONDS = 200_000  # a time lies within so many of the tick that is answered
FARTHEST = 10_000  # decimetres
MOST_LAMPS = 12
SECRET = 16  # bytes
FULL = 1000  # permille
_U16 = 65535
_KID = 4
_GROUP = 4  # generation, secret, own, lamps


class Plan(NamedTuple):
    """A night: times in seconds, from whatever origin; `base` and `dim` in permille of full light."""

    dusk: int
    dawn: int
    base: int
    dim: int
    dim_from: int
    dim_to: int
    half_from: int
    half_to: int

    def since(self, origin: int) -> "Plan":
        """The same night, its times counted from `origin`."""
        times = {name: value - origin for name, value in self._asdict().items() if name not in _LEVELS}
        return self._replace(**times)


_LEVELS = ("base", "dim")


class Lamp(NamedTuple):
    kid: bytes
    position: int  # decimetres


@dataclass(frozen=True)
class Share:
    """What one lamp knows of its group: the lamps around it in the order of the street, itself at the index `own`."""

    generation: int
    secret: bytes = field(repr=False)
    own: int
    lamps: tuple[Lamp, ...]

    def content(self) -> list[object]:
        return [self.generation, self.secret, self.own, [list(lamp) for lamp in self.lamps]]


@dataclass(frozen=True)
class Light:
    """`version` names all of it but the plan's origin, which in a reply is the tick of the frame answered."""

    version: int
    plan: Plan
    group: Share | None = None

    def content(self) -> list[object]:
        content: list[object] = [self.version, list(self.plan)]
        return content if self.group is None else [*content, self.group.content()]


def read_light(part: object) -> Light:
    """Raises MalformedError for what no gateway says."""
    version, plan, *group = listed(part, 2, 3)
    return Light(integer(version, 0, U32), _plan(plan), _share(group[0]) if group else None)


def _plan(part: object) -> Plan:
    items = listed(part, len(Plan._fields), len(Plan._fields))
    limits = ((0, FULL) if name in _LEVELS else (-SECONDS, SECONDS) for name in Plan._fields)
    plan = Plan(*(integer(item, *limit) for item, limit in zip(items, limits, strict=True)))
    if plan.dawn <= plan.dusk:
        raise MalformedError("dawn before dusk")
    return plan


def _bytes(value: object, size: int) -> bytes:
    if type(value) is not bytes or len(value) != size:
        raise MalformedError(f"not {size} bytes")
    return value


def _share(part: object) -> Share:
    generation, secret, own, spelled = listed(part, _GROUP, _GROUP)
    lamps: list[Lamp] = []
    for item in listed(spelled, 1, MOST_LAMPS):
        kid, position = listed(item, 2, 2)
        lowest = lamps[-1].position + 1 if lamps else 0
        lamps.append(Lamp(_bytes(kid, _KID), integer(position, lowest, FARTHEST)))
    own = integer(own, 0, len(lamps) - 1)
    return Share(integer(generation, 0, _U16), _bytes(secret, SECRET), own, tuple(lamps))
