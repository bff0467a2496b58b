"""A lamppost: the air beside it, the dust and the carbon dioxide in it, who passes. Its lamp is not driven yet."""

from machine import I2C, UART, Pin

from node import health
from node.generated import catalogue as its
from node.generated import pins_lamppost as pins
from node.sensors.bme280 import BME280
from node.sensors.pir import PIR
from node.sensors.pms5003 import PMS5003
from node.sensors.scd41 import SCD41


class Lamppost:
    """One lamppost's sensors; constructing it sends nothing."""

    layout = its.LAYOUT_LAMPPOST
    watched = pins.PASSERS_OUT

    def __init__(self, _settings, memory, feed):
        self._memory = memory
        i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)
        uart = UART(pins.PARTICLES_UART, baudrate=9600, tx=pins.PARTICLES_TX, rx=pins.PARTICLES_RX)
        self._climate = BME280(i2c, pins.CLIMATE_ADDRESS)
        self._particles = PMS5003(uart, Pin(pins.PARTICLES_SET, Pin.OUT, value=0), feed)
        self._co2 = SCD41(i2c, pins.CO2_ADDRESS, feed)
        self._passers = PIR(memory)

    def sample(self):
        """What can be read now: {channel: counts}; a sensor that fails is absent."""
        counts = {}
        self._particles.wake()  # the fan needs half a minute; the others are read meanwhile
        climate = health.reading(self._memory, health.CLIMATE, self._climate.read, True)
        if climate:
            counts[its.TEMPERATURE], counts[its.PRESSURE], counts[its.HUMIDITY] = climate
        pascal = counts.get(its.PRESSURE)
        co2 = health.reading(self._memory, health.CO2, lambda: self._co2.read(pascal), True)
        if co2 is not None:
            counts[its.CO2] = co2
        particles = health.reading(self._memory, health.PARTICLES, self._particles.read, True)
        if particles:
            counts[its.PM1_0], counts[its.PM2_5], counts[its.PM10] = particles[:3]
        moves = health.reading(self._memory, health.MOTION, self._passers.read)
        if moves is not None:
            counts[its.MOTION_COUNT] = moves
        return counts

    def alarms(self, _counts, _tick):
        """A lamppost has none of its own yet."""
        return []
