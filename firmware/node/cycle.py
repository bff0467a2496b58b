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
TAKING = (
    "taking", "kinds", "sensors", "health", "alarms", "payload", "settings", "watch", "thrift", "trust", "generated",
)  # fmt: skip
TALKING = "contact", "session", "report", "reply", "frame", "ccm", "kdf", "patience", "links", "generated"

_HIGHEST = const(65535)


class Cycle:
    """A node between waking and sleeping."""

    def __init__(self, device, identity, release):
        self._identity = identity
        self._channel = identity.channel
        self._lamp = None  # a lamppost's, see lamp/awake.py
        self._forget(("identity",))
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
        from node.generated.spelling import LOST_FULL

        self._life.declare(epoch, first, last, LOST_FULL)

    def run(self):
        """Wake after wake. Does not return."""
        while True:
            self._wake()
            self._rest(self._plan())

    def _wake(self):
        recalled = self._memory
        self._take_if_it_can()
        self._watchdog.feed()
        memory.note_heap(recalled)
        self._forget(TAKING)
        if recalled.alarms or not recalled.skip:
            self._report()
        else:
            recalled.skip -= 1  # nobody has answered for long: sampling goes on
        self._watchdog.feed()

    def _report(self):
        wanted = self._talk()
        memory.note_heap(self._memory)
        self._forget(TALKING)
        flaw = self._flaw()
        if wanted or flaw or self._life.good():
            self._settle(wanted, flaw)

    def _forget(self, names):
        staging.forget(*names)

    def _talk(self):
        from node.contact import Contact

        contact = Contact(self._identity, self._life, self._memory, self._ring, self._lamp, self._link())
        contact.talk()
        return contact.wanted

    def _take(self):
        from node import settings

        options = settings.load(self._life)
        self._interval = options.interval
        self._identity.channel = options.radio_channel or self._channel
        self._prepare(options)
        from node.taking import Taking

        Taking(self._memory, self._ring).run(self._identity.kind, options, self._whole, self._lamp)

    def _prepare(self, _options):
        # What is due before anything is measured.
        pass

    def _link(self):
        # What to talk by; None: ESP-NOW.
        return None

    def _flaw(self):
        # Why the link in use cannot be, see `[refusals]` in channels.toml; 0: nothing speaks against it.
        return 0

    def _take_if_it_can(self):
        try:
            self._take()
        except Exception as failure:
            if self._whole:
                raise
            from node import crash

            print("safe mode failure=%s" % type(failure).__name__)  # the talk is what counts now
            crash.keep(failure, self._life, self._memory)

    def _settle(self, wanted, flaw):
        from node import desired

        recalled = self._memory
        if flaw:
            desired.give_up(self._life, recalled, flaw)
        elif recalled.unanswered:
            desired.unanswered(self._life, recalled)
        else:
            desired.answered(self._life)
        if wanted:
            desired.take(self._life, recalled, wanted, self._identity.kind)

    def _plan(self):
        # The tick now; the next wake is planned, and does not slip by the length of this one.
        from node import thrift, trust

        recalled = self._memory
        now = clock.tick()
        interval = thrift.interval(recalled, self._interval)
        planned = recalled.next_wake + interval
        if not now < planned <= now + interval:
            planned = now + interval
        recalled.next_wake = planned
        trust.ended(recalled, self._whole)
        return now

    def _rest(self, now):
        from node import watch

        recalled = self._memory
        seconds, watching = watch.rest(recalled, recalled.watched and Pin(recalled.watched, Pin.IN).value(), now)
        memory.keep(recalled)
        power.sleep(seconds * 1000, recalled.watched if watching else None)
