"""A day of a large street in fast motion, and whether the city has every window of it as it truly was.

    python tests/faults/load_day.py [--nodes N] [--seed N]

Nodes of three kinds; a fifth of their samples come late, up to 30 hours; their clocks drift by up to 5 %; half of them
boot cold; the city's broker is away three times (ended twice, once frozen); the gateway is killed twice and once asked
to stop; one frame in twenty is lost, and one reply. The clock stands still while nodes speak and is turned in between.

The gateway dates a sample by its node's ticks, which are whole seconds, between anchors that are as coarse: it can be
seconds wrong. So that there is one right answer, no sample is taken within MARGIN of a window's border; how wrong the
gateway's times are is printed, to be held against MARGIN. Writes build/load-day.json.
"""

import argparse
import contextlib
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "gateway"))

import load_oracle  # noqa: E402
from load_city import CityBroker, Collector  # noqa: E402
from load_gateway import Gateway, Speaker, free_port, turn_to, wait_until_it_speaks, write_site  # noqa: E402
from load_nodes import MARGIN, LoadNode, Taken, off_border, street  # noqa: E402
from load_plan import HOUR, LATE_SECONDS, Due, plan  # noqa: E402

from gateway_rig import MORNING, PtyBridge, write_clock  # noqa: E402
from stoep.store import sealed, window_content  # noqa: E402

RESULT = ROOT / "build" / "load-day.json"
NODES = 200
DRIFT = 0.05
LOSS = 0.05
_KILLED, _ENDED = "killed", "ended"
_GATEWAY_ENDS = ((4.1, _KILLED), (13.7, _ENDED), (21.3, _KILLED))  # hours
_GATEWAY_AWAY = 1200.0  # virtual seconds, each time
_BROKER_AWAY = ((2.3, _ENDED), (12.9, "frozen"), (20.0, _ENDED))
_OUTAGE = 3 * HOUR
_ROUNDS = 2  # frames of a wake: what a silence left takes hours to come, and opens its windows again and again
_STORE = "[store]\ncommit_seconds = 0.05\n"

Trouble = tuple[float, Callable[[], None]]


