"""One wake of a node: sample, keep, send what the gateway has not got, hear the reply, sleep.

The order is the promise: a sample is on flash before it is sealed. Its sensors' code makes room before the code that
talks to the gateway comes: the two together would not fit a board's heap.
"""

from machine import Pin
from micropython import const

from node import clock, flash, memory, patience, power, settings, staging
from node.generated import catalogue as its
from node.life import Life
from node.memory import Memory
from node.payload import pack_alarm, pack_values
from node.ring import ALARM, SAMPLE, Ring

_MOST_ALARMS = const(8)


def _kind(name, options, recalled, feed):
    if name == "bin":
        from node.kinds.bin import Bin

        return Bin(options, recalled, feed)
    if name == "bench":
        from node.kinds.bench import Bench

        return Bench(options, recalled, feed)
    if name == "lamppost":
        from node.kinds.lamppost import Lamppost

        return Lamppost(options, recalled, feed)
    raise ValueError("no kind named %s in this release" % name)


class Cycle:
    """A node between waking and sleeping."""

    def __init__(self, device, identity, release):
        self._identity = identity
        self._watchdog = power.watchdog()
        self._life = Life(device)
        if not self._life.alive:
            raise ValueError("the frame counter is gone: commission this board again, with a new secret")
        recalled = memory.recall() if power.cause() != "power" else None
        if recalled is not None and not self._is_of_this_life(recalled):
            recalled = None
        self._memory = recalled or self._cold_boot()
        self._whole = patience.begin(self._memory, clock.tick())
        print("boot cause=%s epoch=%d release=%s" % (power.cause(), self._memory.epoch, release))
        self._ring = Ring(device, flash.RING, self._give_up)
        self._find_place(recalled is None)
        memory.keep(self._memory)
        self._options = settings.load(self._life)

    def _is_of_this_life(self, recalled):
        # A board commissioned again without a power cut remembers counters that flash has not reserved for this secret.
        return recalled.epoch == self._life.epoch and recalled.reserved <= self._life.reserved

    def _cold_boot(self):
        fresh = Memory()
        fresh.epoch, free, fresh.reserved = self._life.cold_boot()
        fresh.counter = free - 1
        return fresh

    def _find_place(self, cold):
        # A reset between flash and memory: the flash is right.
        epoch, seq = self._ring.last()
        if epoch == self._memory.epoch and seq > self._memory.seq:
            self._memory.seq = seq
        if cold:
            self._memory.alarms = [(alarm.sector, alarm.at) for alarm in self._ring.alarms()][:_MOST_ALARMS]

    def _give_up(self, epoch, first, last):
        # Samples on the gateway's disk are no loss.
        durable = self._memory.durable
        if (epoch, last) <= durable:
            return
        if epoch == durable[0] and first <= durable[1]:
            first = durable[1] + 1
        self._life.declare(epoch, first, last, its.LOST_FULL)

    def run(self):
        """The wake, up to deep sleep. Does not return."""
        for alarm in patience.alarms(self._memory):
            self._alarm(clock.tick(), *alarm)
        if self._whole:
            self._measure()
        else:
            print("safe mode unfinished=%d" % self._memory.unfinished)
        self._watchdog.feed()
        staging.forget("node.kinds", "node.sensors", "node.health", "node.alarms", "node.watch", "node.thrift")
        if not patience.may_skip(self._memory, self._memory.alarms):
            from node.contact import Contact

            Contact(self._identity, self._life, self._memory, self._ring).talk()
        self._watchdog.feed()
        self._rest()

    def _measure(self):
        options, recalled = self._options, self._memory
        from node import thrift

        kind = _kind(self._identity.kind, options, recalled, self._watchdog.feed)
        recalled.watched = kind.watched if options.sampling and recalled.thrift < thrift.SPARING else 0
        if options.sampling:
            self._sample(kind)

    def _sample(self, kind):
        from node import health, thrift, watch

        counts = kind.sample()
        tick = clock.tick()  # when the last value was complete
        recalled = self._memory
        self._ring.append(SAMPLE, recalled.epoch, recalled.seq + 1, tick, pack_values(kind.layout, counts))
        recalled.seq += 1
        recalled.moves = 0
        said = ["%s=%d" % (its.CHANNELS[channel][0], counts[channel]) for channel in sorted(counts)]
        print("sample epoch=%d seq=%d tick=%d %s" % (recalled.epoch, recalled.seq, tick, " ".join(said)))
        news = thrift.alarms(recalled, counts, self._options.low_mv)
        news += kind.alarms(counts, tick) + health.alarms(recalled) + watch.alarms(recalled, tick)
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
        recalled.alarms = (recalled.alarms + [place])[-_MOST_ALARMS:]
        recalled.raised ^= 1 << code
        said = (recalled.epoch, recalled.number, code, raised, value)
        print("alarm epoch=%d number=%d code=%d raised=%d value=%d" % said)

    def _rest(self):
        # The plan does not slip by the length of a wake.
        from node import thrift, watch

        recalled = self._memory
        now = clock.tick()
        interval = thrift.interval(recalled, self._options.interval)
        planned = recalled.next_wake + interval
        if not now < planned <= now + interval:
            planned = now + interval
        recalled.next_wake = planned
        patience.ended(recalled, self._whole)
        seconds, watching = watch.rest(recalled, recalled.watched and Pin(recalled.watched, Pin.IN).value(), now)
        memory.keep(recalled)
        power.sleep(seconds * 1000, recalled.watched if watching else None)
