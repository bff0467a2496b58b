"""A bin: the climate under its lid, how full it is, how it stands, its battery.

Alarms when it wants emptying, burns or has fallen over. The accelerometer sits on the lid: it counts how often that is
moved, and what it says of the bin's tilt is believed only when the lid cannot just be open.
"""

from machine import ADC, I2C, UART, Pin
from micropython import const

from node import alarms, health, staging
from node.generated import catalogue as its
from node.generated import pins_bin as pins

_RULES = (  # code, channel, raised at, cleared at: %
    (its.ALARM_FULL, its.FILL_LEVEL, 90, 80),
    (its.ALARM_OVERFLOWING, its.FILL_LEVEL, 95, 90),
)
_CELL = const(500)  # mV: no cell is so empty


class Bin:
    """One bin's sensors. Each one's driver makes room for the next one's: together they are too much for a board."""

    layout = its.LAYOUT_BIN_MOVING
    watched = pins.MOTION_INT

    def __init__(self, settings, memory):
        self._settings = settings
        self._memory = memory
        self._i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)

    def sample(self):
        """What can be read now: {channel: counts}; a sensor that fails is absent."""
        counts = {}
        climate = self._reading(health.CLIMATE, self._climate, True)
        if climate:
            counts[its.TEMPERATURE], counts[its.PRESSURE], counts[its.HUMIDITY] = climate
        distance = self._reading(health.RANGE, self._by_light if self._settings.fill_sensor else self._by_sound)
        if distance is not None:
            counts[its.FILL_DISTANCE] = distance
            counts[its.FILL_LEVEL] = self._level(distance)
        tilt = self._reading(health.MOTION, self._tilt)
        if tilt is not None:
            counts[its.TILT] = tilt
            counts[its.LID_COUNT] = self._memory.moves
        voltage = self._reading(health.BATTERY, self._voltage)
        if voltage is not None:
            counts[its.BATTERY_VOLTAGE] = voltage
        return counts

    def _reading(self, sensor, read, lively=False):
        value = health.reading(self._memory, sensor, read, lively)
        staging.forget("sensors")
        return value

    def _climate(self):
        from node.sensors.bme280 import BME280

        return BME280(self._i2c, pins.CLIMATE_ADDRESS).read()

    def _by_sound(self):
        from node.sensors.a02yyuw import A02YYUW

        uart = UART(pins.RANGE_UART, baudrate=9600, tx=pins.RANGE_TX, rx=pins.RANGE_RX)
        return A02YYUW(uart, Pin(pins.RANGE_POWER, Pin.OUT, value=0)).read()

    def _by_light(self):
        from node.sensors.vl53l1x import VL53L1X

        return VL53L1X(self._i2c, pins.LIGHT_ADDRESS).read()

    def _tilt(self):
        from node.sensors.lis3dh import LIS3DH

        motion = LIS3DH(self._i2c, pins.MOTION_ADDRESS)
        tilt = motion.tilt()
        if not motion.is_armed():
            motion.arm(latched=False)
        return tilt

    def _voltage(self):
        from node.sensors.voltage import Voltage

        divider = pins.BATTERY_DIVIDER * self._settings.battery_permille // 1000
        return Voltage(ADC(Pin(pins.BATTERY_ADC), atten=ADC.ATTN_11DB), divider, _CELL).read()

    def _level(self, distance):
        depth = max(self._settings.empty_mm - self._settings.full_mm, 1)
        level = ((self._settings.empty_mm - distance) * 100 + depth // 2) // depth
        return min(max(level, 0), 100)

    def alarms(self, counts, tick):
        """The alarms that change with this sample: [(code, raised, channel, counts)]."""
        recalled = self._memory
        found = alarms.changed(recalled.raised, counts, _RULES)
        return found + alarms.fire(recalled, counts, tick) + alarms.tilted(recalled, counts)
