"""The city's broker: one of our own for the run, or one that is there already.

embedded      iotcore (rumqttd) in a process of its own, nothing to install beside the package
mosquitto     the program on this machine, with a configuration and port of its own
mqtt[s]://[user:password@]host[:port]    somebody else's

python -m stoep_twin.broker CONFIG       runs the embedded one
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stoep_twin import leash

_START_S = 10.0
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_RUMQTTD = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v5.1]
name = "street"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""
_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
"""


class BrokerError(RuntimeError):
    """The broker asked for cannot be had."""


@dataclass(frozen=True)
class Address:
    """Where a broker listens and as whom to come."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> Address:
        """From `mqtt[s]://[user:password@]host[:port]`."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise BrokerError(f"broker {url!r} is neither 'embedded' nor 'mosquitto' nor like mqtt://host:1883")
        return cls(
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            parts.scheme == "mqtts",
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        )


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A broker for the time of a run; `address` is known after `start`."""

    def __init__(self, wanted: str, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.own = wanted in ("embedded", "mosquitto")
        self._wanted = wanted
        self.address = Address("127.0.0.1", free_port()) if self.own else Address.parse(wanted)

    def start(self) -> None:
        """Start it, unless it is somebody else's, and wait until it listens."""
        if self.own:
            log = self._directory / "broker.log"
            with log.open("ab") as out:
                self._process = subprocess.Popen(
                    leash.command(self._command()),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
        end = time.monotonic() + _START_S
        while not self._listens():
            if self._process is not None and self._process.poll() is not None:
                raise BrokerError(f"the broker did not start: see {self._directory / 'broker.log'}")
            if time.monotonic() > end:
                self.stop()
                raise BrokerError(f"nobody listens at {self.address.host}:{self.address.port}: start that broker first")
            time.sleep(0.02)

    def _command(self) -> list[str]:
        if self._wanted == "embedded":
            config = self._directory / "broker.toml"
            config.write_text(_RUMQTTD.format(port=self.address.port))
            return [sys.executable, "-P", "-m", "stoep_twin.broker", str(config)]
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise BrokerError("no program mosquitto: install it (apt install mosquitto), or use --broker embedded")
        config = self._directory / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(port=self.address.port))
        return [program, "-c", str(config)]

    def _listens(self) -> bool:
        try:
            with socket.create_connection((self.address.host, self.address.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """End it, when it is ours."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def main() -> None:
    """Be the embedded broker until killed."""
    import logging

    import iotcore

    logging.basicConfig(level=logging.WARNING)
    # rumqttd's tracing comes out as an error for every packet.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    iotcore.Broker(config_path=sys.argv[1]).run_forever()


if __name__ == "__main__":
    main()
