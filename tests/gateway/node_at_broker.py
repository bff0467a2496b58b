"""A lamppost on Wi-Fi, and the local broker it speaks to."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from gateway_rig import PlayedNode, mosquitto
from stoep.cli import build
from stoep.registry import accounts

TABLE = '[local_broker]\nport = {port}\nusername = "street"\npassword_file = "broker-password"\n'


class NodeAtBroker:
    """A lamppost's MQTT, as far as accounts go."""

    def __init__(self, port: int, node: PlayedNode, password: str | None = None, hears: str | None = None) -> None:
        self.down: queue.Queue[bytes] = queue.Queue()
        self.refused: list[str] = []
        self.node = node
        ready = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=node.kid.hex())
        client.username_pw_set(node.kid.hex(), password or accounts.password(node.secret))

        def connected(client: mqtt.Client, _data: object, _flags: object, reason: object, _more: object) -> None:
            if str(reason) != "Success":
                self.refused.append(str(reason))
                ready.set()
            client.subscribe(hears or f"stoep/down/{node.kid.hex()}", qos=1)

        client.on_connect = connected
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = lambda _client, _data, message: self.down.put(bytes(message.payload))
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert ready.wait(5)

    def say(self, payload: bytes, topic: str | None = None, *, retain: bool = False) -> None:
        self._client.publish(topic or f"stoep/up/{self.node.kid.hex()}", payload, 1, retain).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def with_lamppost(site: Callable[..., Path], port: int) -> Path:
    """gateway.toml of a site with one lamppost and a local broker."""
    config = site(more=TABLE.format(port=port))
    nodes = config.with_name("nodes.toml")
    nodes.write_text(nodes.read_text().replace('"bin"', '"lamppost"'))
    own = config.with_name("broker-password")
    own.write_text("of the gateway\n")
    own.chmod(0o600)
    return config


@contextmanager
def guarded(config: Path, port: int) -> Iterator[None]:
    """mosquitto with the files that `stoep broker-files` writes."""
    folder = config.parent / "broker"
    done = CliRunner().invoke(build(), ["broker-files", "--config", str(config), "--dir", str(folder)])
    assert done.exit_code == 0, done.output
    lines = done.output.partition("needs:\n")[2].split("\n")
    with mosquitto(port, config.parent, *[line for line in lines if line]):
        yield
