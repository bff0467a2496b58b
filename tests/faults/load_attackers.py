"""Who has an account at the cabinet's broker, a stolen bridge, or the city's broker: nothing lost, the others served.

    python tests/faults/load_attackers.py [--seconds N] [--only bridge|broker|city]

Honest nodes report all the while, by radio and by Wi-Fi. What is looked at: whether every window at the city is as it
truly was; what share of the replies came within the 60 ms that a node listens to the radio (to Wi-Fi half a second);
which of the gateway's counters tell what happened. Writes build/attackers.json.
"""

import argparse
import contextlib
import itertools
import json
import queue
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "gateway"))

import load_oracle  # noqa: E402
from load_broker import NOT_AUTHORIZED, QUOTA_EXCEEDED, SUCCESS, ScriptedBroker  # noqa: E402
from load_city import QUIET, Book, CityBroker, Collector  # noqa: E402
from load_flood import flooding  # noqa: E402
from load_gateway import Gateway, Speaker, free_port, turn_to, wait_until_it_speaks, write_site  # noqa: E402
from load_nodes import LoadNode, Taken, off_border, street  # noqa: E402

from gateway_rig import MORNING, PtyBridge, mosquitto, write_clock  # noqa: E402
from stoep.cli import broker_files  # noqa: E402
from stoep.registry import accounts  # noqa: E402

RESULT = ROOT / "build" / "attackers.json"
NODES = 24
SECONDS = 20
LISTENS = 0.06  # seconds a node waits for its reply
_STEP = 20  # virtual seconds between two wakes
_PAUSE = 0.1  # real seconds between them: the street is not what is tried here
_SOME, _FEW = 20, 5  # messages
_HELD_BACK = 150.0  # real seconds for which the gateway may leave a broker alone that refused everything
_BRIDGE_RATE = 600  # frames a second: what the serial line of a bridge can carry
_STORE = "[store]\ncommit_seconds = 0.05\n"
_LOCAL = '[local_broker]\nport = {port}\nusername = "street"\npassword_file = "broker-password"\n'


