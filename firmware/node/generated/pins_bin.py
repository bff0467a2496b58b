# Generated from hardware/bin.toml by `make generate`; do not edit.

from micropython import const

I2C_SDA = const(21)  # I2C data, 4.7 kΩ pull-up
I2C_SCL = const(22)  # I2C clock, 4.7 kΩ pull-up
RANGE_RX = const(26)  # UART receive, from the range finder's TX
RANGE_TX = const(27)  # UART transmit; held high it asks for processed values
RANGE_POWER = const(25)  # high switches the range finder's supply on
MOTION_INT = const(33)  # the accelerometer's INT1: lid, knock
BATTERY_ADC = const(34)  # ADC1 channel 6, behind the divider

CLIMATE_ADDRESS = const(118)
MOTION_ADDRESS = const(24)
LIGHT_ADDRESS = const(41)
RANGE_UART = const(1)
BATTERY_DIVIDER = const(2000)
