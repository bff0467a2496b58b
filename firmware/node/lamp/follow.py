"""One lamp's view of who is on the way: whether it should be bright now, so that light runs ahead of people.

Every lamp tells all others of its own motions and of nothing else, and each makes the same of all that it hears: no
frame is relayed, so nothing can travel on by itself. One motion brightens nobody. Two lamps' motions at a pace of
people (`node/lamp/motions.py`) are somebody on the way, and from then on each motion where that one is expected moves
the light at once. Bright are the lamp that sees somebody, the next one ahead, and every lamp that will be reached in
six seconds, two lamps ahead at most, or as many as a bicycle passes that the PIRs between do not see; the one just
behind for a moment, lest they turn round; both sides where it is not clear which way it goes on. Speed says how long: a
slow walker is given the time, at most two minutes from the last motion, and whoever lingers under one lamp three.
People turn, pass each other and are missed by a PIR, so while anybody is on the way each motion besides lights its
lamp, both beside it, and two ahead of a bicycle, for as long as whoever moved there takes to come past.

    one on the way    [lamp, when first seen there, when come there, speed in mm/s, direction or 0, a bit for each lamp
                       that saw it, times it turned, bright from, bright until, given up]

Times are in ms; bright from and until are for this lamp.
"""

import time

from micropython import const

from node.lamp.motions import BLUR, FASTEST, RIDES, Motions, after, pace

_LAMP = const(0)
_AT = const(1)
_CAME = const(2)
_SPEED = const(3)
_WAY = const(4)
_SEEN = const(5)
_TURNS = const(6)
_FROM = const(7)
_UNTIL = const(8)
_GONE = const(9)

_MOST = const(4)
_LAMPS = const(32)
_AHEAD_MS = const(6000)
_FAR_MS = const(12000)
_MISSED = const(2)  # lamps in a row that may not see a bicycle pass
_HOLD_MS = const(4000)
_LONGEST_MS = const(120000)
_LINGER_MS = const(180000)
_RANGE = const(200)  # dm that somebody may still have before them under one lamp: there and past it
_BACK = const(600)  # dm: past the lamp ahead, round, and here again before anybody sees it
_BACK_MS = const(16000)
_STROLL = const(1000)  # mm/s: what is thought of one whose pace nobody knows, for light must last
_BRIDGED = const(3)  # lamps
_TURNED = const(2)  # times that people do
_REPEATED = const(8)  # events before the last one that count as heard


