# Generated from firmware/wire/channels.toml by `make generate`; do not edit.

from micropython import const

TEMPERATURE = const(1)  # °C, 2 decimals
HUMIDITY = const(2)  # %, 2 decimals
PRESSURE = const(3)  # hPa, 2 decimals
FILL_DISTANCE = const(4)  # mm, 0 decimals
FILL_LEVEL = const(5)  # %, 0 decimals
BATTERY_VOLTAGE = const(6)  # V, 3 decimals
CO2 = const(7)  # ppm, 0 decimals
PM1_0 = const(8)  # µg/m³, 0 decimals
PM2_5 = const(9)  # µg/m³, 0 decimals
PM10 = const(10)  # µg/m³, 0 decimals
MOTION_COUNT = const(11)  # 1, 0 decimals
SOLAR_VOLTAGE = const(12)  # V, 3 decimals
LID_COUNT = const(13)  # 1, 0 decimals
TILT = const(14)  # °, 0 decimals
FAILURES = const(15)  # 1, 0 decimals
LAMP_POWER = const(16)  # W, 3 decimals
LAMP_ENERGY = const(17)  # Wh, 3 decimals
LAMP_ENERGY_FIXED = const(18)  # Wh, 3 decimals
LAMP_LIT = const(19)  # s, 0 decimals

LAYOUT_BIN = const(1)
LAYOUT_BIN_MOVING = const(2)
LAYOUT_BENCH = const(3)
LAYOUT_LAMPPOST = const(4)
LAYOUT_LAMPPOST_LIT = const(5)
LAYOUT_LAMPPOST_HOURS = const(6)

ALARM_FULL = const(1)
ALARM_OVERFLOWING = const(2)
ALARM_FIRE = const(3)
ALARM_TILTED = const(4)
ALARM_SATURATED = const(5)
ALARM_SAFE_MODE = const(6)
ALARM_CRASHED = const(7)
ALARM_BATTERY_LOW = const(16)
ALARM_BATTERY_EMPTY = const(17)
ALARM_LAMP_STUCK_ON = const(18)
ALARM_LAMP_STUCK_OFF = const(19)
ALARM_LAMP_FLICKERING = const(20)
ALARM_LAMP_HALF = const(21)
ALARM_CLIMATE_FAILING = const(8)
ALARM_RANGE_FAILING = const(9)
ALARM_BATTERY_FAILING = const(10)
ALARM_SOLAR_FAILING = const(11)
ALARM_MOTION_FAILING = const(12)
ALARM_PARTICLES_FAILING = const(13)
ALARM_CO2_FAILING = const(14)
ALARM_LAMP_FAILING = const(15)

LOST_FULL = const(1)
LOST_CORRUPT = const(2)
