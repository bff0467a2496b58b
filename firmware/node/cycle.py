"""One wake of a node: sample, keep, send what the gateway has not got, hear the reply, sleep.

The order is the promise: a sample is on flash before it is sealed. Its sensors' code makes room before the code that
talks to the gateway comes: the two together would not fit a board's heap.
"""

from machine import Pin
from micropython import const

from node import clock, flash, memory, power, staging
from node.life import Life
from node.memory import Memory
from node.ring import Ring

# What each part of a wake leaves behind in the heap:
_TAKING = (
    "taking", "kinds", "sensors", "health", "alarms", "payload", "settings", "watch", "thrift", "trust", "generated",
)  # fmt: skip
_TALKING = "contact", "session", "report", "reply", "frame", "ccm", "kdf", "patience", "links", "generated", "lamp.told"
_LAMP = "watch", "frame", "ccm", "kdf", "links"  # which it needs at any time

_HIGHEST = const(65535)


class Cycle:
    """A node between waking and sleeping."""

    def __init__(self, device, identity, release):
        self._identity = identity
        self._channel = identity.channel
        self._lamp = None
        self._link = 0  # by which it shall talk
        self._wifi = None  # the link it uses beside ESP-NOW, see links/choice.py,
        self._flaw = 0  # and what speaks against it
        self._watchdog = power.watchdog()
        self._life = Life(device)
        if not self._life.alive:
            raise ValueError("the frame counter is gone: commission this board again, with a new secret")
        recalled = memory.recall() if power.cause() != "power" else None
        if recalled is not None and not self._is_of_this_life(recalled):
            recalled = None
        self._memory = recalled or self._cold_boot()
        if power.cause() == "watchdog":
            self._memory.watchdogs = min(self._memory.watchdogs + 1, _HIGHEST)
            self._memory.untold |= memory.HEALTH
        from node import trust

        self._whole = trust.begin(self._memory, clock.tick())
        print("boot cause=%s epoch=%d release=%s" % (power.cause(), self._memory.epoch, release))
        self._ring = Ring(device, flash.RING, lambda: self._memory.durable, self._give_up)
        self._find_place()
        memory.keep(self._memory)

    def _is_of_this_life(self, recalled):
        # A board commissioned again without a power cut remembers counters that flash has not reserved for this secret.
        return recalled.epoch == self._life.epoch and recalled.reserved <= self._life.reserved

    def _cold_boot(self):
        fresh = Memory()
        fresh.epoch, free, fresh.reserved = self._life.cold_boot()
        fresh.counter = free - 1
        return fresh

    def _find_place(self):
        # A reset between flash and memory: the flash is right.
        epoch, seq = self._ring.last()
        if epoch == self._memory.epoch and seq > self._memory.seq:
            self._memory.seq = seq

    def _give_up(self, epoch, first, last):
        from node.generated.catalogue import LOST_FULL

        self._life.declare(epoch, first, last, LOST_FULL)

    def run(self):
        """The wake, up to deep sleep; a lamppost stays awake and serves its lamp. Does not return."""
        while True:
            self._wake()
            self._rest()

    def _wake(self):
        recalled = self._memory
        self._take_if_it_can()
        self._watchdog.feed()
        memory.note_heap(recalled)
        self._forget(_TAKING)
        if recalled.alarms or not recalled.skip:
            wanted = self._talk()
            memory.note_heap(recalled)
            self._forget(_TALKING)
            if self._lamp and self._wifi is not None:
                from node.links import choice

                self._flaw = choice.flaw(self._lamp.follows, self._wifi)
                del choice
                staging.forget("links.choice")
            if wanted or self._flaw or self._life.good():
                self._settle(wanted)
        else:
            recalled.skip -= 1  # nobody has answered for long: sampling goes on
        self._watchdog.feed()

    def _forget(self, names):
        staging.forget(*[name for name in names if not (self._lamp and name in _LAMP)])

    def _talk(self):
        from node.contact import Contact

        link = None
        if self._link and not self._lamp:
            from node.links import choice

            link = choice.alone(self._identity, self._memory.bridge)
        contact = Contact(self._identity, self._life, self._memory, self._ring, self._lamp, link)
        contact.talk()
        return contact.wanted

    def _take(self):
        from node import settings

        options = settings.load(self._life)
        self._interval = options.interval
        self._identity.channel = options.radio_channel or self._channel
        if self._identity.kind == "lamppost":
            self._link = options.link
            if self._whole:
                self._switch_on()
        from node.taking import Taking

        Taking(self._memory, self._ring).run(self._identity.kind, options, self._whole, self._lamp)

    def _switch_on(self):
        from node.links.espnow import Link

        if self._lamp is None:
            from node.lamp.post import Post

            self._lamp = Post(self._identity, self._memory, Link(self._identity.channel, self._memory.bridge))
        self._lamp.tune(self._identity.channel)
        self._flaw = 0
        if self._link or self._wifi is not None:
            from node.links import choice

            self._wifi = choice.choose(self._lamp, self._identity, self._wifi, self._link)
            del choice
            staging.forget("links.choice", "generated")

    def _take_if_it_can(self):
        try:
            self._take()
        except Exception as failure:
            if self._whole:
                raise
            from node import crash

            print("safe mode failure=%s" % type(failure).__name__)  # the talk is what counts now
            crash.keep(failure, self._life, self._memory)

    def _settle(self, wanted):
        from node import desired

        recalled = self._memory
        if self._flaw:
            desired.give_up(self._life, recalled, self._flaw)
        elif recalled.unanswered:
            desired.unanswered(self._life, recalled)
        else:
            desired.answered(self._life)
        if wanted:
            desired.take(self._life, recalled, wanted, self._identity.kind)

    def _rest(self):
        # The plan does not slip by the length of a wake.
        from node import thrift, trust, watch

        recalled = self._memory
        now = clock.tick()
        interval = thrift.interval(recalled, self._interval)
        planned = recalled.next_wake + interval
        if not now < planned <= now + interval:
            planned = now + interval
        recalled.next_wake = planned
        trust.ended(recalled, self._whole)
        if self._lamp:
            self._whole = trust.begin(recalled, now)  # what goes wrong while it stays awake counts, too
            memory.keep(recalled)
            del thrift, trust, watch
            self._forget(_TAKING)
            self._lamp.stay(planned)
            return
        seconds, watching = watch.rest(recalled, recalled.watched and Pin(recalled.watched, Pin.IN).value(), now)
        memory.keep(recalled)
        power.sleep(seconds * 1000, recalled.watched if watching else None)
