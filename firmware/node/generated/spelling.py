# Generated from firmware/wire/channels.toml by `make generate`; do not edit.

from micropython import const

ALARM_CRASHED = const(7)

LOST_FULL = const(1)
LOST_CORRUPT = const(2)

# id of a layout: how many values a sample has
LENGTHS = {
    1: 6,
    2: 8,
    3: 6,
    4: 8,
    5: 10,
    6: 11,
}
