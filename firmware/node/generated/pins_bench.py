# Generated from hardware/bench.toml by `make generate`; do not edit.

from micropython import const

I2C_SDA = const(21)  # I2C data, 4.7 kΩ pull-up
I2C_SCL = const(22)  # I2C clock, 4.7 kΩ pull-up
PASSERS_OUT = const(33)  # the PIR's output, high while somebody moves
BATTERY_ADC = const(34)  # ADC1 channel 6, behind the divider
SOLAR_ADC = const(35)  # ADC1 channel 7, behind the divider

CLIMATE_ADDRESS = const(118)
BATTERY_DIVIDER = const(2000)
SOLAR_DIVIDER = const(3000)
