"""`machine` as on the board, as far as street furniture uses it: every bus ends in the twin's wiring."""

import struct

import utime
from host import board as _board

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5
PIN_WAKE = 2
EXT0_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4
TOUCHPAD_WAKE = 5
ULP_WAKE = 6

_FOREVER = (1 << 63) - 1
_RTC_BYTES = 2048
_routed = set()  # pins that show a PWM
_timers = {}  # that run, by id
_told = {}  # by pin: of 65,536 parts of the time, how many it is high


def _number(pin):
    return pin.number if isinstance(pin, Pin) else pin


def unique_id():
    return bytes(_board.facts["mac"])


def reset_cause():
    return _board.facts["cause"]


def wake_reason():
    return _board.facts["wake"]


def _leave(kind, payload=b""):
    _board.tell(b"f", struct.pack("<5I", *_board.upkeep))
    _board.tell(kind, payload)
    while True:  # the twin ends this process
        _board.listen(-1)
        _board.arrived.clear()


def deepsleep(time_ms=None):
    _leave(b"d", struct.pack("<Q", _FOREVER if time_ms is None else time_ms) + _board.woken_by)


def reset():
    _leave(b"r")


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None):
        self.number = _number(id)
        if mode in (Pin.OUT, Pin.OPEN_DRAIN) and 34 <= self.number <= 39:
            raise ValueError("pin can only be input")
        if mode == Pin.IN:
            # As the ESP-IDF does it: nothing is routed to the pin any more, also no PWM (gpio_ll_output_disable).
            _routed.discard(self.number)
            _board.tell(b"p", bytes((3, self.number)))
        if pull == Pin.PULL_UP:
            _board.tell(b"p", bytes((2, self.number, 1)))
        if value is not None:
            self.value(value)

    def value(self, x=None):
        if x is None:
            return _board.level(self.number)
        _board.tell(b"p", bytes((0, self.number, 1 if x else 0)))
        return None

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class PWM:
    """LEDC on one pin. It runs on over `machine.reset` and the watchdog's, as on the chip: esp_restart leaves it be."""

    def __init__(self, dest, *, freq=5000, duty_u16=32768, invert=False):
        self._pin = _number(dest)
        if 34 <= self._pin <= 39:
            raise ValueError("PWM not supported on pin %d" % self._pin)
        self._freq = self._duty = self._invert = None
        self.init(freq=freq, duty_u16=duty_u16, invert=invert)

    def init(self, *, freq=None, duty_u16=None, invert=None):
        _routed.add(self._pin)
        freq = self._freq if freq is None else freq
        duty = self._duty if duty_u16 is None else duty_u16
        if not 1 <= freq <= 40000000:
            raise ValueError("frequency must be from 1Hz to 40MHz")
        if not 0 <= duty <= 65535:
            raise ValueError("duty_u16 must be from 0 to 65535")
        self._freq, self._duty = freq, duty
        self._invert = self._invert if invert is None else bool(invert)
        parts = self._parts()
        self._tell(65536 - parts if self._invert else parts)

    def _parts(self):
        # The timer counts 80 MHz in as many bits as fit into a period; 65,535 means always.
        coarse = 0
        while self._freq << 16 - coarse > 80000000:
            coarse += 1
        return 65536 if self._duty == 65535 else self._duty >> coarse << coarse

    def _tell(self, parts):
        if self._pin in _routed and _told.get(self._pin) != parts:
            _told[self._pin] = parts
            _board.tell(b"P", struct.pack("<BIQ", self._pin, parts, _board.virtual_us()))

    def _active(self):
        if self._duty is None:
            raise RuntimeError("PWM is inactive")

    def duty_u16(self, value=None):
        self._active()
        if value is None:
            return min(self._parts(), 65535)
        if not 0 <= value <= 65535:
            raise ValueError("duty_u16 must be from 0 to 65535")
        self._duty = value
        parts = self._parts()
        self._tell(65536 - parts if self._invert else parts)
        return None

    def freq(self, value=None):
        self._active()
        if value is None:
            return self._freq
        self.init(freq=value)
        return None

    def deinit(self):
        if self._duty is not None:
            self._duty = None
            self._tell(0)  # it stays an output, low
            _routed.discard(self._pin)


