"""What all boards of a street share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from stoep_twin.access import AccessPoint
from stoep_twin.air import Air
from stoep_twin.clockwork import Clockwork
from stoep_twin.console import Line as ConsoleLine
from stoep_twin.nursery import Nursery

DEFAULT_HEAP = "4M"


@dataclass
class Surroundings:
    """What all boards of a street share; `said` hears each line of a console, with the name of its board.

    `firmware` is the folder that they run, None if each runs what is in its flash.
    """

    clock: Clockwork
    nursery: Nursery
    air: Air
    firmware: Path | None
    said: Callable[[str, ConsoleLine], None] = field(repr=False)
    finding: Callable[[str], None] = field(repr=False)
    heap: str = DEFAULT_HEAP
    access_point: AccessPoint | None = None
