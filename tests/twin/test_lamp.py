"""The lamp on its pin: what PWM makes of it, and what becomes of the pin when the board sleeps, dies or starts anew."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from stoep.resources import hardware_dir
from stoep_twin.chips.lamp import Failing, Lamp
from stoep_twin.light import History, of_level
from stoep_twin.states import Cause
from stoep_twin.wiring import Wiring
from stoep_twin.world.place import Place

OnBench = Callable[..., Any]
_START = 1_780_293_600.0
_DIM = """
import machine, time
from machine import PWM, Pin
print("start", machine.reset_cause())
if machine.reset_cause() == 1:
    lamp = PWM(Pin(32), freq=2000, duty_u16=49152)
"""


def _steps(bench: Any) -> list[float]:
    return [round(light, 4) for _, _, light in bench.lamp.history.pieces(0.0, 4e9)]


def test_a_history_is_steps_of_light() -> None:
    history = History(100.0, 1.0)
    for at, light in ((110.0, 0.5), (110.0, 0.5), (120.0, 0.0), (119.0, 0.25)):
        history.note(at, light)
    assert [history.at(at) for at in (0.0, 100.0, 109.9, 110.0, 119.9, 120.0, 1e9)] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert list(history.pieces(90.0, 115.0)) == [(90.0, 110.0, 1.0), (110.0, 115.0, 0.5)]
    assert list(history.pieces(112.0, 130.0)) == [(112.0, 120.0, 0.5), (120.0, 130.0, 0.25)]
    assert list(history.pieces(125.0, 126.0)) == [(125.0, 126.0, 0.25)]
    assert list(history.pieces(110.0, 120.0)) == [(110.0, 120.0, 0.5)]
    assert history.mean(100.0, 120.0) == pytest.approx(0.75)


def test_an_eyes_levels_are_light() -> None:
    assert [of_level(0), of_level(1000)] == [0.0, 1.0]
    assert of_level(500) == pytest.approx(0.1842, abs=1e-4)
    assert of_level(80) == pytest.approx(((8 + 16) / 116) ** 3, abs=1e-5)


def test_an_undriven_or_low_pin_is_full_light_and_high_is_dark() -> None:
    now = [_START]
    wiring = Wiring(hardware_dir() / "lamppost.toml", Place(1, 1, _START), lambda: now[0], 1.0, 1)
    assert wiring.lamp is not None
    light = wiring.lamp.light
    assert light(_START) == 1.0
    wiring.modulate(32, 0.75, _START + 1.5)
    assert [light(_START + at) for at in (1.4, 1.5)] == [1.0, 0.25]
    now[0] = _START + 3
    wiring.reset(power=False)
    assert light(_START + 3) == 0.25
    wiring.pin(bytes((3, 32)))
    assert light(_START + 3) == 1.0
    wiring.pin(bytes((0, 32, 1)))
    assert light(_START + 3) == 0.0
    wiring.undrive()
    assert light(_START + 3) == 1.0
    wiring.modulate(33, 1.0, _START + 4)
    assert light(_START + 4) == 1.0


def test_the_current_sensor_measures_this_lamp() -> None:
    now = [_START]
    wiring = Wiring(hardware_dir() / "lamppost.toml", Place(1, 1, _START), lambda: now[0], 1.0, 1)

    def shunt() -> int:
        now[0] += 0.1
        return int.from_bytes(wiring.i2c(bytes((1, 21, 22, 0x40, 2, 0, 1)))[1:], "big")

    assert shunt() == 15_000  # 1.5 A over 100 mOhm, in steps of 10 µV
    wiring.modulate(32, 0.9, now[0])
    assert shunt() == 1_500
    wiring.modulate(32, 1.0, now[0])
    assert shunt() == 0


@pytest.mark.parametrize(
    ("how", "full", "dimmed"),
    [(Failing.STUCK_ON, 1.5, 1.5), (Failing.STUCK_OFF, 0.0, 0.0), (Failing.HALF, 0.75, 0.15), (None, 1.5, 0.3)],
)
def test_a_failing_lamp_draws_what_it_shows(how: Failing | None, full: float, dimmed: float) -> None:
    now = [_START]
    lamp = Lamp(lambda: now[0], 36_000)
    lamp.fail(how)
    assert lamp.draws() == (24.0, pytest.approx(full))
    lamp.modulate("DIM", 0.8, _START + 1)
    now[0] += 2
    assert lamp.draws() == (24.0, pytest.approx(dimmed))
    assert lamp.history.last == pytest.approx(dimmed / 1.5)


def test_a_flickering_lamp_is_now_lit_and_now_not_and_well_again() -> None:
    now = [_START]
    lamp = Lamp(lambda: now[0], 36_000)
    lamp.fail(Failing.FLICKERING)
    seen = [lamp.light(_START + second) for second in range(60)]
    assert 15 < seen.count(0.0) < 45
    assert set(seen) == {0.0, 1.0}
    lamp.fail(None)
    assert {lamp.light(_START + second) for second in range(60)} == {1.0}


def test_a_lamp_without_its_supply_is_dark_whatever_the_board_says() -> None:
    now = [_START]
    lamp = Lamp(lambda: now[0], 36_000)
    lamp.supply(False)
    lamp.modulate("DIM", 0.5, _START + 1)
    now[0] += 2
    assert (lamp.draws(), lamp.light(now[0])) == ((0.0, 0.0), 0.0)
    lamp.supply(True)
    assert lamp.light(now[0]) == 0.5


def test_pwm_tells_duty_and_exact_time_only_when_it_changes(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("done")

    main = """
