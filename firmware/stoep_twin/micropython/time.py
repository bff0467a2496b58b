"""`time` as on the board: the RTC counts from 2000-01-01 and drifts; waits of a second and more run in scaled time.

Ticks are real ones, and jump with the twin's time.
"""

import utime as _real
from host import board as _board
from utime import sleep_us, ticks_add, ticks_cpu, ticks_diff  # noqa: F401

_FROM_1970 = 946684800  # the desktop's epoch, seen from the board's
_ONES = _real.ticks_add(0, -1)


def time():
    return _board.rtc_us() // 1000000


def time_ns():
    return _board.rtc_us() * 1000


def ticks_ms():
    return (_real.ticks_ms() + _board.jumped_us // 1000) & _ONES


def ticks_us():
    return (_real.ticks_us() + _board.jumped_us) & _ONES


def sleep(seconds):
    _board.wait(int(seconds * 1000))


def sleep_ms(ms):
    if ms > 0:
        _board.wait(ms)


def gmtime(secs=None):
    return _real.gmtime((time() if secs is None else secs) + _FROM_1970)[:8]


def localtime(secs=None):
    return gmtime(secs)


def mktime(local_time):
    # The desktop's mktime follows the time zone of the machine; the board has none. Days by Howard Hinnant's rule.
    year, month, day, hour, minute, second = local_time[:6]
    year -= month <= 2
    era = year // 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    of_era = (year - era * 400) * 365 + (year - era * 400) // 4 - (year - era * 400) // 100 + of_year
    days = era * 146097 + of_era - 730425
    return ((days * 24 + hour) * 60 + minute) * 60 + second
