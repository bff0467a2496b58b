"""Fixtures of the gateway's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gateway_rig
from contract_spy import Spy
from gateway_rig import City, PlayedNode, PtyBridge, TurnedClock, embedded
from published_spy import PublishedSpy
from rotating import Rotating
from scripted_broker import ScriptedBroker


@pytest.fixture(autouse=True)
def spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    """Whatever the gateway seals or understands in a test is held against the contract, in every test."""
    watching = Spy(monkeypatch, gateway_rig)
    yield watching
    watching.judge()


@pytest.fixture(autouse=True)
def published_spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublishedSpy]:
    """Whatever the gateway composes for the city in a test is held against its schema, in every test."""
    watching = PublishedSpy(monkeypatch)
    yield watching
    watching.judge()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def node() -> PlayedNode:
    return PlayedNode()


@pytest.fixture
def old() -> PlayedNode:
    return PlayedNode(counter=500)


@pytest.fixture
def new() -> PlayedNode:
    """The same node with its next secret."""
    return PlayedNode()


@pytest.fixture
def rotating(tmp_path: Path, clock: TurnedClock, old: PlayedNode, new: PlayedNode) -> Rotating:
    return Rotating(tmp_path / "stoep.db", clock, old, new)


@pytest.fixture
def bridge() -> Iterator[PtyBridge]:
    with PtyBridge() as played:
        yield played


@pytest.fixture
def broker_port(free_port: int, tmp_path: Path) -> Iterator[int]:
    with embedded(free_port, tmp_path) as port:
        yield port


@pytest.fixture
def city(broker_port: int) -> Iterator[City]:
    subscriber = City(broker_port)
    yield subscriber
    subscriber.close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedBroker]]:
    """Makes brokers that answer as they are told."""
    made: list[ScriptedBroker] = []

    def make(*answer: object, **more: object) -> ScriptedBroker:
        made.append(ScriptedBroker(*answer, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def site(tmp_path: Path, node: PlayedNode) -> Callable[..., Path]:
    """Writes the files of a site with one bin and returns its gateway.toml."""

    def write(*, port: str = "/dev/ttyUSB0", broker: int = 1883, more: str = "") -> Path:
        (tmp_path / "nodes.toml").write_text(
            f'[[node]]\nkid = "{node.kid.hex()}"\nname = "{node.name}"\nkind = "bin"\n'
        )
        keys = tmp_path / "secrets.toml"
        keys.write_text(f'[secrets]\n{node.kid.hex()} = "{node.secret.hex()}"\n')
        keys.chmod(0o600)
        store = "" if "[store]" in more else "[store]\ncommit_seconds = 1.0\n"
        config = tmp_path / "gateway.toml"
        config.write_text(
            f'[site]\nname = "grote-markt"\n[[bridge]]\nport = "{port}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker}\ntls = false\n'
            f'[clock]\nsource = "twin"\nfile = "clock"\n{store}{more}'
        )
        return config

    return write
