"""A bin: the climate under its lid, how full it is, how it stands, its battery.

Alarms when it wants emptying, burns or has fallen over. The accelerometer sits on the lid: it counts how often that is
moved, and what it says of the bin's tilt is believed only when the lid cannot just be open.
"""

from machine import ADC, I2C, UART, Pin
from micropython import const

from node import alarms, health
from node.generated import catalogue as its
from node.generated import pins_bin as pins
from node.sensors.bme280 import BME280
from node.sensors.lis3dh import LIS3DH
from node.sensors.voltage import Voltage

_RULES = (  # code, channel, raised at, cleared at: %
    (its.ALARM_FULL, its.FILL_LEVEL, 90, 80),
    (its.ALARM_OVERFLOWING, its.FILL_LEVEL, 95, 90),
)
_CELL = const(500)  # mV: no cell is so empty


def _by_sound():
    from node.sensors.a02yyuw import A02YYUW

    uart = UART(pins.RANGE_UART, baudrate=9600, tx=pins.RANGE_TX, rx=pins.RANGE_RX)
    return A02YYUW(uart, Pin(pins.RANGE_POWER, Pin.OUT, value=0))


def _by_light(i2c):
    from node.sensors.vl53l1x import VL53L1X

    return VL53L1X(i2c, pins.LIGHT_ADDRESS)


class Bin:
    """One bin's sensors; constructing it sends nothing."""

    layout = its.LAYOUT_BIN_MOVING
    watched = pins.MOTION_INT

    def __init__(self, settings, memory, _feed):
        self._settings = settings
        self._memory = memory
        i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)
        self._climate = BME280(i2c, pins.CLIMATE_ADDRESS)
        self._range = _by_light(i2c) if settings.fill_sensor else _by_sound()
        self._motion = LIS3DH(i2c, pins.MOTION_ADDRESS)
        self._battery = Voltage(ADC(Pin(pins.BATTERY_ADC), atten=ADC.ATTN_11DB), pins.BATTERY_DIVIDER, _CELL)

    def sample(self):
        """What can be read now: {channel: counts}; a sensor that fails is absent."""
        counts = {}
        climate = health.reading(self._memory, health.CLIMATE, self._climate.read, True)
        if climate:
            counts[its.TEMPERATURE], counts[its.PRESSURE], counts[its.HUMIDITY] = climate
        distance = health.reading(self._memory, health.RANGE, self._range.read)
        if distance is not None:
            counts[its.FILL_DISTANCE] = distance
            counts[its.FILL_LEVEL] = self._level(distance)
        tilt = health.reading(self._memory, health.MOTION, self._tilt)
        if tilt is not None:
            counts[its.TILT] = tilt
            counts[its.LID_COUNT] = self._memory.moves
        voltage = health.reading(self._memory, health.BATTERY, self._battery.read)
        if voltage is not None:
            counts[its.BATTERY_VOLTAGE] = voltage
        return counts

    def _tilt(self):
        tilt = self._motion.tilt()
        if not self._motion.is_armed():
            self._motion.arm(latched=False)
        return tilt

    def _level(self, distance):
        depth = max(self._settings.empty_mm - self._settings.full_mm, 1)
        level = ((self._settings.empty_mm - distance) * 100 + depth // 2) // depth
        return min(max(level, 0), 100)

    def alarms(self, counts, tick):
        """The alarms that change with this sample: [(code, raised, channel, counts)]."""
        recalled = self._memory
        found = alarms.changed(recalled.raised, counts, _RULES)
        return found + alarms.fire(recalled, counts, tick) + alarms.tilted(recalled, counts)
