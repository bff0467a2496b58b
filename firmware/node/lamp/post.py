"""The lamp of a lamppost that stays awake: whatever the node waits for, the lamp is served meanwhile.

A lamp begins at its brightest, and is less only by a plan that the gateway gave since this start.
"""

import time

from machine import PWM, Pin
from micropython import const

from node import clock, memory, moves, power
from node.generated import pins_lamppost as pins
from node.lamp import schedule
from node.lamp.consumption import Consumption
from node.lamp.dimming import FREQUENCY, Dimmer
from node.lamp.neighbours import BLOCK, Neighbours
from node.lamp.unasked import Unasked

_TURN_MS = const(20)
_SECOND_MS = const(1000)
_WARM_UP_S = const(60)  # of the PIR: high for no reason


class Post:
    """The lamp of the node `identity`; `link` is its radio, which stays on. To the talk it is a link itself."""

    def __init__(self, identity, recalled, link):
        self._dimmer = Dimmer(PWM(Pin(pins.LIGHT_DIM), freq=FREQUENCY, duty_u16=0), time.ticks_ms())
        self._passers = Pin(pins.PASSERS_OUT, Pin.IN)
        self._memory = recalled
        self._kid = identity.kid
        self._link = link
        self._blind_until = clock.tick() + _WARM_UP_S if power.cause() == "power" else 0
        self._high = 0
        self._plan = self._neighbours = None
        self._unasked = Unasked(identity, recalled)
        self.wanted = None  # settings that the gateway wished since the last report, {id: value}
        self.consumption = Consumption()
        recalled.light = 0  # what it lived by is gone with the heap: the gateway must hear so
        recalled.untold |= memory.HEALTH
        recalled.group += BLOCK
        memory.keep(recalled)

    def live_by(self, wanted, tick):
        """What the gateway wishes: (version, plan, group or None); its times count from `tick`."""
        version, plan, group = wanted
        self._plan = [plan[at] if at in (2, 3) else plan[at] + tick for at in range(len(plan))]
        if not (group and self._neighbours and self._neighbours.is_of(group)):  # a new plan alone changes no key
            self._neighbours = group and Neighbours(self._memory, self._kid, self._link, group)
        self._memory.light = version
        self._memory.untold |= memory.HEALTH
        print("light version=%08x lamps=%d" % (version, len(group[3]) if group else 1))

    @property
    def follows(self):
        """Whether there is a group whose lamps it listens to."""
        return self._neighbours is not None

    @property
    def link(self):
        return self._link

    def speak_by(self, link):
        """Talk to the gateway by another link; the group is heard by its radio, too."""
        self._link = link

    def tune(self, channel):
        """Go to another radio channel."""
        self._link.tune(channel)

    def stay(self, until):
        """Serve the lamp up to the tick `until`, or until there is more news of it.

        True as soon as the gateway has said something unasked, so that it hears what came of it.
        """
        news = len(self.consumption.news)
        while clock.tick() < until and len(self.consumption.news) <= news:
            heard = self._turn(_TURN_MS, self._unasked.open)
            self.consumption.look()
            if heard is not None and self._is_told(heard[1]):
                return True
        return False

    def _is_told(self, plain):
        # Whether the gateway wishes something by these bytes. What it acknowledges was said to the last report already.
        from node import reply, staging

        try:
            answer = reply.decode(plain)
        except ValueError as error:
            print("unasked error=%s" % error)
            return False
        finally:
            del reply
            staging.forget("reply")
        if answer is None or not (answer.settings or answer.light):
            return False
        print("unasked settings=%d light=%d" % (len(answer.settings or ()), 1 if answer.light else 0))
        self.wanted = answer.settings
        if answer.light:
            self.live_by(answer.light, self._memory.heard_tick)
        return True

    def pause(self, milliseconds):
        """Wait so long, and serve the lamp."""
        if milliseconds < _SECOND_MS:
            self.hear(milliseconds, None)
            return
        until = clock.tick() + milliseconds // _SECOND_MS + 1
        while clock.tick() < until:
            self._turn(_TURN_MS, None)

    # -- as a link -----------------------------------------------------------------------------------------------------

    @property
    def reply_ms(self):
        return self._link.reply_ms

    @property
    def bridge(self):
        return self._link.bridge

    def send(self, frame):
        self._link.send(frame)

    def hear(self, timeout_ms, accept):
        """As a link does, and the lamp is served meanwhile."""
        started = time.ticks_ms()
        while True:
            left = timeout_ms - time.ticks_diff(time.ticks_ms(), started)
            if left <= 0:
                return None
            heard = self._turn(min(left, _TURN_MS), accept)
            if heard is not None:
                return heard

    def forget_bridge(self):
        self._link.forget_bridge()

    def close(self):
        """The radio stays on: the group may speak at any time."""

    # -- one turn ------------------------------------------------------------------------------------------------------

    def _turn(self, longest_ms, accept):
        mac, frame = self._link.catch(longest_ms)
        now = time.ticks_ms()
        heard = None
        group = self._neighbours
        if mac is not None and not (group and group.take(frame, now)) and accept:
            heard = accept(frame)
            if heard is not None:
                self._link.answered_by(bytes(mac))
                self._unasked.answered(frame)
        self._look_out(now)
        if group:
            group.speak(now)
        tick = clock.tick()
        self._dimmer.target = schedule.level(self._plan, tick, bool(group and group.bright(now)))
        self._dimmer.step(time.ticks_ms())
        self.consumption.account(self._plan, self._dimmer.level)
        power.watchdog().feed()
        return heard

    def _look_out(self, now):
        high, tick = self._passers.value(), clock.tick()
        if tick < self._blind_until:
            return
        rose, self._high = high > self._high, high
        if moves.seen(self._memory, high, rose, tick):
            memory.keep(self._memory)
        if high and self._neighbours:
            self._neighbours.moved(rose, now)
