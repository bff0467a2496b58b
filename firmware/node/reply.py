"""Reading a reply: what `wire/wire.cddl` calls `reply`, checked for shape before anybody acts on it."""

from micropython import const

from node import cbor

_DURABLE = const(1)
_RECEIVED = const(2)
_COMMITTED = const(3)
_UTC = const(4)
_SETTINGS = const(5)
_LIGHT = const(6)
_MOST_RANGES = const(4)
_MOST_ALARMS = const(8)
_MOST_SETTINGS = const(16)


class Answer:
    """What the gateway answered.

    `durable` (epoch, seq), `received` [(epoch, first, last)], `alarms` [(epoch, number)],
    `utc` seconds since 2000, or None when the gateway does not trust its clock; `settings` {id: value} as the gateway
    wishes them, or None; `light` as `lamp/told.py` reads it, or None.
    """

    def __init__(self, durable, received, alarms, utc, settings=None, light=None):
        self.durable = durable
        self.received = received
        self.alarms = alarms
        self.utc = utc
        self.settings = settings
        self.light = light


def decode(plain):
    """An Answer, or None for a challenge. Raises ValueError for anything else."""
    thing = cbor.decode(plain)
    if isinstance(thing, int) and thing == 0:
        return None
    if not isinstance(thing, dict):
        raise ValueError("neither answer nor challenge")  # noqa: TRY004 (a shape, not a type)
    for key in thing:
        if not _DURABLE <= key <= _LIGHT:
            raise ValueError("unknown key %d" % key)
    utc = thing.get(_UTC)
    if _UTC in thing:
        _check(utc, 0xFFFFFFFF)
    settings = thing.get(_SETTINGS)
    if _SETTINGS in thing:
        _check_settings(settings)
    light = None
    if _LIGHT in thing:
        from node import staging
        from node.lamp import told  # which other kinds never hear, and have no room for

        light = told.light(thing[_LIGHT])
        del told
        staging.forget("lamp.told")  # a lamppost has none either while the talk goes on
    return Answer(
        _tuple(thing.get(_DURABLE), 2),
        _tuples(thing, _RECEIVED, 3, _MOST_RANGES),
        _tuples(thing, _COMMITTED, 2, _MOST_ALARMS),
        utc,
        settings,
        light,
    )


def _check(number, highest):
    if not isinstance(number, int) or not 0 <= number <= highest:
        raise ValueError("not a number from 0 to %d" % highest)


def _check_settings(settings):
    if not isinstance(settings, dict) or not 1 <= len(settings) <= _MOST_SETTINGS:
        raise ValueError("no map of 1 to %d settings" % _MOST_SETTINGS)
    for key, value in settings.items():
        _check(key, 0xFFFFFFFFFFFFFFFF)  # one that this firmware does not know is no misshape
        _check(value, 0xFFFFFFFF)


def _tuple(item, count):
    # An epoch and one or two numbers.
    if not isinstance(item, list) or len(item) != count:
        raise ValueError("not %d numbers" % count)
    _check(item[0], 0xFFFF)
    for number in item[1:]:
        _check(number, 0xFFFFFFFF)
    return tuple(item)


def _tuples(thing, key, count, most):
    if key not in thing:
        return []
    items = thing[key]
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise ValueError("key %d is no list of 1 to %d" % (key, most))
    return [_tuple(item, count) for item in items]
