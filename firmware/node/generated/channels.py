# Generated from firmware/wire/channels.toml by `make generate`; do not edit.

# by id: name and offset; what travels is counts less offset
CHANNELS = {
    1: ("temperature", 0),
    2: ("humidity", 0),
    3: ("pressure", 101325),
    4: ("fill_distance", 0),
    5: ("fill_level", 0),
    6: ("battery_voltage", 3700),
    7: ("co2", 400),
    8: ("pm1_0", 0),
    9: ("pm2_5", 0),
    10: ("pm10", 0),
    11: ("motion_count", 0),
    12: ("solar_voltage", 0),
    13: ("lid_count", 0),
    14: ("tilt", 0),
    15: ("failures", 0),
    16: ("lamp_power", 0),
    17: ("lamp_energy", 0),
    18: ("lamp_energy_fixed", 0),
    19: ("lamp_lit", 0),
}

# id of a layout: the channels of a sample, in order
LAYOUTS = {
    1: (1, 2, 3, 4, 5, 6),
    2: (1, 2, 3, 4, 5, 14, 13, 6),
    3: (1, 2, 3, 11, 12, 6),
    4: (1, 2, 3, 8, 9, 10, 7, 11),
    5: (1, 2, 3, 8, 9, 10, 7, 11, 17, 18),
    6: (1, 2, 3, 8, 9, 10, 7, 11, 17, 18, 19),
}
