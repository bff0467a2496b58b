"""ESP-NOW as a board has it: what `send` says, what overflows, what a sleeping radio misses."""

import asyncio
from collections.abc import Callable
from typing import Any

from stoep_twin.air import BROADCAST, Air, Radio

OnBench = Callable[..., Any]
_OTHER = b"\x24\x0a\xc4\x00\x00\x09"

_RADIO = f"""
import espnow, network, time, machine
wlan = network.WLAN(network.WLAN.IF_STA)
wlan.active(True)
wlan.config(channel=6)
radio = espnow.ESPNow()
radio.config(rxbuf=300)
radio.active(True)
other = {_OTHER!r}
radio.add_peer(other)
radio.add_peer(b"\\xff" * 6)
"""


def _neighbour(bench: Any, heard: list[bytes]) -> Radio:
    radio = Radio(_OTHER, 0.0, True, lambda _mac, _rssi, frame: heard.append(frame), listening=True, channel=6)
    bench.air.join(radio)
    return radio


def test_send_learns_whether_the_addressed_radio_heard_it(on_bench: OnBench) -> None:
    heard: list[bytes] = []

    async def use(bench: Any) -> None:
        _neighbour(bench, heard)
        await bench.until("done")

    main = _RADIO + (
        "print(radio.send(other, b'one'))\nwlan.config(channel=7)\nprint(radio.send(other, b'two'))\n"
        "print(radio.send(b'\\xff' * 6, b'three'))\nradio.active(False)\n"
        "try:\n    radio.send(other, b'four')\nexcept OSError as error:\n    print(error.args[1])\n"
        "print(radio.stats())\nprint('done')\nmachine.deepsleep(100_000)\n"
    )
    bench = on_bench(main, use)
    assert bench.lines[:-1] == ["True", "False", "True", "ESP_ERR_ESPNOW_NOT_INIT", "(3, 2, 1, 0, 0)"]
    assert heard == [b"one"]
    assert (bench.air.figures.sent, bench.air.figures.lost, bench.air.figures.unheard) == (3, 0, 2)


def test_a_full_receive_buffer_drops_what_was_acknowledged(on_bench: OnBench) -> None:
    acknowledged: list[bool] = []

    async def use(bench: Any) -> None:
        other = _neighbour(bench, [])
        await bench.until("ready")
        for number in range(5):
            bench.air.transmit(other, bench.board.mac, bytes((number,)) * 80, acknowledged.append)
            await asyncio.sleep(0.005)
        await bench.until("done")

    main = _RADIO + (
        "print('ready')\ntime.sleep_ms(150)\nwhile True:\n    mac, frame = radio.irecv(0)\n"
        "    if mac is None:\n        break\n    print(mac == other, frame[0], len(frame))\n"
        "print(radio.stats()[3:], -100 < radio.peers_table[other][0] < 0)\nprint('done')\nmachine.deepsleep(100_000)\n"
    )
    bench = on_bench(main, use)
    assert bench.lines[1:-1] == ["True 0 80", "True 1 80", "True 2 80", "(3, 2) True"]
    assert acknowledged == [True] * 5


def test_peers_are_twenty_and_must_be_known(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("done")

    main = _RADIO + (
        "for action in (lambda: radio.add_peer(other), lambda: radio.send(b'abcdef', b'x'),\n"
        "               lambda: [radio.add_peer(b'abcde' + bytes((i,))) for i in range(19)],\n"
        "               lambda: radio.send(other, bytes(251))):\n"
        "    try:\n        action()\n    except (OSError, ValueError) as error:\n        print(error.args[-1])\n"
        "print('done')\nmachine.deepsleep(100_000)\n"
    )
    bench = on_bench(main, use)
    assert bench.lines[:-1] == [
        "ESP_ERR_ESPNOW_EXIST",
        "ESP_ERR_ESPNOW_NOT_FOUND",
        "ESP_ERR_ESPNOW_FULL",
        "ESPNow: msg too long",
    ]


def test_a_poll_sees_a_frame(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        other = _neighbour(bench, [])
        await bench.until("ready")
        bench.air.transmit(other, BROADCAST, b"hello", lambda _: None)
        await bench.until("done")

    main = _RADIO + (
        "import select\npoll = select.poll()\npoll.register(radio, select.POLLIN)\nprint(len(poll.poll(1)))\n"
        "print('ready')\nprint(len(poll.poll(2000)), radio.any(), bytes(radio.irecv(0)[1]))\nprint('done')\n"
        "machine.deepsleep(100_000)\n"
    )
    assert on_bench(main, use).lines[:-1] == ["0", "ready", "1 True b'hello'"]


def _many(loss: float, seed: int, frames: int) -> Air:
    async def send() -> Air:
        air = Air(loss, seed)
        sender = Radio(b"sender", 10.0, False, lambda *_: None, True, 6)
        bridge = Radio(b"bridge", 0.0, True, lambda *_: None, True, 6)
        asleep = Radio(b"asleep", 0.0, False, lambda *_: None, False, 6)
        for radio in (sender, bridge, asleep):
            air.join(radio)
        for number in range(frames):
            air.transmit(sender, BROADCAST if number % 2 else b"bridge", bytes(50), lambda _: None)
        await asyncio.sleep(0.02)
        return air

    return asyncio.run(send())


def test_a_short_run_loses_what_was_asked_for() -> None:
    for seed in range(20):
        for loss in (0.0, 0.05, 0.2, 0.5):
            air = _many(loss, seed, 100)
            assert abs(air.figures.lost / air.figures.sent - loss) <= 0.1


def test_a_frame_to_a_sleeping_board_is_not_lost_in_the_air() -> None:
    async def send() -> Air:
        air = Air(1.0, 1)
        sender = Radio(b"sender", 10.0, False, lambda *_: None, True, 6)
        air.join(sender)
        air.join(Radio(b"asleep", 0.0, True, lambda *_: None, False, 6))
        air.join(Radio(b"remote", 90_000.0, True, lambda *_: None, True, 6))
        air.transmit(sender, b"asleep", b"x", lambda _: None)
        air.transmit(sender, b"remote", b"x", lambda _: None)
        await asyncio.sleep(0.01)
        return air

    figures = asyncio.run(send()).figures
    assert (figures.sent, figures.lost, figures.unheard) == (2, 0, 2)


def test_each_lamp_loses_a_broadcast_for_itself() -> None:
    heard: dict[str, int] = dict.fromkeys(("near", "far", "bridge"), 0)

    async def send() -> Air:
        air = Air(0.1, 3)
        sender = Radio(b"sender", 10.0, False, lambda *_: None, True, 6)
        for name in heard:

            def hear(*_: object, name: str = name) -> None:
                heard[name] += 1

            air.join(Radio(name.encode(), 60.0, name == "bridge", hear, True, 6))
        for _ in range(1000):
            air.transmit(sender, BROADCAST, bytes(40), lambda _: None)
        await asyncio.sleep(0.05)
        return air

    figures = asyncio.run(send()).figures
    assert (figures.sent, figures.lost) == (1000, 1000 - heard["bridge"])
    assert all(880 <= count <= 920 for count in heard.values()), heard