class Day:
    """Plays a plan."""

    def __init__(self, folder: Path, count: int, seed: int, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._clock = folder / "clock"
        self._say = say
        self._nodes = street(count, seed)
        self._plan = plan(self._nodes, seed)
        self._taken: list[Taken] = []
        self._gateway: Gateway | None = None
        self._starts = 0

    def run(self) -> dict[str, Any]:
        """The figures of the day."""
        began = time.monotonic()
        with PtyBridge() as bridge, (self._folder / "log").open("w") as log, contextlib.ExitStack() as stack:
            broker = stack.enter_context(CityBroker(self._folder, free_port()))
            city = stack.enter_context(contextlib.closing(Collector(broker.port)))
            write_clock(self._clock, utc=MORNING, speed=0)
            config = write_site(self._folder, self._nodes, bridge.port, broker.port, _STORE)
            speaker = Speaker(bridge, self._nodes, LOSS)

            def start() -> None:
                self._starts += 1
                self._gateway = Gateway(config, log)
                wait_until_it_speaks(bridge, self._gateway)

            start()
            stack.callback(self._end, _KILLED)
            self._play(speaker, sorted(self._troubles(broker, start), key=lambda trouble: trouble[0]))
            mismatches = self._wait(city)
        return self._figures(city, speaker, mismatches, time.monotonic() - began)

    def _end(self, how: str) -> None:
        if self._gateway is None:
            return
        if how == _KILLED:
            self._gateway.kill()
        else:
            assert self._gateway.stop() == 0
        self._gateway = None

    def _troubles(self, broker: CityBroker, start: Callable[[], None]) -> Iterator[Trouble]:
        for hour, how in _GATEWAY_ENDS:
            at = MORNING + hour * HOUR
            yield at, lambda how=how: self._end(how)  # type: ignore[misc]
            yield at + _GATEWAY_AWAY, start
        for hour, how in _BROKER_AWAY:
            at = MORNING + hour * HOUR
            yield at, broker.end if how == _ENDED else broker.freeze
            yield at + _OUTAGE, broker.start if how == _ENDED else broker.thaw

    def _play(self, speaker: Speaker, troubles: list[Trouble]) -> None:
        settled = MORNING
        for at in sorted(self._plan.wakes):
            while troubles and troubles[0][0] <= at:
                troubles.pop(0)[1]()
            turn_to(self._clock, at)
            awake = [node for node, due in self._plan.wakes[at] if self._wake(node, due) and not due.silent]
            if self._gateway is None:
                continue
            speaker.speak(awake, at, self._gateway, rounds=_ROUNDS)
            if awake and at - settled >= HOUR:
                settled = at
                self._settle(speaker, awake[0], at)
                self._say(f"  hour {(at - MORNING) / HOUR:.0f}: {len(self._taken)} samples, {speaker.frames} frames")

    def _wake(self, node: LoadNode, due: Due) -> bool:
        """What a node does when it wakes; whether it has anything to say."""
        if due.utc is not None:
            if node.epoch == 0 or due.boots:
                node.boot(off_border(due.utc) - 5, drift=DRIFT)
            self._taken.append(node.take(off_border(due.utc)))
        return bool(node.held)

    def _settle(self, speaker: Speaker, node: LoadNode, utc: float) -> None:
        """The disk must not fall hours of this clock behind: nothing goes on before one node's newest is durable."""
        assert self._gateway is not None
        newest = max(node.held, default=node.durable)
        until = time.monotonic() + 10
        while newest in node.held and time.monotonic() < until:
            speaker.speak([node], utc, self._gateway)
            time.sleep(0.02)

    def _wait(self, city: Collector) -> list[str]:
        """Until the city has it all; what is wrong with it then."""
        wanted = load_oracle.windows(self._taken)
        turn_to(self._clock, max(self._plan.wakes) + 8 * HOUR)
        return city.until_right(lambda: city.mismatches(wanted))

    def _figures(self, city: Collector, speaker: Speaker, mismatches: list[str], seconds: float) -> dict[str, Any]:
        errors = list(self._dating())
        late = [delay for node in self._nodes for delay in node.delays() if delay > LATE_SECONDS]
        return {
            "nodes": len(self._nodes),
            "samples": len(self._taken),
            "late_share": round(len(late) / len(self._taken), 3),
            "latest_hours": round(max(late, default=0.0) / HOUR, 1),
            "cold_boots": self._plan.boots,
            "frames": speaker.frames,
            "unanswered": speaker.unanswered,
            "gateway_restarts": self._starts - 1,
            "windows": len(city.highest),
            "messages": city.messages,
            "reopened": sum(number[1] > 1 for number, _ in city.highest.values()),
            "highest_revision": max((number[1] for number, _ in city.highest.values()), default=0),
            "mismatches": len(mismatches),
            "conflicts": len(city.conflicts),
            "taken_back": sum(node.taken_back for node in self._nodes),
            "still_held": sum(len(node.held) for node in self._nodes),
            "time_qualities": city.time_qualities(),
            "dated_wrong_by_s": {"mean": round(sum(errors) / max(1, len(errors)), 2), "most": round(max(errors), 2)},
            "margin_s": MARGIN,
            "seconds": round(seconds, 1),
            "findings": (mismatches + city.conflicts)[:20],
        }

    def _dating(self) -> Iterator[float]:
        """By how many seconds the gateway is wrong about the last sample of each window."""
        last: dict[tuple[bytes, int], float] = {}
        for taken in self._taken:
            if any(value is not None for value in taken.readings.values()):
                where = bytes.fromhex(taken.kid), int(taken.utc // 900) * 900
                last[where] = max(last.get(where, 0.0), taken.utc)
        store = sqlite3.connect(self._folder / "stoep.db")
        for kid, start, content in store.execute("SELECT kid, start, content FROM window"):
            samples = window_content.unpack(sealed.unseal(content, kid, start)).samples
            if (kid, start) in last:
                yield abs(max(taken.at for taken in samples) / 1e6 - last[kid, start])
        store.close()


def good(figures: dict[str, Any]) -> bool:
    """Whether the day came to what it must."""
    return not any(figures[name] for name in ("mismatches", "conflicts", "taken_back", "still_held"))


def run(
    folder: Path, count: int = NODES, seed: int = 1, say: Callable[[str], None] = lambda _line: None
) -> dict[str, Any]:
    """The figures of a day of `count` nodes; the gateway's files are in `folder`."""
    return Day(folder, count, seed, say).run()


def main() -> int:
    parser = argparse.ArgumentParser(description="A day of a large street, and what the city has of it.")
    parser.add_argument("--nodes", type=int, default=NODES, help=f"of the three kinds ({NODES})")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    RESULT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stoep-day-") as folder:
        figures = run(Path(folder), options.nodes, options.seed, lambda line: print(line, flush=True))
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    return 0 if good(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
