"""How long the card will last: what is written in a day, against what the makers of some cards promise.

Makers state hours of video at 26 Mbit/s, in long sequential writes (data sheets of SanDisk High Endurance and Max
Endurance, Samsung PRO Endurance of 2022, Kingston High Endurance at 13 Mbit/s). Small scattered writes such as a
store's wear a card several times as fast; the factor here is an estimate and is named wherever it is used.
"""

import os
from pathlib import Path
from typing import NamedTuple

from stoep.doctor.finding import Finding, good, unknown, warning
from stoep.doctor.machine import Machine

_BYTES_AN_HOUR = 26_000_000 // 8 * 3600
FACTOR = 4  # est.: how much faster small writes wear a card than the maker's long ones
_SECTOR = 512
_DAY = 86_400
_LONG_ENOUGH = 3600.0  # seconds since the start, before which a day's bytes are not known
_WRITTEN = 6  # field of /sys/block/*/stat: sectors written (Documentation/block/stat.rst of the kernel)
_FEW_YEARS = 5.0
_MOST_YEARS = 50.0


class Card(NamedTuple):
    """`hours` of video at 26 Mbit/s, for 32 GB; larger ones of the kind last in proportion."""

    name: str
    hours: int


CARDS = (
    Card("SanDisk High Endurance", 2_500),
    Card("SanDisk Max Endurance", 15_000),
    Card("Samsung PRO Endurance", 17_520),
)
_SIZE = 32


def years(card: Card, gigabytes: int, a_day: float) -> float:
    """How long it lasts if `a_day` bytes are written each day."""
    enough = card.hours * _BYTES_AN_HOUR * gigabytes / _SIZE
    return enough / FACTOR / a_day / 365.25


def look(machine: Machine, folder: Path) -> Finding:
    """Of the disk on which `folder` lies; everything that is written there counts, not only what we write."""
    disk = _disk(machine, folder)
    if disk is None:
        return unknown("card", f"no disk of its own under {folder}")
    written, up = _written(machine, disk), _up(machine)
    if written is None or up is None or up < _LONG_ENOUGH:
        return unknown("card", f"{disk}: ask again when the machine runs for an hour: bytes a day are not known yet")
    a_day = written / up * _DAY
    spans = {card: years(card, _SIZE, max(a_day, 1.0)) for card in CARDS}
    lasting = ", ".join(f"{card.name} {_span(span)}" for card, span in spans.items())
    words = f"{disk}: {a_day / 1e6:.0f} MB a day; of 32 GB would last (small writes count {FACTOR}x, est.): {lasting}"
    if spans[CARDS[0]] < _FEW_YEARS:
        remedy = "keep journald in memory (Storage=volatile), and look what else writes: fatrace, iotop -a"
        return warning("card", words, remedy)
    return good("card", words)


def _span(span: float) -> str:
    return f"over {_MOST_YEARS:.0f} years" if span > _MOST_YEARS else f"{span:.1f} years"


def _disk(machine: Machine, folder: Path) -> str | None:
    """The whole disk, as "mmcblk0", of the partition on which `folder` lies."""
    try:
        device = folder.stat().st_dev
    except OSError:
        return None
    number = f"{os.major(device)}:{os.minor(device)}"
    blocks = machine.path("/sys/block")
    for disk in sorted(blocks.iterdir()) if blocks.is_dir() else ():
        parts = [disk, *(part.parent for part in disk.glob(f"{disk.name}*/dev"))]
        if any(machine.read(f"/sys/block/{part.relative_to(blocks)}/dev") == number for part in parts):
            return disk.name
    return None


def _written(machine: Machine, disk: str) -> int | None:
    fields = (machine.read(f"/sys/block/{disk}/stat") or "").split()
    return int(fields[_WRITTEN]) * _SECTOR if len(fields) > _WRITTEN else None


def _up(machine: Machine) -> float | None:
    said = machine.read("/proc/uptime")
    return float(said.split()[0]) if said else None
