"""The part of a wake that measures: a sample to flash, and its alarms; its code makes room before the radio's comes."""

from micropython import const

from node import clock, health, memory, thrift, trust, watch
from node.generated import catalogue as its
from node.payload import pack_alarm, pack_values
from node.ring import ALARM, SAMPLE

_DAY = const(86400)


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


class Taking:
    """What is measured goes to `ring`, what is to be remembered to `recalled`."""

    def __init__(self, recalled, ring):
        self._memory = recalled
        self._ring = ring

    def run(self, name, options, whole, lamp=None):
        """A sample, if this wake is a `whole` one of a `name`, and what there is to be alarmed about."""
        recalled = self._memory
        for alarm in trust.alarms(recalled):
            self._alarm(clock.tick(), *alarm)
        if not whole:
            print("safe mode unfinished=%d" % recalled.unfinished)
            return
        recalled.wholes += 1
        kind = _kind(name, options, recalled, lamp)
        recalled.watched = kind.watched if options.sampling and recalled.thrift < thrift.SPARING else 0
        if options.sampling:
            self._sample(kind, options.low_mv)

    def _sample(self, kind, low_mv):
        counts = kind.sample()
        tick = clock.tick()  # when the last value was complete
        recalled = self._memory
        self._ring.append(SAMPLE, recalled.epoch, recalled.seq + 1, tick, pack_values(kind.layout, counts))
        recalled.seq += 1
        recalled.moves = 0
        said = ["%s=%d" % (its.CHANNELS[channel][0], counts[channel]) for channel in sorted(counts)]
        print("sample epoch=%d seq=%d tick=%d %s" % (recalled.epoch, recalled.seq, tick, " ".join(said)))
        news = thrift.alarms(recalled, counts, low_mv)
        failing = health.alarms(recalled)
        if failing or tick - recalled.told >= _DAY:
            recalled.untold |= memory.HEALTH
        news += kind.alarms(counts, tick) + failing + watch.alarms(recalled, tick)
        for alarm in news:
            self._alarm(tick, *alarm)
        memory.keep(recalled)

    def _alarm(self, tick, code, raised, channel, value):
        recalled = self._memory
        recalled.number += 1
        memory.keep(recalled)  # a number is spent before it is on flash: a gap is harmless, a second use is not
        place = self._ring.append(
            ALARM, recalled.epoch, recalled.number, tick, pack_alarm(code, raised, channel, value)
        )
        if len(recalled.alarms) == memory.MOST_ALARMS:
            recalled.alarms.pop(0)
            recalled.more = 1
        recalled.alarms.append(place)
        recalled.raised ^= 1 << code
        memory.keep(recalled)  # whatever becomes of this wake, it is raised
        said = (recalled.epoch, recalled.number, code, raised, value)
        print("alarm epoch=%d number=%d code=%d raised=%d value=%s" % said)
