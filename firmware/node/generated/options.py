# Generated from firmware/wire/channels.toml by `make generate`; do not edit.

# by id: name, default, lowest, highest, whether it is on probation
KNOWN = {
    1: ("interval", 900, 5, 86400, 1),
    2: ("sampling", 1, 0, 1, 0),
    3: ("empty_mm", 1200, 100, 4500, 0),
    4: ("full_mm", 200, 30, 4000, 0),
    5: ("fill_sensor", 0, 0, 1, 0),
    6: ("low_mv", 3300, 0, 6000, 1),
    7: ("radio_channel", 0, 0, 13, 1),
    8: ("battery_permille", 1000, 900, 1100, 0),
    9: ("link", 0, 0, 1, 1),
}
