"""Plantower PMS5003: particles in the air by light scattering, behind a fan, on a UART.

Its pin SET high starts the fan; values count from thirty seconds later on (data manual 2.3, "circuit attentions").
A frame of 32 bytes a second at 9,600 baud (appendix I): 0x42 0x4D, length, thirteen words, the sum of all bytes before.
"""

from micropython import const

from node import clock

_FRAME = const(32)
_WORDS = const(28)
_ATMOSPHERIC = const(10)  # PM1.0, PM2.5, PM10 "under atmospheric environment"
_PARTICLES = const(16)  # number above 0.3 µm in 0.1 l
_WARM_UP_S = const(32)  # a second is cut off at either end
_SECOND_MS = const(1000)
_FRAMES = const(5)
_FEWEST = const(3)
_LONGEST_S = const(12)
_HIGHEST = const(1000)  # µg/m³, "maximum range"


class PMS5003:
    """The sensor on `uart`, whose pin SET is `switch`; `pause(ms)` waits, and does what must go on meanwhile."""

    def __init__(self, uart, switch, pause):
        self._uart = uart
        self._switch = switch
        self._pause = pause
        self._since = None

    def check(self):
        """Whether it talks; what it says is of no matter, for its fan runs only a moment.

        Returns a text, raises OSError when no whole frame comes.
        """
        self.wake()
        try:
            shots, broken = self._listen(1)
        finally:
            self._since = None
            self._switch.value(0)
        if not shots:
            raise OSError(116, "the PMS5003 sent nothing whole, %d broken bytes" % broken)
        return "PMS5003"

    def wake(self):
        """Fan on; something else may be done meanwhile."""
        self._switch.value(1)
        self._since = clock.tick()

    def read(self):
        """(PM1.0, PM2.5, PM10 in µg/m³, particles above 0.3 µm in 0.1 l), each the median of several frames.

        Waits until the fan has run long enough. Asleep again when it returns. Raises OSError when too few whole frames
        came, ValueError when they cannot be true.
        """
        if self._since is None:
            self.wake()
        try:
            self._warm_up()
            return self._median()
        finally:
            self._since = None
            self._switch.value(0)

    def _warm_up(self):
        for _ in range(_WARM_UP_S):
            if clock.tick() - self._since >= _WARM_UP_S:
                break
            self._pause(_SECOND_MS)
        while self._uart.any():  # what it said too early
            self._uart.read(self._uart.any())

    def _listen(self, wanted):
        shots: list[tuple[int, ...]] = []
        broken = 0
        waiting = bytearray()
        for _ in range(_LONGEST_S):
            self._pause(_SECOND_MS)
            if self._uart.any():
                waiting.extend(self._uart.read(self._uart.any()) or b"")
            while len(waiting) >= _FRAME:
                shot = _values(waiting)
                broken += shot is None
                waiting = waiting[_FRAME if shot else 1 :]
                if shot:
                    shots.append(shot)
            if len(shots) >= wanted:
                break
        return shots, broken

    def _median(self):
        shots, broken = self._listen(_FRAMES)
        if len(shots) < _FEWEST:
            raise OSError(116, "the PMS5003 sent %d frames, %d broken bytes" % (len(shots), broken))
        found = tuple([sorted([shot[i] for shot in shots])[len(shots) // 2] for i in range(4)])
        if not found[3]:
            raise ValueError("not one particle: is the PMS5003's inlet blocked, or its light broken?")
        if found[2] > _HIGHEST or not found[0] <= found[1] <= found[2]:
            raise ValueError("PM1.0 %d, PM2.5 %d, PM10 %d cannot be" % found[:3])
        return found


def _values(data):
    # The four values of the frame at the beginning, or None when none begins there.
    if data[0] != 0x42 or data[1] != 0x4D or data[2] << 8 | data[3] != _WORDS:
        return None
    if sum(data[: _FRAME - 2]) != data[_FRAME - 2] << 8 | data[_FRAME - 1]:
        return None
    at = _ATMOSPHERIC
    return tuple([data[i] << 8 | data[i + 1] for i in (at, at + 2, at + 4, _PARTICLES)])
