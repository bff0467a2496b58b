"""A lamppost: the air beside it, the dust and the carbon dioxide in it, who passes, and what its lamp uses.

The lamp itself is served by `node/lamp/post.py` all the time, also while a sensor here is waited for.
"""

from machine import I2C, UART, Pin

from node import health, staging
from node.generated import catalogue as its
from node.generated import pins_lamppost as pins


class Lamppost:
    """Its sensors. Each one's driver makes room for the next one's: together they are too much for a board."""

    layout = its.LAYOUT_LAMPPOST_HOURS
    watched = 0  # it does not sleep

    def __init__(self, memory, lamp):
        self._memory = memory
        self._lamp = lamp
        self._i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)

    def sample(self):
        """What can be read now: {channel: counts}; a sensor that fails is absent."""
        counts = {}
        climate = self._reading(health.CLIMATE, self._climate, True)
        if climate:
            counts[its.TEMPERATURE], counts[its.PRESSURE], counts[its.HUMIDITY] = climate
        co2 = self._reading(health.CO2, lambda: self._co2(counts.get(its.PRESSURE)), True)
        if co2 is not None:
            counts[its.CO2] = co2
        particles = self._reading(health.PARTICLES, self._dust, True)
        if particles:
            counts[its.PM1_0], counts[its.PM2_5], counts[its.PM10] = particles[:3]
        moves = self._reading(health.MOTION, self._passers, False)
        if moves is not None:
            counts[its.MOTION_COUNT] = moves
        counts[its.LAMP_ENERGY], counts[its.LAMP_ENERGY_FIXED], counts[its.LAMP_LIT] = self._lamp.consumption.take()
        self._reading(health.LAMP, self._lamp.consumption.check, False)
        return counts

    def _reading(self, sensor, read, lively):
        value = health.reading(self._memory, sensor, read, lively)
        staging.forget("sensors")
        return value

    def _climate(self):
        from node.sensors.bme280 import BME280

        return BME280(self._i2c, pins.CLIMATE_ADDRESS).read()

    def _co2(self, pascal):
        from node.sensors.scd41 import SCD41

        return SCD41(self._i2c, pins.CO2_ADDRESS, self._lamp.pause).read(pascal)

    def _dust(self):
        from node.sensors.pms5003 import PMS5003

        uart = UART(pins.PARTICLES_UART, baudrate=9600, tx=pins.PARTICLES_TX, rx=pins.PARTICLES_RX)
        return PMS5003(uart, Pin(pins.PARTICLES_SET, Pin.OUT, value=0), self._lamp.pause).read()

    def _passers(self):
        from node.sensors.pir import PIR

        return PIR(self._memory).read()

    def alarms(self, _counts, _tick):
        """A lamp that does not do as it is told. How bright it is meanwhile stays in the street."""
        news, self._lamp.consumption.news = self._lamp.consumption.news, []
        return [(its.ALARM_LAMP_STUCK_ON + fault, on, its.LAMP_POWER, None) for fault, on in news]