class Wifi:
    """A lamppost at the cabinet's broker."""

    def __init__(self, node: LoadNode, port: int) -> None:
        self.node = node
        self.latencies: list[float] = []
        self.unanswered = 0
        self._down: queue.Queue[bytes] = queue.Queue()
        ready = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, node.kid.hex())
        client.username_pw_set(node.kid.hex(), accounts.password(node.secret))
        client.on_connect = lambda client, *_: client.subscribe(f"stoep/down/{node.kid.hex()}", qos=1)
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = lambda _client, _data, message: self._down.put(bytes(message.payload))
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert ready.wait(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def speak(self, utc: float, rounds: int = 2, patience: float = 1.0) -> None:
        """A report, and another after a challenge."""
        for _ in range(rounds):
            said = time.monotonic()
            self._client.publish(f"stoep/up/{self.node.kid.hex()}", self.node.report(utc), 1)
            while time.monotonic() - said < patience:
                try:
                    reply = self._down.get(timeout=0.05)
                except queue.Empty:
                    continue
                if self.node.answered(reply) is not None:
                    self.latencies.append(time.monotonic() - said)
                    break
            else:
                self.unanswered += 1
            if self.node.heard == self.node.counter and not self.node.has_more():
                return


class Street:
    """Honest nodes and their gateway, in one attack."""

    def __init__(self, folder: Path, book: Book, city_port: int, log: contextlib.ExitStack) -> None:
        self.folder = folder
        self.book = book
        self.nodes = street(NODES, 1)
        self.by_wifi = [node for node in self.nodes if node.kind == "lamppost"]
        self.by_radio = [node for node in self.nodes if node.kind != "lamppost"]
        self.attacker = self.by_wifi.pop()  # has a valid account
        self.local_port = free_port()
        self.now = MORNING
        self.taken: list[Taken] = []
        self._chance = random.Random(1)
        self.bridge = log.enter_context(PtyBridge())
        write_clock(folder / "clock", utc=MORNING, speed=0)
        own = folder / "broker-password"
        own.write_text("of the gateway\n")
        own.chmod(0o600)
        more = _STORE + _LOCAL.format(port=self.local_port)
        config = write_site(folder, self.nodes, self.bridge.port, city_port, more)
        broker_files.write(config, folder / "broker")
        rules = broker_files._CONF.format(folder=folder / "broker").splitlines()
        log.enter_context(mosquitto(self.local_port, folder, *rules))
        self.gateway = Gateway(config, log.enter_context((folder / "log").open("w")))
        log.callback(self.gateway.kill)
        wait_until_it_speaks(self.bridge, self.gateway)
        self.speaker = Speaker(self.bridge, self.nodes)
        self.wifi = [log.enter_context(contextlib.closing(Wifi(node, self.local_port))) for node in self.by_wifi]
        for node in self.nodes:
            node.boot(MORNING, drift=0.05)

    def live(self, until: Callable[[], bool]) -> None:
        """Everybody reports, again and again."""
        while not until():
            self.now += _STEP
            turn_to(self.folder / "clock", self.now)
            awake = [node for node in self.by_radio if self._chance.random() < 0.4]
            some = [one for one in self.wifi if self._chance.random() < 0.4]
            for node in (*awake, *(one.node for one in some)):
                self.taken.append(node.take(off_border(self.now - 1)))
            for at in range(0, len(awake), 1):
                assert self.speaker.speak(awake[at : at + 1], self.now, self.gateway, rounds=2), "the gateway ended"
            for one in some:
                one.speak(self.now)
            time.sleep(_PAUSE)

    def for_seconds(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.live(lambda: time.monotonic() > end)

    def calm(self) -> None:
        """Forgets the figures so far."""
        for one in (self.speaker, *self.wifi):
            one.latencies.clear()
            one.unanswered = 0

    def served(self) -> dict[str, float]:
        """Since `calm`: which share of the reports was answered while the node listened, and how soon half of them."""
        shares = {}
        for name, some in (("radio", [self.speaker]), ("wifi", self.wifi)):
            latencies = sorted(found for one in some for found in one.latencies)
            asked = len(latencies) + sum(one.unanswered for one in some)
            shares[f"{name}_in_time"] = round(sum(found <= LISTENS for found in latencies) / max(1, asked), 3)
            shares[f"{name}_ms_p50"] = round(1000 * latencies[len(latencies) // 2], 1) if latencies else -1.0
        return shares

    def end(self, quiet: float = QUIET) -> dict[str, Any]:
        """All that is held is said; what the city has then, and what the gateway says of itself.

        `quiet`: real seconds without a message after which nothing more is expected.
        """
        deadline = time.monotonic() + 20
        while any(node.held for node in self.nodes) and time.monotonic() < deadline:
            self.now += _STEP
            turn_to(self.folder / "clock", self.now)
            self.speaker.speak([node for node in self.by_radio if node.held], self.now, self.gateway)
            for one in self.wifi:
                if one.node.held:
                    one.speak(self.now)
            time.sleep(0.1)
        turn_to(self.folder / "clock", self.now + 8 * 3600)
        wanted = load_oracle.windows(self.taken)
        wrong = self.book.until_right(lambda: self.book.mismatches(wanted), quiet)
        self._hear_from_the_gateway()
        return {
            "samples": len(self.taken),
            "windows": len(self.book.highest),
            "mismatches": len(wrong),
            "conflicts": len(self.book.conflicts),
            "still_held": sum(len(node.held) for node in self.nodes),
            "counters": {
                name: n for name, n in self.book.gateway.get("counters", {}).items() if name in _TELLING and n
            },
            "findings": (wrong + self.book.conflicts)[:10],
        }

    def _hear_from_the_gateway(self) -> None:
        """Its next message: on a busy machine it looks at itself each ten seconds only."""
        before, deadline = self.book.gateway.get("counters"), time.monotonic() + 12
        while self.book.gateway.get("counters") is before and time.monotonic() < deadline:
            time.sleep(0.1)


_TELLING = (
    *("unknown", "forged", "malformed", "replayed", "echoes", "broker_garbage", "broker_flood", "serial_garbage"),
    *("messages_refused", "uplink_failures", "replies_late", "challenges", "duplicates"),
)


@contextmanager
def at_a_real_city(folder: Path) -> Iterator[Street]:
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(CityBroker(folder, free_port()))
        city = stack.enter_context(contextlib.closing(Collector(broker.port)))
        yield Street(folder, city, broker.port, stack)


def bridge(folder: Path, seconds: float) -> dict[str, Any]:
    """A stolen bridge: strangers, forgeries, replays and noise, as many as the line carries."""
    with at_a_real_city(folder) as honest:
        honest.for_seconds(2)
        calm = honest.served()
        honest.calm()
        stop = threading.Event()
        sent = [0]
        thread = threading.Thread(target=_shout, args=(honest, stop, sent))
        thread.start()
        try:
            honest.for_seconds(seconds)
        finally:
            stop.set()
            thread.join()
        flooded = honest.served()
        return {"flood_a_second": round(sent[0] / seconds), "before": calm, **flooded, **honest.end()}


def _shout(honest: Street, stop: threading.Event, sent: list[int]) -> None:
    chance = random.Random(2)
    ghost = street(NODES + 40, 99)  # other secrets: strangers, and forgers of the names of the street
    for node in ghost:
        node.boot(MORNING, drift=0.0)
        node.counter += 10**6
    said = honest.attacker.report(MORNING)
    began = time.monotonic()
    while not stop.is_set():
        kinds = (lambda: chance.choice(ghost).report(honest.now), lambda: said, lambda: chance.randbytes(60))
        honest.bridge.hear(chance.choice(kinds)(), b"\x66" * 6)
        sent[0] += 1
        time.sleep(max(0.0, began + sent[0] / _BRIDGE_RATE - time.monotonic()))


def broker(folder: Path, seconds: float) -> dict[str, Any]:
    """A lamppost's account at the cabinet's broker: other topics, others' frames, and a flood of its own."""
    with at_a_real_city(folder) as honest:
        honest.for_seconds(2)
        calm = honest.served()
        honest.calm()
        account = honest.attacker.kid.hex(), accounts.password(honest.attacker.secret)
        own, victim = f"stoep/up/{account[0]}", f"stoep/up/{honest.by_wifi[0].kid.hex()}"
        genuine = honest.attacker.report(MORNING)
        others = street(NODES, 1)[0]
        others.boot(MORNING, drift=0.0)
        frames = [(own, genuine), (own, others.report(MORNING)), (victim, genuine), (own, b"\x00" * 200)]
        with flooding(honest.local_port, account, frames) as flood:
            honest.for_seconds(seconds)
        flooded = honest.served()
        return {"flood_a_second": round(flood.sent() / seconds), "before": calm, **flooded, **honest.end()}


def city(folder: Path, seconds: float) -> dict[str, Any]:
    """The city's broker: no word, one at a time, everything refused (0x87, 0x97), a confirmation that never comes."""
    with ScriptedBroker() as broker, contextlib.ExitStack() as stack:
        broker.greets = False
        honest = Street(folder, broker, broker.port, stack)
        honest.for_seconds(max(12.0, seconds / 2))  # it gives the broker ten seconds to say a word
        phases = {"no_word": honest.served(), "connections_without_a_word": broker.connections}
        honest.calm()
        broker.receive_maximum, broker.greets = 1, True
        honest.live(lambda: broker.messages > _SOME)
        most = broker.most_in_flight
        codes = itertools.cycle((NOT_AUTHORIZED, QUOTA_EXCEEDED))
        broker.verdict = lambda _topic, _payload: next(codes)
        honest.live(lambda: broker.refused > _FEW)
        honest.for_seconds(seconds / 2)
        phases["refused"] = honest.served()
        broker.verdict = lambda _topic, _payload: None
        honest.live(lambda: broker.unanswered > 0)
        honest.for_seconds(seconds / 2)
        broker.verdict = lambda _topic, _payload: SUCCESS
        said = {"most_in_flight": most, **phases, **honest.end(_HELD_BACK)}
        return {**said, "refused_by_broker": broker.refused, "unanswered_by_broker": broker.unanswered}


ATTACKS: dict[str, Callable[[Path, float], dict[str, Any]]] = {"bridge": bridge, "broker": broker, "city": city}


def good(figures: dict[str, Any]) -> bool:
    """Whether nothing was lost."""
    return not any(figures[name] for name in ("mismatches", "conflicts", "still_held"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Attack a street's links and its city, and look who is served.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of each attack ({SECONDS})")
    parser.add_argument("--only", choices=ATTACKS)
    options = parser.parse_args()
    figures = {}
    for name, attack in ATTACKS.items():
        if options.only in (None, name):
            print(f"{name}: {attack.__doc__}", flush=True)
            with tempfile.TemporaryDirectory(prefix="stoep-attackers-") as folder:
                figures[name] = attack(Path(folder), options.seconds)
            print(json.dumps(figures[name], indent=1), flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if all(good(found) for found in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
