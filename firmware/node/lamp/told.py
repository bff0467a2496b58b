"""Reading what the gateway tells a lamp: tonight and its group, `light` in `wire/wire.cddl`, checked for shape.

light   (version, plan, group or None)
plan    (dusk, dawn, base, dim, dim from, dim to, half from, half to)     seconds since the tick answered; permille
group   (generation, secret, own, ((kid, decimetres), ...))
"""

from micropython import const

_SECONDS = const(200000)
_PERMILLE = const(1000)
_LEVELS = const((2, 3))  # of a plan; the rest are times
_MOST_LAMPS = const(12)
_FARTHEST = const(10000)


def light(item):
    """The light that `item` of a reply spells. Raises ValueError for anything else."""
    if not isinstance(item, list) or not 2 <= len(item) <= 3:
        raise ValueError("no version, plan and group")
    version = _number(item[0], 0, 0xFFFFFFFF)
    return version, _plan(item[1]), _group(item[2]) if len(item) == 3 else None


def _number(item, lowest, highest):
    if not isinstance(item, int) or not lowest <= item <= highest:
        raise ValueError("not a number from %d to %d" % (lowest, highest))
    return item


def _array(item, least, most):
    if not isinstance(item, list) or not least <= len(item) <= most:
        raise ValueError("not %d to %d things" % (least, most))
    return item


def _bytes(item, size):
    if not isinstance(item, bytes) or len(item) != size:
        raise ValueError("not %d bytes" % size)
    return item


def _plan(item):
    for at, number in enumerate(_array(item, 8, 8)):
        lowest, highest = (0, _PERMILLE) if at in _LEVELS else (-_SECONDS, _SECONDS)
        _number(number, lowest, highest)
    if item[1] <= item[0]:
        raise ValueError("dawn before dusk")
    return tuple(item)


def _group(item):
    generation, secret, own, lamps = _array(item, 4, 4)
    _number(generation, 0, 0xFFFF)
    _bytes(secret, 16)
    last = -1
    for lamp in _array(lamps, 1, _MOST_LAMPS):
        kid, last = _array(lamp, 2, 2)[0], _number(lamp[1], last + 1, _FARTHEST)
        _bytes(kid, 4)
    _number(own, 0, len(lamps) - 1)
    return generation, secret, own, tuple([tuple(lamp) for lamp in lamps])