class Follow:
    """Lamp number `own` of those at `places`: dm along the street, rising, none beyond a kilometre, 32 at most."""

    def __init__(self, own, places):
        if not 0 <= own < len(places) <= _LAMPS:
            raise ValueError("lamp %d of %d" % (own, len(places)))
        self._own = own
        self._places = places
        self._motions = Motions(places)
        self._ones = []
        self._near = None  # until when somebody beside it may come
        self._events = [None] * len(places)
        self._gap = (places[-1] - places[0]) // max(len(places) - 1, 1)

    def heard(self, lamp, event, when):
        """A group frame told of a motion; whether it was news. Each is told several times and acted on once."""
        last = self._events[lamp]
        if last is not None and 0 <= (last - event) & 0xFFFF <= _REPEATED:
            return False
        self._events[lamp] = event
        self.moved(lamp, when)
        return True

    def moved(self, lamp, when):
        """Somebody moved at `lamp`, this one or another, at `when` (ticks_ms). Again each ten seconds while they do."""
        self._age(when)
        visit = self._motions.see(lamp, when, [one[_LAMP] for one in self._ones])
        mine = self._expected(lamp, when, True)
        if mine is None and not [one for one in self._ones if one[_LAMP] == lamp and one[_WAY]]:
            mine = self._expected(lamp, when, False)
        if mine is not None:
            self._advance(mine, lamp, when)
        for one in self._ones[:]:
            if one is not mine and one[_LAMP] == lamp:
                if mine is not None and one[_WAY] == mine[_WAY] and _alike(one[_SPEED], mine[_SPEED]):
                    self._ones.remove(one)  # they go on as one
                else:
                    self._linger(one, when)
                    mine = mine or one
        if mine is None:
            mine = self._begin(visit, when)
        if mine is not None:
            visit[3] = True
        if self._ones:
            self._beside(lamp, when, mine[_SPEED] if mine else _STROLL)

    def _beside(self, lamp, when, speed):
        # Somebody is about: who moves there may come here, whatever is thought of the way they go; a cyclist further.
        steps = self._own - lamp
        if abs(steps) > 1:
            speed = self._motions.ridden(lamp, when, 1 if steps > 0 else -1)
            if abs(steps) > 2 or not speed:
                return
        distance = abs(self._places[lamp] - self._places[self._own])
        until = time.ticks_add(when, after(distance + _RANGE, speed))
        if self._near is None or time.ticks_diff(until, self._near) > 0:
            self._near = until

    def bright(self, now):
        """For how many ms from now this lamp should be bright; 0: it need not be."""
        self._age(now)
        left = 0
        if self._near is not None:
            left = max(0, time.ticks_diff(self._near, now))
            if not left:
                self._near = None
        for one in self._ones:
            if time.ticks_diff(now, one[_FROM]) >= 0:
                left = max(left, time.ticks_diff(one[_UNTIL], now))
        return left

    def _expected(self, lamp, when, clear):
        # Who would be at this lamp about now, of those whose direction is clear or of the others.
        best, least = None, 0
        for one in self._ones:
            steps = (lamp - one[_LAMP]) * (one[_WAY] or (1 if lamp > one[_LAMP] else -1))
            if not 1 <= steps <= _BRIDGED or clear == (one[_WAY] == 0):
                continue
            distance = abs(self._places[lamp] - self._places[one[_LAMP]])
            passed = time.ticks_diff(when, one[_AT])
            early = after(distance - BLUR, one[_SPEED]) * 2 // 3 if one[_WAY] else 0
            late = after(distance + BLUR, one[_SPEED]) * 2
            if not max(early, after(distance - BLUR, FASTEST)) <= passed <= late + _HOLD_MS:
                continue
            off = abs(passed - after(distance, one[_SPEED]))
            if best is None or off < least:
                best, least = one, off
        return best

    def _advance(self, one, lamp, when):
        distance = self._places[lamp] - self._places[one[_LAMP]]
        # Who lingered may have gone on at any time since they came: to think them slow leaves nobody dark.
        seen = pace(abs(distance), time.ticks_diff(when, one[_AT if one[_WAY] else _CAME]))
        way = 1 if distance > 0 else -1
        if way == -one[_WAY] or (not one[_WAY] and one[_SEEN] >> lamp & 1):
            one[_TURNS] += 1
            if one[_TURNS] > 1:
                self._motions.blame(lamp, 1)
                self._motions.blame(one[_LAMP], 1)
        elif not one[_SEEN] >> lamp & 1 and not one[_TURNS]:
            self._motions.judge(one[_SEEN] | 1 << lamp, -1)
        one[_WAY] = way
        one[_SPEED] = (one[_SPEED] + seen) // 2
        one[_LAMP], one[_AT], one[_CAME] = lamp, when, when
        one[_SEEN] |= 1 << lamp
        self._light(one, when)

    def _linger(self, one, when):
        # Still under the same lamp: on the way past it, or standing, or back from where it was going.
        if time.ticks_diff(when, one[_CAME]) > _LINGER_MS:
            return
        if time.ticks_diff(when, one[_AT]) > after(_RANGE, one[_SPEED]):
            one[_WAY], one[_AT], one[_SPEED] = 0, when, min(one[_SPEED], _STROLL)
        self._light(one, when)

    def _begin(self, visit, when):
        found = self._motions.partner(visit, [one[_LAMP] for one in self._ones])
        if found is None:
            return None
        other, speed = found
        lamp, way = visit[0], 1 if visit[0] > other[0] else -1
        if other[3]:  # turned round, or another behind them
            way, speed = 0, min(speed, _STROLL)
        other[3] = True
        if len(self._ones) == _MOST:
            self._ones.pop(min(range(_MOST), key=lambda at: abs(self._ones[at][_WAY])))
        one = [lamp, when, when, speed, way, 1 << lamp | 1 << other[0], 0, when, when, when]
        self._ones.append(one)
        self._light(one, when)
        return one

    def _light(self, one, now):
        # When this lamp is bright for that one, and when that one is given up.
        speed, way = one[_SPEED], one[_WAY]
        steps = self._own - one[_LAMP]
        distance = abs(self._places[self._own] - self._places[one[_LAMP]])
        if way:
            steps *= way
        else:
            steps = abs(steps)
        reached = after(distance, speed)
        if 0 <= steps <= 1:
            one[_FROM] = now
        elif way and steps > 0 and (steps == 2 or (speed >= RIDES and (steps <= _MISSED + 1 or reached <= _FAR_MS))):
            early = reached if steps == 2 else reached * 2 // 3  # by how much a pace of two PIRs is wrong
            one[_FROM] = time.ticks_add(one[_AT], early - _AHEAD_MS)
        else:  # behind, or too far to tell
            until = time.ticks_add(now, min(after(_BACK, speed), _BACK_MS))
            left = time.ticks_diff(one[_UNTIL], now)
            if left > 0 and (steps == -1 or time.ticks_diff(one[_UNTIL], until) > 0):
                one[_UNTIL] = until
            distance = None
        if distance is not None:
            one[_UNTIL] = self._bound(one, now, max(distance, BLUR))
        one[_GONE] = self._bound(one, now, 2 * self._gap)

    def _bound(self, one, now, distance):
        longest = min(_LONGEST_MS, _LINGER_MS - time.ticks_diff(now, one[_CAME]))
        return time.ticks_add(now, max(0, min(after(distance + _RANGE, one[_SPEED]) * 5 // 4 + _HOLD_MS, longest)))

    def _age(self, now):
        self._motions.age(now)
        for at in range(len(self._ones) - 1, -1, -1):
            one = self._ones[at]
            if time.ticks_diff(now, one[_GONE]) > 0 and time.ticks_diff(now, one[_UNTIL]) > 0:
                self._ones.pop(at)
                seen = one[_SEEN]
                if one[_TURNS] > _TURNED or not seen & seen - 1 & (seen & seen - 1) - 1:
                    self._motions.judge(seen, 2)


def _alike(speed, other):
    return speed < 2 * other < 4 * speed
