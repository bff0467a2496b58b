"""One wake of a node: sample, keep, send what the gateway has not got, hear the reply, sleep.

The order is the promise: a sample is on flash before it is sealed. Its sensors' code makes room before the code that
talks to the gateway comes: the two together would not fit a board's heap.
"""

from machine import Pin

from node import clock, flash, memory, power, staging

# What each part of a wake leaves behind in the heap:
TAKING = (
    "taking", "keeping", "kinds", "sensors", "health", "alarms", "payload", "settings", "watch", "moves", "thrift",
    "trust", "generated",
)  # fmt: skip
TALKING = "contact", "session", "telling", "report", "reply", "frame", "ccm", "kdf", "patience", "links", "generated"


class Cycle:
    """A node between waking and sleeping."""

    def __init__(self, device, identity, release):
        self._device = device
        self._identity = identity
        self._channel = identity.channel
        self._lamp = None  # a lamppost's, see lamp/awake.py
        self._opened_life = self._opened_ring = None
        self._forget(("identity", "start"))
        self._watchdog = power.watchdog()
        from node import waking

        self._memory, self._whole = waking.begin(self._life(), release)
        waking.find_place(self._memory, self._ring())
        memory.keep(self._memory)
        del waking
        self._forget(("waking", "recall"))

    def _life(self):
        if self._opened_life is None:
            from node.life import Life

            self._opened_life = Life(self._device)
        return self._opened_life

    def _ring(self):
        if self._opened_ring is None:
            from node.ring import Ring

            self._opened_ring = Ring(self._device, flash.RING, lambda: self._memory.durable, self._give_up)
        return self._opened_ring

    def _held(self):
        # The ring as it is read by whoever tells of it.
        return self._ring()

    def _give_up(self, epoch, first, last):
        from node.generated.spelling import LOST_FULL

        self._life().declare(epoch, first, last, LOST_FULL)

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
        if wanted or flaw or self._life().good():
            self._settle(wanted, flaw)

    def _forget(self, names):
        staging.forget(*names)

    def _talk(self):
        from node.contact import Contact

        contact = Contact(self._identity, self._life(), self._memory, self._held(), self._lamp, self._link())
        contact.talk()
        return contact.wanted

    def _take(self):
        from node import settings, trust

        recalled = self._memory
        options = settings.load(self._life())
        self._interval = options.interval
        self._identity.channel = options.radio_channel or self._channel
        news = trust.alarms(recalled)
        if news:
            self._keep(None, None, clock.tick(), news)
        del settings, trust
        self._prepare(options)
        if not self._whole:
            print("safe mode unfinished=%d" % recalled.unfinished)
            return
        from node import taking

        taken = taking.measure(self._identity.kind, options, recalled, self._lamp)
        del taking
        self._forget(("taking", "kinds", "sensors", "health", "alarms", "thrift", "watch", "generated"))
        if taken:
            self._keep(*taken)

    def _keep(self, layout, counts, tick, news):
        from node import keeping

        ring = self._ring()
        if layout:
            keeping.sample(self._memory, ring, layout, counts, tick)
        keeping.alarms(self._memory, ring, tick, news)
        memory.keep(self._memory)

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
            crash.keep(failure, self._life(), self._memory)

    def _settle(self, wanted, flaw):
        from node import desired

        recalled = self._memory
        if flaw:
            desired.give_up(self._life(), recalled, flaw)
        elif recalled.unanswered:
            desired.unanswered(self._life(), recalled)
        else:
            desired.answered(self._life())
        if wanted:
            desired.take(self._life(), recalled, wanted, self._identity.kind)

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
