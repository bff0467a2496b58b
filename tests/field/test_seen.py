"""A frame counts as seen only if the new node sealed it, with the secret it was flashed with last."""

from collections.abc import Callable, Collection

import pytest

from stoep.links.base import Received
from stoep.wire import frame
from stoep_field.commission import seen
from stoep_field.errors import BoardError, FieldError
from stoep_field.papers.journal import Board, renew

Take = Callable[[object, Received], None]


class Link:
    """In the place of a `BridgeLink`."""

    up = True
    channel = 6
    allowed: Collection[bytes] = ()

    def __init__(self, _name: str, take: Take, *_: object) -> None:
        self.take = take
        Link.last = self  # type: ignore[attr-defined]

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def alive(self) -> bool:
        return self.up

    def trouble(self) -> str:
        return "/dev/ttyUSB0 is missing"

    def allow(self, kids: Collection[bytes]) -> None:
        self.allowed = kids

    def hear(self, sealed: bytes, rssi: int | None = -70) -> None:
        self.take(self, Received(bytes(6), sealed, rssi, 0.0))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "BridgeLink", Link)
    monkeypatch.setattr(seen, "_FRAME_S", 0.05)
    monkeypatch.setattr(seen, "_HELLO_S", 0.05)


def board(kid: str) -> Board:
    own = Board(mac="240ac4000001", kid=kid, kind="bin", name=f"bin-{kid}", place="")
    renew(own)
    return own


def sealed(own: Board, counter: int = 1) -> bytes:
    return frame.seal_uplink(
        frame.uplink_keys(bytes.fromhex(own.secret)), bytes.fromhex(own.kid), counter, b"whatever it says"
    )


def test_only_the_nodes_own_frame_of_its_newest_secret_counts() -> None:
    at_bridge = seen.AtBridge("/dev/ttyUSB0")
    link: Link = Link.last  # type: ignore[attr-defined]
    own, other = board("c0ffee01"), board("c0ffee02")
    at_bridge.expect(own)
    assert list(link.allowed) == [bytes.fromhex("c0ffee01")]
    forged = board("c0ffee01")
    for wrong in (sealed(forged), sealed(other), b"", bytes(60), sealed(own)[:-1] + b"\0"):
        link.hear(wrong)
    with pytest.raises(BoardError, match="no sealed frame of bin-c0ffee01 came"):
        at_bridge.wait(own)
    link.hear(sealed(own))
    assert at_bridge.wait(own) == "seen by the bridge at /dev/ttyUSB0, -70 dBm"
    before = sealed(own, 2)
    renew(own)
    at_bridge.expect(own)
    link.hear(before)  # of the life before, still in the air
    with pytest.raises(BoardError, match="no sealed frame"):
        at_bridge.wait(own)
    link.hear(sealed(own), None)
    assert at_bridge.wait(own) == "seen by the bridge at /dev/ttyUSB0"


def test_a_port_without_a_bridge_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Link, "up", False)
    with pytest.raises(FieldError, match="/dev/ttyUSB0 is missing; give the bridge's port with --bridge"):
        seen.AtBridge("/dev/ttyUSB0")