import time
from machine import PWM, Pin
lamp = PWM(Pin(32), freq=2000, duty_u16=0)
print(lamp.freq(), lamp.duty_u16())
lamp.duty_u16(32769)
print(lamp.duty_u16())
lamp.duty_u16(32768)
print("half")
time.sleep_ms(20)
print("full")
lamp.duty_u16(65535)
print(lamp.duty_u16())
for wrong in (lambda: lamp.duty_u16(65536), lambda: PWM(Pin(34), freq=2000), lambda: lamp.freq(0)):
    try:
        wrong()
    except ValueError:
        print("refused")
lamp.init(duty_u16=16384, invert=True)
lamp.deinit()
try:
    lamp.duty_u16(0)
except RuntimeError as error:
    print(error)
print("done")
while True:
    time.sleep_ms(100)
"""
    bench = on_bench(main, use, drawing="lamppost", speed=1.0)
    assert bench.lines == [
        "2000 0", "32768", "half", "full", "65535", "refused", "refused", "refused", "PWM is inactive", "done",
    ]  # fmt: skip
    assert _steps(bench) == [1.0, 0.5, 0.0, 0.25, 1.0]
    pieces = list(bench.lamp.history.pieces(0.0, 4e9))
    half, full = (bench.clock.utc_us(bench.times[bench.lines.index(word)]) / 1e6 for word in ("half", "full"))
    assert pieces[1][0] < half < full < pieces[2][0]
    assert pieces[2][0] - pieces[1][0] == pytest.approx(full - half, abs=0.005)


def test_an_input_lets_go_of_the_pwm(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("done")

    main = _DIM + (
        "Pin(32, Pin.IN)\nlamp.duty_u16(65535)\ntime.sleep_ms(50)\n"
        "PWM(Pin(32), freq=2000, duty_u16=16384)\nprint('done')\n"
        "while True:\n    time.sleep_ms(100)\n"
    )
    bench = on_bench(main, use, drawing="lamppost")
    assert _steps(bench) == [1.0, 0.25, 1.0, 0.75, 1.0]


def test_deep_sleep_and_a_power_cut_light_the_lamp(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("start 4")
        bench.board.cut_power()
        await bench.until("start 1", 2)

    main = _DIM + "if machine.reset_cause() == 1:\n    machine.deepsleep(60_000)\nwhile True:\n    time.sleep_ms(100)\n"
    bench = on_bench(main, use, drawing="lamppost")
    assert _steps(bench)[:3] == [1.0, 0.25, 1.0]
    slept = next(begins for begins, _, light in list(bench.lamp.history.pieces(0.0, 4e9))[1:] if light == 1.0)
    assert slept < bench.clock.utc_us(bench.times[1]) / 1e6 - 59


@pytest.mark.parametrize("how", ["reset", "watchdog"])
def test_a_reset_leaves_the_pwm_as_it_is(on_bench: OnBench, how: str) -> None:
    async def use(bench: Any) -> None:
        await bench.until(f"start {2 if how == 'reset' else 3}")

    end = "machine.reset()" if how == "reset" else "machine.WDT(timeout=1000)\n    while True: pass"
    main = _DIM + f"if machine.reset_cause() == 1:\n    {end}\nwhile True:\n    time.sleep_ms(100)\n"
    bench = on_bench(main, use, drawing="lamppost")
    assert _steps(bench) == [1.0, 0.25, 1.0]  # the last when the bench was cleared
    assert list(bench.lamp.history.pieces(0.0, 4e9))[2][0] > bench.clock.utc_us(bench.times[1]) / 1e6


def test_a_board_stays_off_until_it_is_switched_on(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("start 1")
        bench.board.switch_off()
        await asyncio.sleep(0.3)
        assert bench.lines == ["start 1"]
        assert bench.board.state.value == "off"
        bench.board.switch_on()
        await bench.until("start 1", 2)

    on_bench(_DIM + "while True:\n    time.sleep_ms(100)\n", use, drawing="lamppost")


def test_who_never_sleeps_is_taken_in_hand_by_a_reset(on_bench: OnBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stoep_twin.boards._AWAKE_S", 0.2)

    async def use(bench: Any) -> None:
        await bench.until("start 1")
        async with bench.board.taken():
            await bench.board.run_script("print('in hand')")
        await bench.until(f"start {int(Cause.RESET)}")

    bench = on_bench(_DIM + "while True:\n    time.sleep_ms(100)\n", use, drawing="lamppost")
    assert bench.lines == ["start 1", "start 2"]
    assert _steps(bench)[:2] == [1.0, 0.25]
