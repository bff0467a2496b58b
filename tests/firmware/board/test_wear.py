"""What a sample costs the flash, and how long the ring holds out."""

from nor import Nor

from node import flash
from node.generated import catalogue as its
from node.generated.channels import CHANNELS, LAYOUTS
from node.held import SAMPLE
from node.life import Life
from node.payload import pack_values
from node.ring import Ring

SECTORS = 64  # of the partition `stoep`
DAY = 96  # samples


def payload(layout):
    # Every value as wide as a usual one gets: its range's end, at most two bytes and a head.
    return pack_values(layout, {channel: CHANNELS[channel][1] + 30000 for channel in LAYOUTS[layout]})


def month(layout):
    """(device, samples given up) after thirty days of samples that nobody takes."""
    device = Nor(SECTORS)
    Life(device).begin()
    Life(device).cold_boot()
    before = device.programs, device.programmed, device.erases
    lost = []
    ring = Ring(device, flash.RING, lambda: (0, 0), lambda *gone: lost.append(gone))
    values = payload(layout)
    for seq in range(1, 30 * DAY + 1):
        ring.append(SAMPLE, 1, seq, seq * 900, values)
    spent = device.programs - before[0], device.programmed - before[1], device.erases - before[2]
    return spent, lost


def test_thirty_days_of_the_widest_samples_are_held_at_little_wear():
    for layout in (its.LAYOUT_BIN_MOVING, its.LAYOUT_LAMPPOST, its.LAYOUT_LAMPPOST_HOURS):
        (programs, programmed, erases), lost = month(layout)
        assert lost == [], layout
        assert programmed <= 96 * 30 * DAY, (layout, programmed)
        assert programs <= 2 * 30 * DAY
        assert erases * 40 <= 30 * DAY, (layout, erases)
