"""Faults are facts: counted in the memory, said on the console, never hidden.

Sensors have the order of their alarms in the catalogue.
"""

from micropython import const

from node import flash
from node.generated import catalogue as its

CLIMATE = const(0)
RANGE = const(1)
BATTERY = const(2)
SOLAR = const(3)
MOTION = const(4)
PARTICLES = const(5)
CO2 = const(6)
LAMP = const(7)
_NAMES = const(("climate", "range", "battery", "solar", "motion", "particles", "co2", "lamp"))
_HIGHEST = const(65535)
_FAILING = const(3)  # failures beyond successes at which it is an alarm; as many successes end it
_STUCK = const(16)  # the same value so often: a sensor whose values never stand still is stuck


def reading(memory, sensor, read, lively=False):
    """What `read()` returns, or None when the sensor failed; the failure is counted.

    The values of a `lively` sensor never stand still: if they do, it has failed.
    """
    try:
        value = read()
        if lively:
            _look_for_life(memory, sensor, value)
    except (OSError, ValueError) as error:
        memory.failures[sensor] = min(memory.failures[sensor] + 1, _HIGHEST)
        memory.failing[sensor] = min(memory.failing[sensor] + 1, _FAILING)
        print("sensor name=%s failures=%d error=%s" % (_NAMES[sensor], memory.failures[sensor], error))
        return None
    memory.failing[sensor] = max(memory.failing[sensor] - 1, 0)
    return value


def _look_for_life(memory, sensor, value):
    fingerprint = flash.crc32(str(value).encode()) & 0xFFFF
    alike = memory.alike[sensor] + 1 if memory.value[sensor] == fingerprint else 0
    memory.value[sensor], memory.alike[sensor] = fingerprint, min(alike, _STUCK)
    if alike >= _STUCK:
        raise ValueError("stuck at %s" % (value,))


def alarms(memory):
    """The sensors' own alarms that change with this sample: [(code, on, channel, counts)]."""
    found = []
    for sensor in range(len(memory.failing)):
        code = its.ALARM_CLIMATE_FAILING + sensor
        on = memory.raised >> code & 1
        if memory.failing[sensor] == (0 if on else _FAILING):
            found.append((code, 1 - on, its.FAILURES, memory.failures[sensor]))
    return found
