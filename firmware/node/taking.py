"""The part of a wake that measures; its code makes room before that comes which keeps what was measured."""

from micropython import const

from node import clock, memory

_DAY = const(86400)


def measure(name, options, recalled, lamp=None):
    """What a node called `name` measures: (layout, counts, tick, news); None when it shall not. `news` are alarms."""
    from node import thrift

    recalled.wholes += 1
    kind = _kind(name, options, recalled, lamp)
    recalled.watched = kind.watched if options.sampling and recalled.thrift < thrift.SPARING else 0
    del thrift
    if not options.sampling:
        return None
    counts = kind.sample()
    tick = clock.tick()  # when the last value was complete
    return kind.layout, counts, tick, _news(kind, counts, tick, recalled, options.low_mv)


def _news(kind, counts, tick, recalled, low_mv):
    from node import health, thrift, watch

    failing = health.alarms(recalled)
    if failing or tick - recalled.told >= _DAY:
        recalled.untold |= memory.HEALTH
    return thrift.alarms(recalled, counts, low_mv) + kind.alarms(counts, tick) + failing + watch.alarms(recalled, tick)


def _kind(name, options, recalled, lamp):
    if name == "bin":
        from node.kinds.bin import Bin

        return Bin(options, recalled)
    if name == "bench":
        from node.kinds.bench import Bench

        return Bench(options, recalled)
    if name == "lamppost":
        from node.kinds.lamppost import Lamppost

        return Lamppost(recalled, lamp)
    raise ValueError("no kind named %s in this release" % name)
