"""A service with a local broker: beside a bridge, where a node is answered by what it spoke by, and without one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_rig import MORNING, PlayedNode, PtyBridge, eventually, sample, write_clock
from gateway_service import in_service
from node_at_broker import NodeAtBroker, guarded, with_lamppost
from stoep.wire.replies import Answer, Challenge


@pytest.fixture
def street(site: Callable[..., Path], free_port: int) -> Path:
    return with_lamppost(site, free_port)


def test_a_node_known_by_two_media_is_answered_where_it_spoke(
    street: Path, node: PlayedNode, free_port: int, bridge: PtyBridge, tmp_path: Path
) -> None:
    street.write_text(street.read_text().replace("/dev/ttyUSB0", bridge.port))
    write_clock(tmp_path / "clock", utc=MORNING)
    with guarded(street, free_port), in_service(street) as service:
        eventually(lambda: all(link.alive() for link in service._links.values()))
        by_wifi = next(link for link in service._links.values() if link.medium == "broker")
        lamppost = NodeAtBroker(free_port, node)

        def ask_by_broker(frame: bytes) -> Answer | Challenge:
            lamppost.say(frame)
            return node.open(lamppost.down.get(timeout=3))

        def ask_by_radio(frame: bytes) -> Answer | Challenge:
            bridge.hear(frame, rssi=-40)
            return node.open(bridge.sent.get(timeout=3).frame)

        assert isinstance(ask_by_broker(node.report(sample(1, 5))), Challenge)
        assert isinstance(ask_by_broker(node.report(sample(1, 5))), Answer)
        assert isinstance(ask_by_radio(node.report(tick=20, back=1)), Answer)
        assert isinstance(ask_by_broker(node.report(tick=30, back=1)), Answer)
        assert isinstance(ask_by_radio(node.report(tick=40, back=1)), Answer)
        assert by_wifi.status()["alive"]
        lamppost.close()


def test_a_street_of_wifi_alone_needs_no_bridge(street: Path, node: PlayedNode, free_port: int, tmp_path: Path) -> None:
    street.write_text(street.read_text().replace('[[bridge]]\nport = "/dev/ttyUSB0"\n', ""))
    write_clock(tmp_path / "clock", utc=MORNING)
    with guarded(street, free_port), in_service(street) as service:
        eventually(lambda: all(link.alive() for link in service._links.values()))
        assert [link.medium for link in service._links.values()] == ["broker"]
        lamppost = NodeAtBroker(free_port, node)
        for kind in (Challenge, Answer):
            lamppost.say(node.report(sample(1, 5)))
            assert isinstance(node.open(lamppost.down.get(timeout=3)), kind)
        lamppost.close()
