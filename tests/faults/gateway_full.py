"""A disk that fills up under the gateway, stopped at each step of its growth: nothing acknowledged is missing after it.

python tests/faults/gateway_full.py ROOM…    in a mount namespace of its own, as root: unshare -m python …

Each case leaves ROOM KiB on a small tmpfs and lets a node talk until the gateway finds no room, and on. Then the power
is cut or not, room is made, and everything the node took must come to the city once.
"""

import itertools
import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
for _folder in (TESTS / "gateway", TESTS / "wire", TESTS.parent / "gateway", TESTS.parent / "firmware"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from gateway_chain import Chain  # noqa: E402
from gateway_rig import PlayedNode, TurnedClock, sample  # noqa: E402
from stoep.errors import StoreFullError  # noqa: E402
from stoep.store import ballast, keeper, nodes  # noqa: E402
from stoep.store.windows import SECONDS  # noqa: E402
from stoep.wire.messages import Alarm, Place, Sample  # noqa: E402

DISK = 12 << 20
LARGE = 40 << 20  # with ballast
_KIB = 1 << 10
_BEFORE, _FULL, _AFTER = 6, 45, 6  # rounds
_EVERY = 60  # seconds
_PER_ROUND = 3


@dataclass
class Street:
    """One node that takes three samples a minute and keeps what is not durable; the city that hears its windows."""

    chain: Chain
    held: list[Sample] = field(default_factory=list)
    raised: list[Alarm] = field(default_factory=list)
    seq: int = 0
    alarms: int = 0
    durable: Place = field(default_factory=lambda: Place(1, 0))
    counts: dict[tuple[str, int, int], int] = field(default_factory=dict)
    events: Counter[int] = field(default_factory=Counter)

    def round(self, *, new: int = _PER_ROUND) -> None:
        clock = self.chain.clock
        clock.now += _EVERY
        tick = int(clock.now) - 1000
        for behind in range(new):
            self.seq += 1
            self.held.append(sample(self.seq, tick - 3 * (new - behind)))
        if new and self.seq % 10 == 0:
            self.alarms += 1
            self.raised.append(Alarm(1, self.alarms, 1, tick, True, 91))
        floor = Place(1, self.held[0].seq if self.held else self.seq + 1)
        answer = self.chain.ask(
            *self.held[:5], tick=tick, floor=floor, back=1 if self.chain.node.counter else None, alarms=self.raised[:1]
        )
        assert answer.durable >= self.durable, f"it said {self.durable} was durable, and now {answer.durable}"
        self.durable = answer.durable
        self.held = [one for one in self.held if one.seq > answer.durable.seq]
        self.raised = [alarm for alarm in self.raised if (alarm.epoch, alarm.number) not in answer.alarms]

    def work(self) -> None:
        """What the gateway's threads would do meanwhile."""
        if not self.chain.database.full:
            self.chain.commit()
        self.chain.refiner._attempt(last=False)
        self.keeper.turn(self.chain.refiner.give_up)
        self.send()

    def send(self) -> None:
        messages = self.chain.outbox.next(20, ())
        for message in messages:
            said = json.loads(message.payload)
            if "revision" in said:
                key = (said["start"], said["generation"], said["revision"])
                count = said["channels"]["humidity"]["count"]
                assert self.counts.setdefault(key, count) == count, f"{key} said twice"
            else:
                self.events[said["number"]] += 1
        if messages:
            self.chain.outbox.confirmed([message.id for message in messages])

    def opened(self) -> None:
        self.keeper = keeper.Keeper(
            self.chain.database, self.chain.clock, self.chain.counters, max_mb=1000, max_days=365
        )

    def city(self) -> int:
        """Samples in the highest revision of each window."""
        highest: dict[str, tuple[int, int, int]] = {}
        for (start, generation, revision), count in self.counts.items():
            highest[start] = max(highest.get(start, (0, 0, 0)), (generation, revision, count))
        return sum(count for _, _, count in highest.values())


def fill(folder: Path, left: int) -> Path:
    """Leaves `left` bytes free."""
    filler = folder / "filler"
    with filler.open("wb") as opened:
        missing = ballast.free(folder / "stoep.db") - left
        while missing > 0:
            missing -= opened.write(bytes(min(missing, 1 << 20)))
    return filler


def case(folder: Path, room: int, *, cut: bool) -> dict[str, Any]:
    """`room` in bytes; `cut`: the power fails while the disk is full, and the gateway starts on it."""
    for old in folder.iterdir():
        old.unlink()
    street = Street(Chain(folder / "stoep.db", TurnedClock(), PlayedNode()))
    street.opened()
    for _ in range(_BEFORE):
        street.round()
        street.work()
    filler = fill(folder, room)
    full = 0
    for _ in range(_FULL):
        street.round()
        street.work()
        if street.chain.database.full:
            full += 1
            assert street.keeper.problem() is not None
            assert len(street.chain.journal._pending) <= 2, "what is not taken is not kept in memory"
        if full > 10:
            break
    started = "not tried"
    if cut:
        street.chain.database.close()
        try:
            street.chain._open(b"\x01\x02\x03\x05")
            street.opened()
            started = "at once"
            street.round()
            street.work()
        except StoreFullError:
            started = "after room was made"
            street.chain.database.close()
            filler.unlink()
            street.chain._open(b"\x01\x02\x03\x06")
            street.opened()
    filler.unlink(missing_ok=True)
    stood = len(street.held)
    for _ in range(_AFTER):
        street.round()
        street.work()
    assert not street.chain.database.full, "it goes on by itself"
    while street.held or street.raised:
        street.round(new=0)
        street.work()
    street.chain.clock.now += 2 * SECONDS
    street.round(new=0)
    for _ in range(5):
        street.work()
    street.chain.refiner.turn(last=True)
    street.send()
    assert street.city() == street.seq, f"{street.seq} samples were taken, the city counts {street.city()}"
    assert sorted(street.events) == list(range(1, street.alarms + 1)), "an alarm did not come"
    assert not list(nodes.rows(street.chain.database))
    street.chain.database.close()
    return {"room": room // _KIB, "full": full, "held": stood, "started": started}


def main(rooms: list[int]) -> None:
    keeper._PROBE_SECONDS = 0.0
    cases = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, some in ((DISK, rooms), (LARGE, rooms[:: max(1, len(rooms) // 4)])):
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "stoep-full", name], check=True)
            try:
                for room, cut in itertools.product(some, (False, True)):
                    cases += 1
                    print(json.dumps({"disk": size >> 20, "cut": cut, **case(folder, room * _KIB, cut=cut)}))
            finally:
                subprocess.run(["umount", "-l", name], check=True)
    print(f"{cases} disks filled: nothing acknowledged missing, each went on by itself", file=sys.stderr)


if __name__ == "__main__":
    main([int(room) for room in sys.argv[1:]] or list(range(0, 400, 4)))
