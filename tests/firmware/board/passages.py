"""A street of lamps that hear each other, and who passes it: what the estimator is shown in its tests.

Each lamp has an estimator of its own. A PIR sees eight metres, by glimpses, 0.1 s late; it is high for 2.3 s after the
last one and then blind for two. Each motion is told three times, and each time one in ten does not hear it. Millimetres
and milliseconds.
"""

import random
import time

from node.lamp.follow import Follow

STEP = 100
_SEES = 7700
_LATENCY, _HIGH, _BLIND = 100, 2300, 2000
_TOLD = (15, 70, 180)


class Street:
    """`places` in dm; `loss` in percent. `start` is where ticks_ms stands."""

    def __init__(self, places, seed, loss=10, dead=(), start=0):
        random.seed(seed * 7919 + 12345)
        for _ in range(20):
            random.getrandbits(16)  # the first ones of neighbouring seeds are alike
        self.places = places
        self.now = start
        self.lamps = [Follow(own, places) for own in range(len(places))]
        self.dead = dead
        self.loss = loss
        self.bright = [False] * len(places)
        self.since = [0] * len(places)
        self.lit_ms = [0] * len(places)
        self.waves = 0  # times that a lamp became bright while none was
        self._high = [None] * len(places)
        self._air = []  # (when it arrives, hearer, lamp, event, when it was)
        self._events = 0

    def glimpse(self, lamp):
        """Its PIR saw something move."""
        if lamp in self.dead:
            return
        seen = time.ticks_add(self.now, _LATENCY)
        until = self._high[lamp]
        if until is not None:
            if time.ticks_diff(until, seen) >= 0:
                self._high[lamp] = time.ticks_add(seen, _HIGH)
                return
            if time.ticks_diff(seen, until) < _BLIND:
                return
        self._high[lamp] = time.ticks_add(seen, _HIGH)
        self._events += 1
        for hearer in range(len(self.lamps)):
            for told in (0,) if hearer == lamp else _TOLD:
                if hearer == lamp or random.randrange(100) >= self.loss:
                    self._air.append((time.ticks_add(seen, told), hearer, lamp, self._events, seen))

    def tick(self):
        """100 ms later."""
        self.now = time.ticks_add(self.now, STEP)
        for frame in [frame for frame in self._air if time.ticks_diff(self.now, frame[0]) >= 0]:
            self._air.remove(frame)
            _, hearer, lamp, event, seen = frame
            if hearer == lamp:
                self.lamps[lamp].moved(lamp, seen)
            else:
                self.lamps[hearer].heard(lamp, event, seen)
        dark = not any(self.bright)
        for at, lamp in enumerate(self.lamps):
            bright = lamp.bright(self.now) > 0
            if bright and not self.bright[at]:
                self.since[at] = self.now
                self.waves += dark
                dark = False
            self.bright[at] = bright
            self.lit_ms[at] += STEP * bright

    def see(self, place, chance):
        """Something at `place` mm that a PIR sees with so many percent in each 100 ms."""
        for lamp, its in enumerate(self.places):
            if abs(its * 100 - place) <= _SEES and random.randrange(100) < chance:
                self.glimpse(lamp)


class Passer:
    """Goes at `speed` mm/s (negative: back) from `start`; turns at `turn`, stands `stand` ms at `stop`."""

    def __init__(self, start, speed, turn=None, stop=None, stand=0):
        self.place = start
        self.speed = speed
        self.met = []  # (lamp, how long it had been bright when they came; None: it was not)
        self._turn, self._stop, self._stand = turn, stop, stand

    def tick(self, street):
        before = self.place
        if self._stop is not None and self._stand > 0 and abs(self.place - self._stop) <= abs(self.speed) // 10:
            self._stand -= STEP
            street.see(self.place, 2)
            return
        self.place += self.speed // 10
        if self._turn is not None and (self.place - self._turn) * self.speed >= 0:
            self.speed, self._turn = -self.speed, None
        street.see(self.place, 12 if abs(self.speed) < 3000 else 35)
        for lamp, its in enumerate(street.places):
            if min(before, self.place) < its * 100 <= max(before, self.place):
                lit = time.ticks_diff(street.now, street.since[lamp]) if street.bright[lamp] else None
                self.met.append((lamp, lit))

    def gone(self, street):
        return not -20000 <= self.place <= street.places[-1] * 100 + 20000


def play(street, passers, after=0):
    """Until all have gone, and `after` ms more."""
    while any(not passer.gone(street) for passer in passers):
        for passer in passers:
            passer.tick(street)
        street.tick()
    for _ in range(after // STEP):
        street.tick()