class ADC:
    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, pin, *, atten=ATTN_0DB):
        self._head = bytes((_number(pin), atten))

    def read_uv(self):
        return struct.unpack("<i", _board.ask(b"a", self._head))[0]


class I2C:
    def __init__(self, id, *, scl, sda, freq=400000, timeout=50000):
        self._wires = bytes((_number(sda), _number(scl)))

    def _ask(self, operation, request=b""):
        answer = _board.ask(b"i", bytes((operation,)) + self._wires + request)
        if answer[0]:
            raise OSError(answer[0])
        return answer[1:]

    def _transfer(self, addr, data, nbytes=0):
        return self._ask(1, struct.pack("<BH", addr, nbytes) + data)

    def scan(self):
        return list(self._ask(0))

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        return self._transfer(addr, memaddr.to_bytes(addrsize // 8, "big"), nbytes)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        buf[:] = self.readfrom_mem(addr, memaddr, len(buf), addrsize=addrsize)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self._transfer(addr, memaddr.to_bytes(addrsize // 8, "big") + bytes(buf))

    def readfrom(self, addr, nbytes, stop=True):
        return self._transfer(addr, b"", nbytes)

    def readfrom_into(self, addr, buf, stop=True):
        buf[:] = self.readfrom(addr, len(buf))

    def writeto(self, addr, buf, stop=True):
        self._transfer(addr, bytes(buf))
        return len(buf)


class UART:
    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, *, tx=1, rx=3, rxbuf=256, timeout=0):
        self._id = id
        request = struct.pack("<BIBBH", id, baudrate, _number(rx), _number(tx), rxbuf)
        _board.tell(b"u", b"\x00" + request)

    def _ask(self, operation, payload=b""):
        return _board.ask(b"u", bytes((operation, self._id)) + payload)

    def any(self):
        return struct.unpack("<H", self._ask(1))[0]

    def read(self, nbytes=65535):
        return self._ask(2, struct.pack("<H", nbytes)) or None

    def readinto(self, buf):
        data = self._ask(2, struct.pack("<H", len(buf)))
        buf[: len(data)] = data
        return len(data) or None

    def write(self, buf):
        _board.tell(b"u", bytes((3, self._id)) + bytes(buf))
        return len(buf)

    def deinit(self):
        _board.tell(b"u", bytes((4, self._id)))


class Timer:
    """Nothing interrupts the desktop's interpreter: it fires only while the REPL waits (`repl.py`)."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id):
        self._id = id

    def init(self, *, mode=PERIODIC, freq=-1, period=-1, callback=None):
        self._mode, self._period, self._callback = mode, period, callback
        self._due = utime.ticks_add(utime.ticks_ms(), period)
        _timers[self._id] = self

    def deinit(self):
        _timers.pop(self._id, None)

    def _look(self):
        """Fire if it is time."""
        if utime.ticks_diff(utime.ticks_ms(), self._due) >= 0:
            self._due = utime.ticks_add(self._due, self._period)
            if self._mode == Timer.ONE_SHOT:
                self.deinit()
            self._callback(self)


class RTC:
    def __init__(self, id=0):
        self._path = _board.facts["rtc"]

    def memory(self, data=None):
        if data is None:
            try:
                with open(self._path, "rb") as cells:
                    return cells.read()
            except OSError:
                return b""
        if len(data) > _RTC_BYTES:
            raise ValueError("buffer too long")
        with open(self._path, "wb") as cells:
            cells.write(data)
        return None

    def datetime(self, datetimetuple=None):
        if datetimetuple is not None:
            raise OSError(1)  # the tick is never stepped, so the twin's RTC cannot be
        import time

        year, month, day, hour, minute, second, weekday, _ = time.gmtime()
        return (year, month, day, weekday, hour, minute, second, 0)


class WDT:
    def __init__(self, *, id=0, timeout=5000):
        self._feed = struct.pack("<I", timeout)
        self.feed()

    def feed(self):
        _board.tell(b"g", self._feed)
