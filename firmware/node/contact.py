"""The talk of one wake: reports until the gateway has what there is, or nobody answers.

The memory knows of a frame counter before the frame leaves the antenna.
"""

import os
import sys
import time

from micropython import const

from node import clock, frame, memory, patience, power, staging
from node.links.espnow import Link
from node.session import Session

_FRAMES = const(12)  # frames a wake in all: what a backlog may cost


class Contact:
    """A node with the radio on."""

    def __init__(self, identity, life, recalled, ring, lamp=None, link=None):
        self._identity = identity
        self._life = life
        self._memory = recalled
        self._ring = ring
        self._lamp = lamp  # which is then the link, too
        self._link = link  # else this one, or ESP-NOW
        self.wanted = None  # settings as the gateway wishes them, {id: value}

    def talk(self):
        """Send and hear until the gateway has everything in its hands, or it is time to sleep."""
        recalled = self._memory
        session = Session(recalled, self._ring, self._life)
        keys = frame.Keys(self._identity.secret, b"up")
        link = self._lamp or self._link or Link(self._identity.channel, recalled.bridge)
        try:
            silent, answered = 0, False
            for attempt in range(1, _FRAMES + 1):
                heard = self._exchange(session, keys, link, attempt)
                if heard:
                    silent, answered = 0, True
                    if heard == "answer" and session.is_settled():
                        break
                else:
                    silent += 1
                    recalled.unanswered = min(recalled.unanswered + 1, 65535)
                    if silent == patience.attempts(recalled):
                        break
                    if silent == 2:
                        link.forget_bridge()
                    (self._lamp or power).pause(10 + os.urandom(1)[0] % 50)
            if answered:
                patience.heard(recalled)
            else:
                patience.unheard(recalled, os.urandom(1)[0])
        finally:
            link.close()
            recalled.bridge = link.bridge
            memory.keep(recalled)
        held = session.held()
        if held:
            (first, last, count) = held
            print("held first=%d/%d last=%d/%d count=%d" % (first[0], first[1], last[0], last[1], count))
        else:
            print("held count=0")

    def _exchange(self, session, keys, link, attempt):
        # One frame and what came of it: "answer", "challenge" or None.
        identity = self._identity
        counter = session.next_counter()
        memory.keep(self._memory)
        from node import telling  # before the clock is looked at: a lamp must load it each time

        del telling
        plain = session.report(clock.tick(), counter)
        self._make_room("telling", "report", "generated")
        sealed = frame.seal_uplink(keys, identity.kid, counter, plain)
        link.send(sealed)
        self._memory.frames += 1
        sent = time.ticks_ms()
        print("send counter=%d bytes=%d attempt=%d" % (counter, len(sealed), attempt))
        left = link.reply_ms - time.ticks_diff(time.ticks_ms(), sent)
        opened = link.hear(left, lambda heard: frame.open_reply(identity.secret, identity.kid, counter, heard))
        if opened is None:
            print("silent counter=%d" % counter)
            self._memory.unheard += 1
            return None
        waited = time.ticks_diff(time.ticks_ms(), sent)
        self._memory.unanswered = 0
        if "trial" in sys.modules:  # set by boot.py
            from node import slots

            slots.settle()
        instance, plain = opened
        try:
            answer = self._decoded(plain)
            if answer is None:
                session.challenged(instance)
                print("challenge counter=%d" % counter)
                return "challenge"
            session.answered(instance, counter, answer)
            self.wanted = answer.settings or self.wanted
            if answer.light and self._lamp:
                self._lamp.live_by(answer.light, self._memory.heard_tick)
        except ValueError as error:
            print("reply counter=%d error=%s" % (counter, error))
            return None
        received = answer.received[-1] if answer.received else (0, 0, 0)
        print(
            "reply counter=%d durable=%d/%d received=%d/%d ms=%d"
            % (counter, answer.durable[0], answer.durable[1], received[0], received[2], waited)
        )
        return "answer"

    def _decoded(self, plain):
        from node import reply

        try:
            return reply.decode(plain)
        finally:
            del reply
            self._make_room("reply")

    def _make_room(self, *names):
        # A lamp takes so much room itself that code comes and goes with each frame; others spare themselves that.
        if self._lamp:
            staging.forget(*names)
