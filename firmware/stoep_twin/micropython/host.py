"""A virtual board's link to the twin: length-prefixed messages on one inherited socket.

The stand-ins beside this module send what the hardware would do through it. Frames that come off the air at any moment
wait in `arrived` until the firmware looks at its radio; the levels of inputs that it looks at again and again come by
themselves.
"""

import select
import struct

import utime

_TICKS = utime.ticks_add(0, -1)  # all ones: where this interpreter's ticks wrap, after 18 minutes if it has 32 bits
_POLLIN = 1
_ONE_REAL_MS = 1000


class Board:
    """What the twin says of this board, and the way back to the twin."""

    def __init__(self, facts):
        self.facts = facts
        self.arrived = []
        self.upkeep = [0, 0, 0, 0, 0]  # ms waited, ms with the radio on, programs, bytes programmed, erases
        self.woken_by = b""  # pin and level that end a deep sleep early
        self._stream = open(facts["link"], "r+b")
        self._poll = select.poll()
        self._poll.register(self._stream, _POLLIN)
        self._clock = open(facts["clock"], "rb")
        self._drift = facts["drift_ppm"]
        self._origin = facts["rtc_origin_us"]
        self._head = None
        self.jumped_us = 0  # time that was left out in this life
        self.joined = False  # to an access point
        self._levels = {}  # by pin: None after the first look, then what the twin said last
        self._asked = bytearray(128)  # by kind
        self._answered = bytearray(128)
        self._answer = b""
        self._takers = {
            ord("R"): self.arrived.append,
            ord("X"): self._take_leave,
            ord("J"): self._take_jump,
            ord("L"): self._take_level,
        }

    def tell(self, kind, payload=b""):
        self._stream.write(struct.pack("<H", len(payload) + 1) + kind + payload)

    def ask(self, kind, payload=b""):
        # Counted, because a KeyboardInterrupt may end the wait: then that answer is still to come, before the next one.
        at = kind[0]
        self.tell(kind, payload)
        self._asked[at] = self._asked[at] + 1 & 0xFF
        while self._answered[at] != self._asked[at]:
            self._take()
        return self._answer[1:]

    def _take(self):
        # A KeyboardInterrupt ends this at a jump, or in a read that waits: a head that was read is kept, and behind the
        # body comes no jump before it is where it belongs.
        if not self._head:
            self._head = self._stream.read(2)
        if not self._head:
            raise SystemExit  # the twin is gone, and so is this street
        body = self._stream.read(self._head[0] | self._head[1] << 8)
        self._head = None
        self._takers.get(body[0], self._take_answer)(body)

    def _take_answer(self, body):
        self._answer = body
        self._answered[body[0]] = self._answered[body[0]] + 1 & 0xFF

    def _take_level(self, body):
        self._levels[body[1]] = body[2]

    def _take_jump(self, body):
        self.jumped_us += struct.unpack_from("<Q", body, 1)[0]

    def _take_leave(self, _):
        self.joined = False

    def listen(self, timeout_ms):
        """Wait up to `timeout_ms` (real; negative: for ever) for a frame; take in all there are."""
        began = utime.ticks_ms()
        left = 0 if self.arrived else timeout_ms
        while self._poll.poll(left):
            self._take()
            if self.arrived:
                left = 0
            elif left > 0:  # no frame: on the chip nothing would have ended the wait
                left = max(0, timeout_ms - utime.ticks_diff(utime.ticks_ms(), began))
        return len(self.arrived)

    def level(self, pin):
        """Of an input. The second look and all after it cost the twin nothing."""
        if pin not in self._levels:
            self._levels[pin] = None
            return self.ask(b"p", bytes((1, pin)))[0]
        if self._levels[pin] is None:
            self._levels[pin] = self.ask(b"l", bytes((pin,)))[0]
        while self._poll.poll(0):
            self._take()
        return self._levels[pin]

    # -- time ------------------------------------------------------------------------------------------------------

    def _anchors(self):
        clock = self._clock
        while True:
            clock.seek(0)
            page = struct.unpack("<8Q", clock.read(64))
            if page[0] == page[7]:
                return page

    def virtual_us(self):
        page = self._anchors()
        return page[2] + utime.ticks_diff(utime.ticks_us(), page[1] & _TICKS) * page[3] // 1000

    def speed_milli(self):
        return self._anchors()[3]

    def rtc_us(self):
        """The board's own RTC, which runs from the cold boot and drifts."""
        gone = self.virtual_us() - self._origin
        return gone + gone * self._drift // 1000000

    def wait(self, ms):
        """A wait of the firmware's: from a second upward in scaled time, below that in real time."""
        self.upkeep[0] += ms
        if ms < _ONE_REAL_MS:
            utime.sleep_ms(ms)
            return
        end = self.rtc_us() + ms * 1000
        while True:
            left = end - self.rtc_us()
            if left <= 0:
                return
            # Short naps, because the twin may let time jump.
            real_us = left * 1000 // max(1, self.speed_milli())
            utime.sleep_us(min(50000, max(100, real_us)))


board = None


def attach(facts):
    global board
    board = Board(facts)
    return board
