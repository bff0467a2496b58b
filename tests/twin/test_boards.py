"""The life of a board: what survives deep sleep, reset and watchdog, and what is never hidden."""

import asyncio
from collections.abc import Callable
from typing import Any

OnBench = Callable[..., Any]

_COUNT = """
import machine
cells = machine.RTC()
n = (cells.memory() or b"\\0")[0] + 1
cells.memory(bytes((n,)))
print("start %d cause %d" % (n, machine.reset_cause()))
"""


def test_deep_sleep_ends_the_process_and_lasts_its_virtual_time(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("start 3 cause 4")

    bench = on_bench(_COUNT + "machine.deepsleep(30_000)", use)
    assert bench.lines[:3] == ["start 1 cause 1", "start 2 cause 4", "start 3 cause 4"]
    for earlier, later in zip(bench.times, bench.times[1:], strict=False):
        assert 30.0 <= (later - earlier) / 1e6 < 45.0  # 300 ms real, and the time to start
    assert not bench.faults


def test_a_board_can_be_woken_and_time_can_jump(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("start 1 cause 1")
        async with bench.board.hands:
            bench.clock.jump(3600.0)
        await bench.until("start 2 cause 4")

    bench = on_bench(_COUNT + "machine.deepsleep(3_600_000)", use)
    assert bench.times[1] - bench.times[0] >= 3600 * 1e6


def test_the_ticks_of_a_board_that_is_awake_jump_with_time(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("looking")
        bench.clock.jump(3600.0)
        await bench.until_lines(2)

    main = """
import network, espnow, time
network.WLAN(network.WLAN.IF_STA).active(True)
radio = espnow.ESPNow()
radio.active(True)
ms, us, tick = time.ticks_ms(), time.ticks_us(), time.time()
print("looking")
while time.ticks_diff(time.ticks_ms(), ms) < 60_000:
    radio.irecv(20)
print(time.ticks_diff(time.ticks_ms(), ms), time.ticks_diff(time.ticks_us(), us), time.time() - tick)
while True:
    radio.irecv(20)
"""
    ms, us, tick = map(int, on_bench(main, use, speed=1.0).lines[1].split())
    assert 3_600_000 <= ms < 3_601_000
    assert abs(us - ms * 1000) < 20_000
    assert 3600 <= tick <= 3602


def test_a_reset_keeps_rtc_memory_and_the_power_button_does_not(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("start 2 cause 2")
        await bench.until("start 3 cause 2")

    on_bench(_COUNT + "machine.reset()", use)


def test_the_drifting_clock_times_the_sleep_too(on_bench: OnBench) -> None:
    ends: list[int] = []

    async def use(bench: Any) -> None:
        async with asyncio.timeout(20):
            while bench.board.wake_at is None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        ends.append(bench.board.wake_at)
        bench.clock.jump(3600.0)
        await bench.until_lines(2)

    main = """
import machine, time
print(time.time())
if machine.reset_cause() != 4:
    machine.deepsleep(1_000_000)
"""
    bench = on_bench(main, use, drift_ppm=500_000, speed=1.0)
    assert 666 <= (ends[0] - bench.times[0]) / 1e6 < 700  # without drift it were 1000
    told, passed = [int(line) for line in bench.lines], (bench.times[1] - bench.times[0]) / 1e6
    assert abs(told[1] - told[0] - 1.5 * passed) < 60  # without drift it were 1800


def test_a_board_that_is_not_fed_is_reset_by_its_watchdog(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("start 2 cause 3")

    bench = on_bench(_COUNT + "machine.WDT(timeout=1000)\nwhile True: pass", use)
    assert bench.faults == ["bin-1: watchdog reset"]


def test_main_that_returns_is_a_stuck_board(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.stuck()

    bench = on_bench("print('done')", use)
    assert bench.lines == ["done"]
    assert bench.faults == ["bin-1 stuck at the REPL: main.py returned"]


def test_an_exception_in_boot_skips_main_and_says_why(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.stuck()

    bench = on_bench("print('main')", use, boot="raise ValueError('no slot')")
    assert bench.lines == []
    assert "ValueError: no slot" in bench.faults[0]


def test_flash_is_nor(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("asleep")

    main = """
import esp32, machine
part = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="stoep")[0]
print("at 0x%x size 0x%x blocks %d of %d" % (part.info()[2], part.info()[3], part.ioctl(4, 0), part.ioctl(5, 0)))
back = bytearray(2)
part.writeblocks(3, b"\\x0f\\xff", 4094)
part.writeblocks(3, b"\\x0c\\xf0", 4094)
part.readblocks(3, back, 4094)
print(back.hex())
try:
    part.writeblocks(3, b"\\x0d", 4094)
except OSError as error:
    print("refused", error.errno)
part.ioctl(6, 3)
part.readblocks(3, back, 4094)
print(back.hex())
try:
    part.writeblocks(63, b"\\x00\\x00", 4095)
except OSError:
    print("outside")
print("asleep")
machine.deepsleep(100_000)
"""
    bench = on_bench(main, use)
    assert bench.lines == [
        "at 0x3c0000 size 0x40000 blocks 64 of 4096",
        "0cf0",
        "refused 5",
        "ffff",
        "outside",
        "asleep",
    ]
    assert bench.faults == ["bin-1: flash write at 0x3c3ffe would set a bit: 0x0d over 0x0c"]


def test_a_second_and_more_runs_in_scaled_time_less_does_not(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("slept")

    main = """
import time
began = time.ticks_ms()
time.sleep_ms(5_000)
long = time.ticks_diff(time.ticks_ms(), began)
began = time.ticks_ms()
time.sleep_ms(200)
print("long %d short %d" % (long, time.ticks_diff(time.ticks_ms(), began)))
print("slept")
import machine
machine.deepsleep(100_000)
"""
    words = on_bench(main, use).lines[0].split()
    assert 50 <= int(words[1]) < 150
    assert 200 <= int(words[3]) < 300


def test_the_parts_hang_on_the_drawings_pins_and_no_others(on_bench: OnBench) -> None:
    async def use(bench: Any) -> None:
        await bench.until("done")

    main = """
import machine, time
from machine import I2C, Pin, UART, ADC
print(I2C(0, scl=Pin(22), sda=Pin(21)).scan(), I2C(0, scl=Pin(19), sda=Pin(18)).scan())
try:
    I2C(0, scl=Pin(22), sda=Pin(21)).readfrom_mem(0x77, 0xD0, 1)
except OSError as error:
    print(error.errno)
print(I2C(0, scl=Pin(22), sda=Pin(21)).readfrom_mem(0x76, 0xD0, 1))
finder = UART(1, baudrate=9600, tx=27, rx=26)
time.sleep_ms(50)
print(finder.any(), finder.read())
Pin(25, Pin.OUT, value=1)
time.sleep_ms(100)
frame = finder.read(4)
print(frame[0] == 0xFF, sum(frame[:3]) & 0xFF == frame[3], 0 < finder.any() <= 252)
Pin(25).off()
print(3_000_000 < 2 * ADC(Pin(34), atten=ADC.ATTN_11DB).read_uv() < 4_200_000, ADC(Pin(35)).read_uv())
try:
    Pin(34, Pin.OUT)
except ValueError:
    print("input only")
print("done")
machine.deepsleep(100_000)
"""
    bench = on_bench(main, use)
    assert bench.lines[:-1] == [
        "[24, 41, 118] []",
        "19",
        "b'`'",
        "0 None",
        "True True True",
        "True 0",
        "input only",
    ]


def test_a_technicians_script_waits_for_sleep_and_reports_failure(on_bench: OnBench) -> None:
    outcome = []

    async def use(bench: Any) -> None:
        await bench.until("start 1 cause 1")
        async with bench.board.hands:
            await bench.board.run_script("import machine\nmachine.RTC().memory(b'\\x29')\n")
            try:
                await bench.board.run_script("raise ValueError('wrong kid')")
            except RuntimeError as error:
                outcome.append(str(error))
        await bench.until("start 42 cause 4")

    on_bench(_COUNT + "machine.deepsleep(100_000)", use)
    assert "wrong kid" in outcome[0]
