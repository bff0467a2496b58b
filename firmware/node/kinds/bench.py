"""A bench: the climate beside it, who passes, its battery and the panel that charges it."""

from machine import ADC, I2C, Pin
from micropython import const

from node import health
from node.generated import catalogue as its
from node.generated import pins_bench as pins
from node.sensors.bme280 import BME280
from node.sensors.pir import PIR
from node.sensors.voltage import Voltage

_CELL = const(500)  # mV: no cell is so empty


class Bench:
    """One bench's sensors; constructing it sends nothing."""

    layout = its.LAYOUT_BENCH
    watched = pins.PASSERS_OUT

    def __init__(self, settings, memory):
        self._memory = memory
        i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=100_000)
        self._climate = BME280(i2c, pins.CLIMATE_ADDRESS)
        self._battery = Voltage(
            ADC(Pin(pins.BATTERY_ADC), atten=ADC.ATTN_11DB),
            pins.BATTERY_DIVIDER * settings.battery_permille // 1000,
            _CELL,
        )
        self._passers = PIR(memory)
        self._solar = Voltage(ADC(Pin(pins.SOLAR_ADC), atten=ADC.ATTN_11DB), pins.SOLAR_DIVIDER)

    def sample(self):
        """What can be read now: {channel: counts}; a sensor that fails is absent."""
        counts = {}
        climate = health.reading(self._memory, health.CLIMATE, self._climate.read, True)
        if climate:
            counts[its.TEMPERATURE], counts[its.PRESSURE], counts[its.HUMIDITY] = climate
        for channel, sensor, source in (
            (its.MOTION_COUNT, health.MOTION, self._passers),
            (its.BATTERY_VOLTAGE, health.BATTERY, self._battery),
            (its.SOLAR_VOLTAGE, health.SOLAR, self._solar),
        ):
            value = health.reading(self._memory, sensor, source.read)
            if value is not None:
                counts[channel] = value
        return counts

    def alarms(self, _counts, _tick):
        """A bench has none of its own."""
        return []
