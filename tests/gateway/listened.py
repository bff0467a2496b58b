"""What a gateway said, for whoever listens."""

from pathlib import Path
from typing import Any

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.wire.messages import Place

SITE = "stoep/1/grote-markt"
Document = dict[str, Any]


def published_by_a_gateway(folder: Path) -> list[Document]:
    """A bin's quarters of an hour at 6:00, 6:15 and 6:30, and the first again after a late sample."""
    clock = TurnedClock()
    chain = Chain(folder / "stoep.db", clock, PlayedNode())
    said = []
    for now, taken in ((5, []), (890, [1, 2]), (1790, [4]), (2690, [5]), (2800, [3]), (3000, [])):
        clock.now = 1000.0 + now
        ticks = {1: 10, 2: 400, 3: 700, 4: 1000, 5: 1900}
        more = {"back": 1} if chain.node.counter > 1 else {}
        chain.ask(*(sample(seq, ticks[seq]) for seq in taken), tick=now, floor=Place(1, 1), **more)
        chain.commit()
        chain.turn()
        said += chain.windows()
    chain.database.close()
    said.sort(key=lambda one: (one["revision"], one["start"]))
    assert [(one["start"][11:16], one["revision"]) for one in said] == [
        ("06:00", 1),
        ("06:15", 1),
        ("06:30", 1),
        ("06:00", 2),
    ]
    return said
