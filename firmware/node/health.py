"""Faults are facts: counted in the memory, said on the console, never hidden."""

from micropython import const

CLIMATE, RANGE, BATTERY, SOLAR = const(0), const(1), const(2), const(3)
_NAMES = ("climate", "range", "battery", "solar")
_HIGHEST = 65535


def reading(memory, sensor, read):
    """What `read()` returns, or None when the sensor failed; the failure is counted."""
    try:
        return read()
    except (OSError, ValueError) as error:
        memory.failures[sensor] = min(memory.failures[sensor] + 1, _HIGHEST)
        print("sensor name=%s failures=%d error=%s" % (_NAMES[sensor], memory.failures[sensor], error))
        return None
