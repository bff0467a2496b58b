"""An input that is looked at all the time: its changes come by themselves, and nothing else is hastened by them."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

OnBench = Callable[..., Any]
_START = 1_780_293_600.0


def test_looking_costs_the_twin_nothing_and_misses_no_change(
    on_bench: OnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = [_START + at for at in (12.0, 16.5, 21.0)]
    asked = []

    def glimpses(_: Place, since: float) -> Iterator[float]:
        return iter([at for at in passes if at >= since])

    def level(wiring: Wiring, pin: int, real: Any = Wiring.level) -> bool:
        asked.append(pin)
        return bool(real(wiring, pin))

    monkeypatch.setattr(Place, "glimpses", glimpses)
    monkeypatch.setattr(Wiring, "level", level)
    monkeypatch.setattr("stoep_twin.chips.am312._WARM_UP_S", 0.0)

    async def use(bench: Any) -> None:
        await bench.until_lines(6)

    main = """
import time
from machine import Pin
pir = Pin(33, Pin.IN)
was = 0
while True:
    now = pir.value()
    if now != was:
        print(now)
        was = now
    time.sleep_ms(2)
"""
    bench = on_bench(main, use, drawing="lamppost", speed=10.0)
    assert bench.lines == ["1", "0"] * 3
    edges = [edge for at in passes for edge in (at + 0.1, at + 2.4)]
    for said, edge in zip(bench.times, edges, strict=True):
        assert 0 <= bench.clock.utc_us(said) / 1e6 - edge < 0.2
    assert len(asked) < 20


def test_a_part_that_breaks_while_it_is_looked_at_is_seen(on_bench: OnBench, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [False]
    monkeypatch.setattr(Place, "glimpses", lambda _place, _since: iter(()))
    monkeypatch.setattr("stoep_twin.chips.am312._WARM_UP_S", 0.0)
    monkeypatch.setattr(Wiring, "level", lambda _wiring, _pin: broken[0])

    async def use(bench: Any) -> None:
        await bench.until("looking")
        broken[0] = True
        await bench.until("1")

    main = (
        "import time\nfrom machine import Pin\npir = Pin(33, Pin.IN)\npir.value()\npir.value()\nprint('looking')\n"
        "while not pir.value():\n    time.sleep_ms(10)\nprint(1)\nwhile True:\n    time.sleep_ms(100)\n"
    )
    on_bench(main, use, drawing="lamppost", speed=1.0)


def test_a_change_of_level_does_not_end_the_wait_for_a_frame(
    on_bench: OnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Place, "glimpses", lambda _place, since: iter(range(int(max(since, _START + 12)), int(_START + 60)))
    )
    monkeypatch.setattr("stoep_twin.chips.am312._WARM_UP_S", 0.0)

    async def use(bench: Any) -> None:
        await bench.until_lines(2)
        await asyncio.sleep(0)

    main = """
import espnow, network, time
from machine import Pin
wlan = network.WLAN(network.WLAN.IF_STA)
wlan.active(True)
radio = espnow.ESPNow()
radio.active(True)
pir = Pin(33, Pin.IN)
pir.value(), pir.value()
while True:
    began = time.ticks_ms()
    radio.irecv(900)
    if pir.value():
        print("1")
        print(time.ticks_diff(time.ticks_ms(), began) >= 900)
        break
while True:
    time.sleep_ms(100)
"""
    assert on_bench(main, use, drawing="lamppost", speed=10.0).lines == ["1", "True"]
