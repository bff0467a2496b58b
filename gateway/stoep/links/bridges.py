"""The links to all bridges of the settings, which must not take each other's ports."""

from collections import Counter
from collections.abc import Iterable

from stoep.clock import Clock
from stoep.health import Counters, Pulse
from stoep.links.base import Handler
from stoep.links.bridge import BridgeLink
from stoep.links.usb import Claims, Seeker, identity
from stoep.settings import BridgeSettings


def make_bridges(
    wanted: Iterable[BridgeSettings], handler: Handler, clock: Clock, counters: Counters, pulse: Pulse | None = None
) -> list[BridgeLink]:
    """One for each table; those that are looked for have a name of their own."""
    tables = list(wanted)
    claims = Claims([table.port for table in tables if table.port is not None and identity(table) is None])
    names: Counter[str] = Counter()
    links = []
    for table in tables:
        sought = identity(table)
        if sought is None:
            assert table.port is not None
            links.append(BridgeLink(table.port, handler, clock, counters, pulse=pulse))
            continue
        names[str(sought)] += 1
        again = names[str(sought)]
        name = str(sought) if again == 1 else f"{sought} ({again})"
        links.append(BridgeLink(name, handler, clock, counters, Seeker(sought, claims), pulse=pulse))
    return links
