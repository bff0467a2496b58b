# Generated from hardware/bridge.toml by `make generate`; do not edit.

from micropython import const

BAUD = const(921600)
