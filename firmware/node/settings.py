"""What may differ from node to node and change in its life; the last good settings stand in flash."""

from node import cbor, flash
from node.life import Life

# name → (key in the cell, default, lowest, highest)
_KNOWN = {
    "interval": (1, 900, 5, 86400),  # seconds between two wakes
    "sampling": (2, 1, 0, 1),  # 0: report only
    "empty_mm": (3, 1200, 100, 4500),  # distance to the floor of the empty bin
    "full_mm": (4, 200, 30, 4000),  # distance to the waste when the bin is full
    "fill_sensor": (5, 0, 0, 1),  # 0: ultrasonic (A02YYUW), 1: light (VL53L1X)
    "low_mv": (6, 3300, 0, 6000),  # battery voltage below which the node saves; 0: it hangs on the mains
}


class Settings:
    """One attribute for each known setting."""

    def __init__(self, values):
        self.interval = values["interval"]
        self.sampling = values["sampling"]
        self.empty_mm = values["empty_mm"]
        self.full_mm = values["full_mm"]
        self.fill_sensor = values["fill_sensor"]
        self.low_mv = values["low_mv"]


def load(life):
    """The settings kept by `life`; the default where one is missing or out of range."""
    try:
        kept = cbor.decode(life.settings() or b"\xa0")
    except ValueError:
        kept = {}
    values = {}
    for name, (key, default, lowest, highest) in _KNOWN.items():
        value = kept.get(key)
        values[name] = value if isinstance(value, int) and lowest <= value <= highest else default
    return Settings(values)


def store(**changes):
    """Change settings of this board (a technician's call). Raises ValueError naming what is wrong."""
    life = Life(flash.partition())
    try:
        kept = cbor.decode(life.settings() or b"\xa0")
    except ValueError:
        kept = {}
    for name, value in changes.items():
        if name not in _KNOWN:
            raise ValueError("unknown setting %s; known: %s" % (name, ", ".join(sorted(_KNOWN))))
        key, _, lowest, highest = _KNOWN[name]
        if not isinstance(value, int) or not lowest <= value <= highest:
            raise ValueError("%s must be a whole number from %d to %d" % (name, lowest, highest))
        kept[key] = value
    life.keep_settings(cbor.encode(kept))
