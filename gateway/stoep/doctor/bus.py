"""Whether the I2C bus of the Pi's own sensor is there, and ours to use."""

from stoep.doctor.finding import Finding, good, trouble
from stoep.doctor.machine import Machine

_BUS = "/dev/i2c-1"


def look(machine: Machine, address: int) -> Finding:
    if not machine.path(_BUS).exists():
        remedy = "say: sudo raspi-config nonint do_i2c 0, and restart; or set cabinet.bme280 = false"
        return trouble("I2C", f"{_BUS} is not there: I2C is turned off", remedy)
    if not machine.may_use(_BUS):
        remedy = "say: sudo adduser stoep i2c, and restart the gateway"
        return trouble("I2C", f"{_BUS} may not be used by whoever asks", remedy)
    return good("I2C", f"{_BUS} is there, for the sensor at 0x{address:02x}")
