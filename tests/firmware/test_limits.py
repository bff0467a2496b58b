"""The board's limits: a compiled node on a heap no larger than its kind may need; the stand-ins' share on top."""

from collections.abc import Callable
from pathlib import Path

import pytest

import compiled
import heap
import small_heap
from stoep.resources import firmware_dir

_ALL, _BIN = 120 * 1024, 64 * 1024  # bytes of .mpy
_ON_BATTERY = {4: 56, 8: 77}
_MOST = {"bin": _ON_BATTERY, "bench": _ON_BATTERY, "lamppost": {4: 72, 8: 99}}  # KiB of heap, by bytes in a word


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bin", "bench", "lamppost"])
def test_whole_wakes_run_in_the_boards_heap(kind: str, tmp_path: Path, figure: Callable[[str], None]) -> None:
    bench = small_heap.Bench(tmp_path, kind)
    stand_ins = bench.stand_ins_bytes()
    size = _MOST[kind][heap.word()] * 1024
    assert bench.live(size + stand_ins).failure is None
    assert bench.live(size // 2 + stand_ins).failure  # such a heap is too small, and the bench says so
    assert bench.visit(size + stand_ins)[-1] == "selftest done"
    too_small, enough = size // 2, size
    while enough - too_small > 2048:
        middle = (too_small + enough) // 2
        if bench.live(middle + stand_ins).failure:
            too_small = middle
        else:
            enough = middle
    figure(f"a wake of a {kind} needs {enough} of the {size} bytes of heap it may, in words of {heap.word()} bytes")


def test_the_firmware_is_small(tmp_path: Path, figure: Callable[[str], None]) -> None:
    """All of it, and what a bin ever loads: neither the bridge, nor other kinds and their sensors."""
    root = compiled.firmware(tmp_path / "firmware", firmware_dir())
    sizes = {path.relative_to(root).as_posix(): path.stat().st_size for path in root.rglob("*.*py")}
    elsewhere = {f"node/{name}.mpy" for name in _not_a_bins()}
    missing = elsewhere - set(sizes)
    assert not missing, missing
    all_of_it = sum(sizes.values())
    of_a_bin = sum(size for name, size in sizes.items() if name not in elsewhere and not name.startswith("bridge/"))
    figure(f"the firmware has {all_of_it} bytes of .mpy, a bin loads {of_a_bin}")
    assert all_of_it < _ALL
    assert of_a_bin < _BIN


def _not_a_bins() -> list[str]:
    kinds = [f"kinds/{kind}" for kind in ("bench", "lamppost")]
    pins = [f"generated/pins_{kind}" for kind in ("bench", "lamppost", "bridge")]
    lamp = [f"lamp/{part.stem}" for part in (firmware_dir() / "node" / "lamp").glob("[a-z]*.py")]
    wifi = ["generated/refusals", *(f"links/{part}" for part in ("account", "choice", "mqtt", "wifi"))]
    return [*kinds, *pins, *lamp, *wifi, "commission", "sensors/pms5003", "sensors/scd41", "sensors/pir"]
