"""The motions of all lamps of the street, and which two of them may be one person on the way.

A person on the way is seen by one lamp and then by another, at a pace of people; a branch is seen by its own lamp,
again and again. So one lamp's motions alone mean nothing, however many, and a lamp whose motions led nowhere loses
credit: one for each visit that no other lamp saw, two when it and another made up somebody whom no third lamp saw. Two
lamps without credit, as two branches in one gust, confirm each other no more; one of them and a lamp in good standing
still do, so that nobody is lost beside a branch. Credit comes back by the half hour, and at once where people pass. A
cat that two lamps in a row see is taken for a slow walker: a PIR cannot tell.

    visit    [lamp, first motion, last motion, whether it is part of somebody on the way]     in ms
"""

import time

from micropython import const

_SLOWEST = const(417)  # mm/s: 1.5 and 35 km/h
FASTEST = const(9722)
RIDES = const(2500)  # mm/s: nobody on foot is faster for long
BLUR = const(100)  # dm: how far from a lamp its PIR may see somebody, and a little

_VISITS = const(8)
_ONE_VISIT_MS = const(40000)
_KEPT_MS = const(120000)
_LONG_MS = const(60000)  # nobody on the way is seen by one lamp for longer
_SOONEST_MS = const(500)  # what two PIRs see at once is one thing
_REACH = const(2)  # lamps: one dead between two is bridged

_LOST = const(4)  # from here on a lamp has no credit
_WORST = const(12)
_PARDON_MS = const(1800000)


def pace(distance, passed):
    """mm/s over `distance` dm in so many ms, as of a person."""
    return min(max(distance * 100000 // max(passed, 1), _SLOWEST), FASTEST)


def after(distance, speed):
    """ms that `distance` dm take at `speed` mm/s."""
    return max(distance, 0) * 100000 // speed


class Motions:
    """What was seen at `places`, the lamps' positions in dm along the street."""

    def __init__(self, places):
        self.places = places
        self.visits = []
        self.doubt = bytearray(len(places))
        self._pardoned = None

    def see(self, lamp, when, people):
        """The visit that a motion at `lamp` belongs to, new or not; `people` are the lamps where somebody is."""
        for visit in self.visits:
            if visit[0] != lamp or (visit[3] and lamp not in people):
                continue  # who was seen then has gone on
            if time.ticks_diff(when, visit[2]) < _ONE_VISIT_MS:
                if time.ticks_diff(when, visit[2]) > 0:
                    visit[2] = when
                if not visit[3] and time.ticks_diff(visit[2], visit[1]) > _LONG_MS:
                    visit[1] = when
                    self.blame(lamp, 1)
                return visit
        if len(self.visits) == _VISITS:
            self._forget(0)
        visit = [lamp, when, when, False]
        self.visits.append(visit)
        return visit

    def partner(self, visit, people):
        """(visit, speed in mm/s) of another lamp that whoever is seen now may come from; None.

        One that is part of somebody already counts while that one is still there.
        """
        lamp, _, when, _ = visit
        found, nearest = None, _REACH
        for other in self.visits:
            from_lamp, first, last, used = other
            distance = abs(self.places[lamp] - self.places[from_lamp])
            steps = abs(lamp - from_lamp)
            if not 1 <= steps <= nearest or (used and from_lamp not in people):
                continue
            if self.doubt[lamp] >= _LOST and (used or self.doubt[from_lamp] >= _LOST):
                continue
            passed = time.ticks_diff(when, first)
            slowest = after(distance + BLUR, _SLOWEST)
            if passed < max(_SOONEST_MS, after(distance - BLUR, FASTEST)) or time.ticks_diff(when, last) > slowest:
                continue
            found, nearest = (other, pace(distance, min(passed, slowest))), steps
        return found

    def ridden(self, lamp, when, way):
        """mm/s of somebody on a bicycle who may have come to `lamp` in the direction `way`; 0: nobody may."""
        for other in self.visits:
            if 1 <= (lamp - other[0]) * way <= _REACH:
                distance = abs(self.places[lamp] - self.places[other[0]])
                passed = time.ticks_diff(when, other[2])
                if after(distance - BLUR, FASTEST) <= passed <= after(distance + BLUR, RIDES):
                    return pace(distance, passed)
        return 0

    def blame(self, lamp, by):
        """Its motions led nowhere; less than nothing: they did."""
        self.doubt[lamp] = min(max(self.doubt[lamp] + by, 0), _WORST)

    def judge(self, lamps, by):
        """The same of several lamps, a bit for each."""
        for lamp in range(len(self.doubt)):
            if lamps >> lamp & 1:
                self.blame(lamp, by)

    def age(self, now):
        """Forget what is too old to matter, and pardon."""
        for at in range(len(self.visits) - 1, -1, -1):
            if time.ticks_diff(now, self.visits[at][2]) > _KEPT_MS:
                self._forget(at)
        if self._pardoned is None:
            self._pardoned = now
        if time.ticks_diff(now, self._pardoned) >= _PARDON_MS:
            self._pardoned = now
            for lamp in range(len(self.doubt)):
                self.blame(lamp, -1)

    def _forget(self, at):
        lamp, _, _, used = self.visits.pop(at)
        if not used:
            self.blame(lamp, 1)
