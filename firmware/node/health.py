"""Faults are facts: counted in the memory, said on the console, never hidden."""

CLIMATE = 0
RANGE = 1
BATTERY = 2
_NAMES = ("climate", "range", "battery")
_HIGHEST = 65535


def reading(memory, sensor, read):
    """What `read()` returns, or None when the sensor failed; the failure is counted."""
    try:
        return read()
    except (OSError, ValueError) as error:
        memory.failures[sensor] = min(memory.failures[sensor] + 1, _HIGHEST)
        print("sensor name=%s failures=%d error=%s" % (_NAMES[sensor], memory.failures[sensor], error))
        return None
