"""The gateway's process and its site, for a large street: started, killed, asked to stop, spoken to through a pty."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from queue import Empty
from typing import IO, Protocol

from load_nodes import LoadNode

from gateway_rig import PtyBridge
from stoep.resources import firmware_dir
from stoep_twin import leash

SITE = "grote-markt"
AT_ONCE = 3  # frames under way: their replies fit the bridge's ring
_PATIENCE = 2.0  # real seconds for a reply of a gateway that lives
_START_SECONDS = 30
_UNIT = firmware_dir().parent / "gateway" / "systemd" / "stoep-gateway.service"
_RADIO = b"\x0a\x00"  # then the kid: the address of a node's radio


def write_site(folder: Path, nodes: Sequence[LoadNode], port: str, broker: int, more: str = "") -> Path:
    """The files of a site with these nodes; its gateway.toml."""
    entries = [f'[[node]]\nkid = "{n.kid.hex()}"\nname = "{n.name}"\nkind = "{n.kind}"\n' for n in nodes]
    secrets = "".join(f'{n.kid.hex()} = "{n.secret.hex()}"\n' for n in nodes)
    files = {
        "gateway.toml": (
            f'[site]\nname = "{SITE}"\n[[bridge]]\nport = "{port}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker}\ntls = false\nkeepalive = 5\n'
            f'[clock]\nsource = "twin"\nfile = "clock"\n{more}'
        ),
        "nodes.toml": "".join(entries),
        "secrets.toml": f"[secrets]\n{secrets}",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)
    return folder / "gateway.toml"


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def turn_to(clock: Path, utc: float) -> None:
    """Turns a clock that stands forward, to `utc`."""
    fields = list(struct.unpack("<8Q", clock.read_bytes()))
    fields[2] = round(utc * 1e6) - fields[4]
    with clock.open("r+b") as opened:
        opened.write(struct.pack("<8Q", *fields))


def environment() -> dict[str, str]:
    """In which `-m stoep` is this checkout's, and memory is taken as its unit for systemd says."""
    paths = [str(firmware_dir().parent / "gateway"), str(firmware_dir())]
    set_there = re.findall(r"^Environment=(\w+)=(\w+)$", _UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    return {**os.environ, **dict(set_there), "PYTHONPATH": os.pathsep.join(paths)}


class Process(Protocol):
    """A gateway that was started somehow."""

    pid: int

    def lives(self) -> bool: ...

    def kill(self) -> None: ...


class Gateway:
    """The service as a process that does not outlive this one; its log goes to `log`."""

    def __init__(self, config: Path, log: IO[str]) -> None:
        command = [sys.executable, "-m", "stoep", "gateway", "--config", str(config)]
        self._process = subprocess.Popen(leash.command(command), stderr=log, env=environment())
        self.pid = self._process.pid

    def lives(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Without warning."""
        self._process.kill()
        self._process.wait()

    def ask_to_stop(self) -> None:
        """As systemd does; returns when it has ended, while the kernel still has its accounts."""
        self._process.send_signal(signal.SIGTERM)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def stop(self) -> int:
        """As systemd ends it; the exit status."""
        if self.lives():
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)


def wait_until_it_speaks(bridge: PtyBridge, gateway: Process) -> None:
    """Until the gateway has pushed the whole of its filter: whatever was on the line for the one before it is gone."""
    while not bridge.filters.empty():
        bridge.filters.get_nowait()
    until = time.monotonic() + _START_SECONDS
    while True:
        assert gateway.lives(), "the gateway does not start"
        assert time.monotonic() < until, "the gateway does not speak to its bridge"
        bridge.hello()  # also says how much of the filter the bridge has consumed
        try:
            found = bridge.filters.get(timeout=0.03)
        except Empty:
            continue
        if found.part == found.parts - 1:
            return


class Speaker:
    """Says the nodes' reports over the bridge, a few at once, and hands the replies back; keeps the figures."""

    def __init__(self, bridge: PtyBridge, nodes: Iterable[LoadNode], loss: float = 0.0) -> None:
        self._bridge = bridge
        self._by_mac = {_RADIO + node.kid: node for node in nodes}
        self._loss = loss
        self.frames = self.replies = self.unanswered = 0
        self.latencies: list[float] = []

    def speak(self, nodes: Sequence[LoadNode], utc: float, gateway: Process, *, rounds: int = 4) -> bool:
        """One report of each, and more where a node has more or was challenged; False when nobody answers any more."""
        waiting = list(nodes)
        for _ in range(rounds):
            again: list[LoadNode] = []
            for at in range(0, len(waiting), AT_ONCE):
                some = waiting[at : at + AT_ONCE]
                if not self._exchange(some, utc, gateway):
                    return False
                again += [node for node in some if node.heard != node.counter or node.has_more()]
            waiting = again
            if not waiting:
                break
        return True

    def _exchange(self, nodes: Sequence[LoadNode], utc: float, gateway: Process) -> bool:
        said: dict[bytes, float] = {}
        for node in nodes:
            frame = node.report(utc)
            if node.chance.random() < self._loss:
                continue
            self.frames += 1
            mac = _RADIO + node.kid
            said[mac] = time.monotonic()
            self._bridge.hear(frame, mac)
        until = time.monotonic() + _PATIENCE
        while said and time.monotonic() < until:
            try:
                sent = self._bridge.sent.get(timeout=0.05)
            except Empty:
                if not gateway.lives():
                    return False
                continue
            node = self._by_mac.get(sent.mac)
            if node is None:
                continue  # a challenge to whoever said an old frame again
            if node.chance.random() < self._loss:
                said.pop(sent.mac, None)  # the reply is lost
            elif node.answered(sent.frame) is not None and sent.mac in said:
                self.latencies.append(time.monotonic() - said.pop(sent.mac))
                self.replies += 1
        self.unanswered += len(said)
        return True
