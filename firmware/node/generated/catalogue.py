# Generated from firmware/wire/channels.toml by `make generate`; do not edit.

from micropython import const

TEMPERATURE = const(1)  # °C, 2 decimals
HUMIDITY = const(2)  # %, 2 decimals
PRESSURE = const(3)  # hPa, 2 decimals
FILL_DISTANCE = const(4)  # mm, 0 decimals
FILL_LEVEL = const(5)  # %, 0 decimals
BATTERY_VOLTAGE = const(6)  # V, 3 decimals

# id: (name, offset, lowest, highest); wire = counts - offset, the limits are in counts
CHANNELS = {
    1: ("temperature", 0, -4000, 8500),
    2: ("humidity", 0, 0, 10000),
    3: ("pressure", 101325, 30000, 110000),
    4: ("fill_distance", 0, 30, 4500),
    5: ("fill_level", 0, 0, 100),
    6: ("battery_voltage", 3700, 0, 6000),
}

LAYOUT_BIN = const(1)

# id: the channels of a sample, in order
LAYOUTS = {
    1: (1, 2, 3, 4, 5, 6),
}

ALARM_FULL = const(1)

LOST_FULL = const(1)
LOST_CORRUPT = const(2)
