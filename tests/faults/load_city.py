"""The city's side of a campaign: what has come, the highest of each window, whether a number ever meant two things."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from load_oracle import Said, Where, same
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import published
from gateway_rig import wait_for_port
from stoep_twin import leash

# A broker that forgets nothing it has acknowledged while it is restarted, and drops nothing of a slow subscriber's.
_FORGETS_NOTHING = ("persistence true", "max_queued_messages 0", "max_inflight_messages 0", "allow_anonymous true")
Number = tuple[int, int]  # generation, revision
QUIET = 15.0  # real seconds: longer than the gateway waits before it tries a broker again that was away for seconds
_MEMBERS = {"count", "min", "mean", "max", "last", "sum"}


class CityBroker:
    """mosquitto, which can be ended, frozen, and come back as it was."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._config = folder / "city.conf"
        own = ["user root"] if os.geteuid() == 0 else []  # else it could not write into a folder that is only ours
        lines = [f"listener {port} 127.0.0.1", f"persistence_location {folder}/", *own, *_FORGETS_NOTHING]
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self.end()

    def start(self) -> None:
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert program is not None
        command = leash.command([program, "-c", str(self._config)])
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def end(self) -> None:
        """It saves what it has acknowledged."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            self._process.wait(10)
        self._process = None

    def freeze(self) -> None:
        """It still has its connections, and never answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


class Book:
    """What has come: the highest of each window, the events, and numbers that meant two things."""

    def __init__(self) -> None:
        self.highest: dict[Where, tuple[Number, dict[str, Any]]] = {}
        self.events: set[tuple[str, int, int]] = set()  # kid, epoch, number
        self.gateway: dict[str, Any] = {}  # what it last said of itself
        self.messages = self.again = 0
        self.conflicts: list[str] = []
        self.misfits: list[str] = []  # messages that are not as their schema says
        self._meant: dict[tuple[Where, Number], int] = {}  # → CRC-32 of the payload
        self._lock = threading.Lock()

    def take(self, topic: str, payload: bytes) -> None:
        content = json.loads(payload)
        misfits = published.delivered(topic, payload)
        with self._lock:
            self.misfits += misfits
            if topic.endswith("/gateway"):
                self.gateway |= content
            elif topic.endswith("/event"):
                self.events.add((content["kid"], content["epoch"], content["number"]))
            elif topic.endswith("/window"):
                content.pop("backlog", None)  # says how it was sent, not what it is
                self._take_window(content, zlib.crc32(json.dumps(content).encode()))

    def _take_window(self, content: dict[str, Any], meaning: int) -> None:
        where = content["kid"], content["start"]
        number = content["generation"], content["revision"]
        self.messages += 1
        self.again += (where, number) in self._meant
        if self._meant.setdefault((where, number), meaning) != meaning:
            self.conflicts.append(f"{where} means two things under {number}")
        if where not in self.highest or number >= self.highest[where][0]:
            self.highest[where] = number, content["channels"]

    def until_right(self, wrong: Callable[[], list[str]], quiet: float = QUIET) -> list[str]:
        """Waits until nothing is wrong, or nothing has come for `quiet` real seconds; what is wrong then."""
        messages, since = -1, 0.0
        while found := wrong():
            if self.messages != messages:
                messages, since = self.messages, time.monotonic()
            if time.monotonic() - since > quiet:
                break
            time.sleep(0.3)
        return found

    def mismatches(self, wanted: dict[Where, Said]) -> list[str]:
        """Windows that are not at the city as they must be, too many and too few among them."""
        with self._lock:
            there = {where: channels for where, (_, channels) in self.highest.items()}
        found = list(self.misfits)
        found += [f"{where} is not there" for where in wanted.keys() - there.keys()]
        found += [f"{where} is of nothing" for where in there.keys() - wanted.keys()]
        for where in wanted.keys() & there.keys():
            measured = {name: c for name, c in there[where].items() if c["count"] or c["rejected"]}
            said = {
                name: {k: v for k, v in (c | c.get("raw", {})).items() if k in _MEMBERS} for name, c in measured.items()
            }
            if said.keys() != wanted[where].keys():
                found.append(f"{where} has the channels {sorted(said)}")
                continue
            found += [
                f"{where} {name}: {said[name]}, wanted {dict(wanted[where][name])}"
                for name in said
                if not same(name, wanted[where][name], said[name])
            ]
        return found

    def time_qualities(self) -> dict[str, int]:
        """Of how many channels of windows the worst time was known how well."""
        counts: dict[str, int] = {}
        for _, channels in self.highest.values():
            for channel in channels.values():
                counts[channel["time_quality"]] = counts.get(channel["time_quality"], 0) + 1
        return counts


class Collector(Book):
    """A subscriber whose session outlives its broker's restarts."""

    def __init__(self, port: int) -> None:
        super().__init__()
        ready = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, "city", protocol=mqtt.MQTTv5)
        client.on_message = lambda _client, _data, message: self.take(message.topic, message.payload)
        client.on_subscribe = lambda *_: ready.set()
        topics = [(f"stoep/1/{what}", 1) for what in ("+/+/window", "+/+/event", "+/gateway")]
        client.on_connect = lambda client, *_: client.subscribe(topics)
        client.reconnect_delay_set(0.2, 0.5)
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 3600
        client.connect("127.0.0.1", port, 60, clean_start=False, properties=kept)
        client.loop_start()
        assert ready.wait(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
