"""What may differ from node to node and change in its life; the last good settings stand in flash.

They are one map {id: value} of what is not the default, see `wire/channels.toml`; its fingerprint is their version.
"""

from node import cbor, flash
from node.generated.options import KNOWN


class Settings:
    """One attribute for each known setting."""

    def __init__(self, values):
        self.interval = values["interval"]
        self.sampling = values["sampling"]
        self.empty_mm = values["empty_mm"]
        self.full_mm = values["full_mm"]
        self.fill_sensor = values["fill_sensor"]
        self.low_mv = values["low_mv"]
        self.radio_channel = values["radio_channel"]
        self.battery_permille = values["battery_permille"]
        self.link = values["link"]


def kept(life):
    """The map that `life` keeps; an empty one when it keeps none that can be read."""
    try:
        return cbor.decode(life.settings() or b"\xa0")
    except ValueError:
        return {}


def load(life):
    """The settings kept by `life`; the default where one is missing or out of range."""
    known = kept(life)
    values = {}
    for key, (name, default, lowest, highest, _) in KNOWN.items():
        value = known.get(key)
        values[name] = value if isinstance(value, int) and lowest <= value <= highest else default
    return Settings(values)


def store(**changes):
    """Change settings of this board (a technician's call). Raises ValueError naming what is wrong."""
    from node.life import Life

    life = Life(flash.partition())
    known = kept(life)
    ids = {KNOWN[key][0]: key for key in KNOWN}
    for name, value in changes.items():
        if name not in ids:
            raise ValueError("unknown setting %s; known: %s" % (name, ", ".join(sorted(ids))))
        _, _, lowest, highest, _ = KNOWN[ids[name]]
        if not isinstance(value, int) or not lowest <= value <= highest:
            raise ValueError("%s must be a whole number from %d to %d" % (name, lowest, highest))
        known[ids[name]] = value
    life.keep_settings(cbor.encode(known))
    life.keep_good(b"")  # whoever stands beside it knows better
