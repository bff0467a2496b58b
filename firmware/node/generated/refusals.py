# Generated from firmware/wire/channels.toml by `make generate`; do not edit.

from micropython import const

ACCOUNT = const(1001)
CHANNEL = const(1002)
POWER_SAVE = const(1003)
