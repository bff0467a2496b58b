# Generated from hardware/lamppost.toml by `make generate`; do not edit.

from micropython import const

I2C_SDA = const(21)  # I2C data, 4.7 kΩ pull-up
I2C_SCL = const(22)  # I2C clock, 4.7 kΩ pull-up
PARTICLES_RX = const(26)  # UART receive, from the particle sensor's TX
PARTICLES_TX = const(27)  # UART transmit, to the particle sensor's RX
PARTICLES_SET = const(25)  # low stops the particle sensor; 4.7 kΩ to ground, or its fan runs while the ESP32 sleeps
PASSERS_OUT = const(33)  # the PIR's output, high while somebody moves
LIGHT_DIM = const(32)  # the MOSFET's gate: the longer high, the darker; 4.7 kΩ to ground

CLIMATE_ADDRESS = const(118)
CO2_ADDRESS = const(98)
LAMP_ADDRESS = const(64)
LAMP_SHUNT_MILLIOHM = const(100)
LAMP_MILLIWATT = const(36000)
PARTICLES_UART = const(1)
