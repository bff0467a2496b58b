"""ST LIS3DH at register level, after its datasheet (DocID17530, sections 2, 3.2, 6 and 8) and AN3308.

There are the three axes in all modes, rates and full scales, the self-test, the high-pass filter and interrupt
generator 1. FIFO, clicks, the ADC, 6D and generator 2 are not there: their registers can be written, nothing follows.

Nothing is stepped: a sample is what the truth says at its instant, and the filter is run up to it over as many samples
before it as it remembers. So a board may sleep for days between two looks. What may set the interrupt is looked for
only where something happens: now, and for a while after each of the world's events.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain, islice

from stoep_twin.chips.chip import Chip

Axes = tuple[float, float, float]

_WHO_AM_I = 0x0F
_CTRL_0 = 0x1E
_CTRL_1, _CTRL_2, _CTRL_3, _CTRL_4, _CTRL_5, _CTRL_6 = range(0x20, 0x26)
_REFERENCE = 0x26
_STATUS = 0x27
_OUT = 0x28
_OUT_END = 0x2E
_INT1_CFG, _INT1_SRC, _INT1_THS, _INT1_DURATION = range(0x30, 0x34)
_DEFAULTS = {_WHO_AM_I: 0x33, _CTRL_0: 0x10, _CTRL_1: 0x07}
_READ_ONLY = {*range(_CTRL_0), *range(_STATUS, 0x2E), 0x2F, _INT1_SRC, 0x35, 0x39, *range(0x40, 0x80)}
_BOOT = 0x80
_BOOT_S = 0.005
_TURN_ON_S = 0.001
_RATES = (0, 1, 10, 25, 50, 100, 200, 400, 1620, 1344)  # Hz
_FASTEST = 9  # four times as fast in low power
_BITS = {(1, 0): 8, (0, 0): 10, (0, 1): 12, (1, 1): 8}  # by LPen and HR; the last is not allowed
_MG = {  # mg a digit by full scale (table 4)
    8: (16, 32, 64, 192),
    10: (4, 8, 16, 48),
    12: (1, 2, 4, 12),
}
_THRESHOLD_MG = (16, 32, 62, 186)
_CUT_OFFS = (0.02, 0.008, 0.004, 0.002)  # of the rate, by HPCF (AN3308)
_REMEMBERED = 8  # time constants
_MOST_EVENTS = 200


class LIS3DH(Chip):
    """One chip. `truth(at)` is the acceleration in g at a time, gravity as it is felt: lying flat it is (0, 0, 1).

    `events(since)` are the instants from which on the truth moves, in order; after `calm` seconds it is still again.
    Both count time as `now()` does. `force` is what the self-test adds in g, `offset` the chip's own error.
    """

    force: Axes = (0.42, 0.38, 0.55)

    def __init__(
        self,
        truth: Callable[[float], Axes],
        now: Callable[[], float],
        events: Callable[[float], Iterator[float]] = lambda _: iter(()),
        calm: float = 12.0,
        offset: Axes = (0.0, 0.0, 0.0),
    ) -> None:
        self._truth = truth
        self._now = now
        self._events = events
        self._calm = calm
        self._offset = offset
        self.reset()

    def reset(self) -> None:
        """Power-on: powered down, all registers at their defaults; it loads its calibration first."""
        self._registers = bytearray(0x80)
        for register, value in _DEFAULTS.items():
            self._registers[register] = value
        self._at = 0
        self._counts_up = False
        self._booted = self._now() + _BOOT_S
        self._shown = (0, 0, 0)  # in the output registers, 16 bits each
        self._taken = 0  # samples up to the one last seen
        self._read_up_to = 0
        self._halves: set[int] = set()  # output bytes read whose other half was not
        self._started = self._now()  # of this rate
        self._settled = 0  # the sample at which the filter took what it felt for rest; 0: it believed in 0 g
        self._rest: Axes = (0.0, 0.0, 0.0)  # what it took for rest then
        self._looked = self._now()  # for interrupts
        self._source = 0

    # -- what the bus and the pin see ----------------------------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        """A register's address, whose highest bit says that it counts up, and values (section 6.1.1)."""
        if self._now() < self._booted:
            return False
        self._advance()
        if data:
            self._at, self._counts_up = data[0] & 0x7F, bool(data[0] & 0x80)
        for value in data[1:]:
            self._put(self._at, value)
            self._step()
        return True

    def read(self, count: int) -> bytes | None:
        if self._now() < self._booted:
            return None
        self._advance()
        out = bytearray()
        for _ in range(count):
            out.append(self._get(self._at))
            self._step()
        return bytes(out)

    def level(self, role: str) -> bool:
        self._advance()
        return self._drives_high(bool(self._active(self._now())))

    def next_level(self, role: str, level: bool, after: float) -> float | None:
        self._advance()
        if not self._registers[_CTRL_3] & 0x40:
            return after if level == self._drives_high(False) else None
        sought = level == self._drives_high(True)
        if bool(self._active(after)) == sought:
            return after
        if sought:
            found = self._first(after, math.inf)
            return found[0] if found else None
        if self._latches():
            return None  # until somebody reads
        return next((at for at, bits in self._felt(after, after + self._calm) if not bits), None)

    def _drives_high(self, active: bool) -> bool:
        routed = active and bool(self._registers[_CTRL_3] & 0x40)
        return routed != bool(self._registers[_CTRL_6] & 0x02)

    def _step(self) -> None:
        if self._counts_up:
            self._at = self._at + 1 & 0x7F

    def _put(self, register: int, value: int) -> None:
        if register in _READ_ONLY:
            return
        registers = self._registers
        if register == _CTRL_5 and value & _BOOT:
            self._booted = self._now() + _BOOT_S
            value &= ~_BOOT
        if register == _CTRL_1 and registers[_CTRL_1] >> 3 != value >> 3:
            self._rest = self._believed()
            self._started = self._now()
            self._taken = self._read_up_to = self._settled = 0
        registers[register] = value

    def _get(self, register: int) -> int:
        if _OUT <= register < _OUT_END:
            return self._output(register)
        if register == _STATUS:
            new = self._taken - self._read_up_to
            return (0x0F if new > 0 else 0) | (0xF0 if new > 1 else 0)
        if register == _REFERENCE and self._taken:
            self._settled = self._taken
            self._rest = self._acceleration(self._instant(self._taken))
        if register == _INT1_SRC:
            active, self._source = self._active(self._now()), 0
            return active
        return self._registers[register]

    def _output(self, register: int) -> int:
        byte = register - _OUT
        word = self._shown[byte // 2]
        if byte ^ 1 in self._halves:
            self._halves.remove(byte ^ 1)
        else:
            self._halves.add(byte)
        if register == _OUT_END - 1:
            self._read_up_to = self._taken
        big_endian = bool(self._registers[_CTRL_4] & 0x40)
        return word >> 8 & 0xFF if (byte & 1) != big_endian else word & 0xFF

    # -- samples -------------------------------------------------------------------------------------------------------

    @property
    def _rate(self) -> float:
        control = self._registers[_CTRL_1]
        chosen = min(control >> 4, _FASTEST)
        return _RATES[chosen] * (4 if control & 0x08 and chosen == _FASTEST else 1)

    def _scale(self) -> tuple[int, int]:
        control = self._registers[_CTRL_4]
        bits = _BITS[self._registers[_CTRL_1] >> 3 & 1, control >> 3 & 1]
        return bits, _MG[bits][control >> 4 & 3]

    def _instant(self, sample: int) -> float:
        return self._started + _TURN_ON_S + sample / self._rate

    def _last(self, at: float) -> int:
        return max(0, math.floor((at - self._started - _TURN_ON_S) * self._rate + 1e-6)) if self._rate else 0

    def _acceleration(self, at: float) -> Axes:
        # What the axes give in g: in steps, within the full scale, the self-test's force on it.
        test = self._registers[_CTRL_4] >> 1 & 3
        sign = {1: 1, 2: -1}.get(test, 0)
        bits, mg = self._scale()
        most = 1 << bits - 1
        out = []
        for axis, (true, off, force) in enumerate(zip(self._truth(at), self._offset, self.force, strict=True)):
            on = self._registers[_CTRL_1] >> axis & 1
            digits = round((true + off + sign * force) * 1000 / mg) if on else 0
            out.append(min(most - 1, max(-most, digits)) * mg / 1000)
        return out[0], out[1], out[2]

    def _words(self, at: Axes) -> tuple[int, int, int]:
        bits, mg = self._scale()
        x, y, z = (round(value * 1000 / mg) << 16 - bits for value in at)
        return x, y, z

    def _advance(self) -> None:
        now = self._now()
        if now < self._booted:
            return
        self._look(now)
        last = self._last(now)
        if last <= self._taken:
            return
        self._taken = last
        if self._registers[_CTRL_4] & 0x80 and self._halves:
            return  # a word is half read: both halves stay as they are
        self._halves.clear()
        if self._registers[_CTRL_2] & 0x08:
            shown = next(filtered for _, filtered in self._filtered(last, last))
        else:
            shown = self._acceleration(self._instant(last))
        self._shown = self._words(shown)

    # -- interrupt generator 1 -----------------------------------------------------------------------------------------

    def _latches(self) -> bool:
        return bool(self._registers[_CTRL_5] & 0x08)

    def _active(self, at: float) -> int:
        # INT1_SRC as it would be read.
        if self._latches():
            found = None if self._source else self._first(self._looked, at)
            return found[1] if found else self._source
        last = self._last(at)
        return next((bits for _, bits in self._felt(self._instant(last), at)), 0) if last else 0

    def _look(self, now: float) -> None:
        if self._latches():
            self._source = self._active(now)
        self._looked = now

    def _first(self, after: float, until: float) -> tuple[float, int] | None:
        # When the generator first finds what it seeks, and INT1_SRC then.
        if not self._rate or not self._registers[_INT1_CFG] & 0x3F:
            return None
        seen = after
        for begin in chain((after,), islice(self._events(after), _MOST_EVENTS)):
            if begin > until:
                return None
            end = min(begin + self._calm, until)
            for at, bits in self._felt(max(begin, seen), end):
                if bits:
                    return at, bits
            seen = max(seen, end)
        return None

    def _felt(self, after: float, until: float) -> Iterator[tuple[float, int]]:
        # INT1_SRC, unlatched, at each sample from `after` to `until`.
        first, last = max(1, math.ceil((after - self._instant(0)) * self._rate - 1e-6)), self._last(until)
        config, wanted = self._registers[_INT1_CFG], self._registers[_INT1_DURATION] & 0x7F
        held = 0
        for sample, axes in self._sensed(max(1, first - wanted), last):
            bits = self._compare(axes) & config & 0x3F
            held = held + 1 if bits and (not config & 0x80 or bits == config & 0x3F) else 0
            if sample >= first:
                yield self._instant(sample), 0x40 | bits if held > wanted else 0

    def _compare(self, axes: Axes) -> int:
        threshold = (self._registers[_INT1_THS] & 0x7F) * _THRESHOLD_MG[self._registers[_CTRL_4] >> 4 & 3] / 1000
        return sum((2 if abs(value) > threshold else 1) << 2 * axis for axis, value in enumerate(axes))

    def _sensed(self, first: int, last: int) -> Iterator[tuple[int, Axes]]:
        if self._registers[_CTRL_2] & 0x01:
            yield from self._filtered(first, last)
            return
        for sample in range(first, last + 1):
            yield sample, self._acceleration(self._instant(sample))

    def _believed(self) -> Axes:
        # What the filter takes for rest now; out of power-down that is 0 g.
        if not self._taken:
            return self._rest if self._rate else (0.0, 0.0, 0.0)
        _, (x, y, z) = next(self._filtered(self._taken, self._taken))
        a, b, c = self._acceleration(self._instant(self._taken))
        return a - x, b - y, c - z

    def _filtered(self, first: int, last: int) -> Iterator[tuple[int, Axes]]:
        # A high-pass of the first order: what is felt, less what it takes for rest.
        constant = 1 / (2 * math.pi * _CUT_OFFS[self._registers[_CTRL_2] >> 4 & 3])
        share = 1 - math.exp(-1 / constant)
        begin = max(self._settled, first - math.ceil(_REMEMBERED * constant))
        x, y, z = self._rest if begin == self._settled else self._acceleration(self._instant(begin))
        for sample in range(begin, last + 1):
            a, b, c = self._acceleration(self._instant(sample))
            if sample >= first:
                yield sample, (a - x, b - y, c - z)
            if sample > begin:
                x, y, z = x + (a - x) * share, y + (b - y) * share, z + (c - z) * share
