"""`boot.py` chooses between two code slots: real `boot.py`, `main.py` and `node/slots.py` on a virtual board."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoep.resources import firmware_dir

OnBench = Callable[..., Any]
SPEED = 3000.0  # a minute's pause of main.py is 20 ms
SETTLED_A, SETTLED_B = 0, 1
NEXT = "    import machine\n    machine.deepsleep(60_000)\n"
PURPOSE = "import sys\n\ndef purpose():\n    return sys.modules[__name__]\n\n"
RUNS = "def run():\n    print('{0} runs', 'trial' in sys.modules)\n"
HANGS = "    while True:\n        pass\n"
CUT_SHORT = "    from esp32 import NVS\n    NVS('stoep').set_i32('slot', 1)\n"
ANSWERED = "    from node import slots\n    slots.settle()\n"
UPDATES = "    from node import slots\n    slots.try_other()\n"
UPDATES_ONCE = """    import machine
    if machine.reset_cause() == 1:
        from node import slots
        slots.try_other()
"""


def on_trial(slot: int, attempts: int) -> int:
    return slot | (attempts + 1) << 1


def start(slot: str, *does: str) -> str:
    return PURPOSE + RUNS.format(slot) + "".join(does) + NEXT


def files(**slots: str) -> dict[str, str]:
    """A board's files: in each slot the real `slots.py` and a `start.py` of the test's."""
    real = (firmware_dir() / "node" / "slots.py").read_text()
    made = {}
    for slot, text in slots.items():
        made[f"{slot}/node/slots.py"] = real
        made[f"{slot}/node/start.py"] = text
    return made


class Slots:
    """A board with these slots."""

    def __init__(self, on_bench: OnBench, directory: Path) -> None:
        self._on_bench, self.cell = on_bench, directory / "board" / "nvs.json"
        self.boot = (firmware_dir() / "boot.py").read_text()
        self.esp32 = ""

    def run(self, value: int | None, there: dict[str, str], use: Callable[[Any], Any]) -> list[str]:
        """What the board says, with that value in its cell at the start."""

        async def begin(bench: Any) -> None:
            if value is not None:
                self.cell.write_text(json.dumps({"stoep": {"slot": value}}))
            await use(bench)

        main = (firmware_dir() / "main.py").read_text()
        lines: list[str] = self._on_bench(main, begin, boot=self.boot, speed=SPEED, files=there).lines
        return lines

    def value(self) -> int:
        found: int = json.loads(self.cell.read_text())["stoep"]["slot"]
        return found


@pytest.fixture
def slots(on_bench: OnBench, tmp_path: Path) -> Slots:
    return Slots(on_bench, tmp_path)


def until(said: str, count: int = 1) -> Callable[[Any], Any]:
    async def use(bench: Any) -> None:
        await bench.until(said, count, 30)

    return use


@pytest.mark.parametrize(("value", "runs"), [(None, "a"), (SETTLED_A, "a"), (SETTLED_B, "b")])
def test_the_settled_slot_runs_start_after_start(slots: Slots, value: int | None, runs: str) -> None:
    lines = slots.run(value, files(a=start("a"), b=start("b")), until(f"{runs} runs False", 3))
    assert set(lines) == {f"{runs} runs False"}
    assert not slots.cell.exists() if value is None else slots.value() == value


def test_flat_files_run_as_ever_and_are_asked_nothing(slots: Slots) -> None:
    flat = {"node/start.py": start("the root"), "node/slots.py": files(a="")["a/node/slots.py"]}
    assert set(slots.run(on_trial(1, 8), flat, until("the root runs False", 2))) == {"the root runs False"}
    assert slots.value() == on_trial(1, 8)


def test_flat_files_have_no_other_slot_to_try(slots: Slots) -> None:
    flat = {"node/start.py": start("the root", UPDATES), "node/slots.py": files(a="")["a/node/slots.py"]}
    assert "failed ValueError" in slots.run(None, flat, until("failed ValueError"))


def test_an_update_that_is_answered_is_settled(slots: Slots) -> None:
    lines = slots.run(None, files(a=start("a", UPDATES), b=start("b", ANSWERED)), until("b runs False", 2))
    assert lines == ["a runs False", "b runs True", "b runs False", "b runs False"]
    assert slots.value() == SETTLED_B


def test_the_next_update_goes_the_other_way(slots: Slots) -> None:
    lines = slots.run(SETTLED_B, files(a=start("a", ANSWERED), b=start("b", UPDATES)), until("a runs False", 2))
    assert lines == ["b runs False", "a runs True", "a runs False", "a runs False"]
    assert slots.value() == SETTLED_A


def test_a_slot_that_nobody_answers_has_eight_attempts(slots: Slots) -> None:
    lines = slots.run(None, files(a=start("a", UPDATES_ONCE), b=start("b")), until("a runs False", 3))
    assert lines == ["a runs False", *["b runs True"] * 8, "a runs False", "a runs False"]
    assert slots.value() == SETTLED_A


@pytest.mark.parametrize("broken", ["raise ValueError('bad')", "def run(:", "from node import nothing"])
def test_a_slot_that_fails_at_its_import_has_its_attempts(slots: Slots, broken: str) -> None:
    lines = slots.run(on_trial(1, 3), files(a=start("a"), b=broken), until("a runs False", 2))
    assert sum(line.startswith("failed") for line in lines) == 3
    assert lines[-2:] == ["a runs False"] * 2
    assert slots.value() == SETTLED_A


@pytest.mark.slow
def test_a_slot_that_hangs_is_left_by_way_of_the_watchdog(slots: Slots) -> None:
    assert "timeout=30_000" in slots.boot
    slots.boot = slots.boot.replace("timeout=30_000", "timeout=1000")  # which the twin counts in real time
    there = files(a=start("a"), b=start("b", HANGS))
    lines = slots.run(on_trial(1, 2), there, until("a runs False", 2))
    assert lines == ["b runs True", "b runs True", "a runs False", "a runs False"]
    assert slots.value() == SETTLED_A


def test_a_power_cut_gives_no_attempt_back(slots: Slots) -> None:
    async def use(bench: Any) -> None:
        for cuts in range(1, 4):
            await bench.until("b runs True", cuts)
            assert slots.value() == on_trial(1, 3 - cuts)
            bench.board.cut_power()
        await bench.until("a runs False")

    lines = slots.run(on_trial(1, 3), files(a=start("a"), b=start("b", HANGS)), use)
    assert lines[:4] == ["b runs True"] * 3 + ["a runs False"]


def test_a_power_cut_before_the_commit_leaves_the_cell_as_it_was(slots: Slots) -> None:
    async def use(bench: Any) -> None:
        await bench.until("a runs False")
        bench.board.cut_power()
        await bench.until("a runs False", 2)

    assert set(slots.run(SETTLED_A, files(a=start("a", CUT_SHORT, HANGS), b=start("b")), use)) == {"a runs False"}
    assert slots.value() == SETTLED_A


def test_settling_a_settled_slot_writes_nothing(slots: Slots) -> None:
    written = []

    async def use(bench: Any) -> None:
        for starts in (1, 2):
            written.append(slots.cell.stat().st_ino)  # each commit makes a new file
            await bench.until("b runs False", starts + 1)
        written.append(slots.cell.stat().st_ino)

    slots.run(SETTLED_B, files(a=start("a"), b=start("b", ANSWERED)), use)
    assert len(set(written)) == 1


@pytest.mark.parametrize(
    ("value", "missing", "after"),
    [(None, "a", None), (SETTLED_A, "a", SETTLED_A), (SETTLED_B, "b", SETTLED_B), (on_trial(1, 8), "b", SETTLED_A)],
)
def test_a_slot_that_is_missing_leaves_the_other(
    slots: Slots, value: int | None, missing: str, after: int | None
) -> None:
    other = "b" if missing == "a" else "a"
    lines = slots.run(value, files(**{other: start(other)}), until(f"{other} runs False", 2))
    assert set(lines) == {f"{other} runs False"}
    assert slots.cell.exists() if after is not None else not slots.cell.exists()
    assert after is None or slots.value() == after


@pytest.mark.parametrize("at", ["NVS", "get_i32", "set_i32", "commit"])
@pytest.mark.parametrize("error", ["OSError(-4353)", "MemoryError()"])
def test_a_broken_nvs_keeps_nobody_from_running(slots: Slots, at: str, error: str) -> None:
    name = "__init__" if at == "NVS" else at
    first, _, rest = slots.boot.partition("\n")
    broken = f"import esp32\ndef broken(*_):\n    raise {error}\nesp32.NVS.{name} = broken\n"
    slots.boot = f"{first}\n{broken}{rest}"
    lines = slots.run(on_trial(1, 8), files(a=start("a"), b=start("b")), until("a runs False", 2))
    assert set(lines) - {"failed MemoryError"} == {"a runs False"}  # a trial that cannot be counted is none
