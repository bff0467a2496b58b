"""The board's limits: a node on a heap of 56 KiB, compiled, with what the stand-ins take given on top."""

from collections.abc import Callable
from pathlib import Path

import pytest

import heap
import small_heap


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bin", "bench"])
def test_whole_wakes_run_in_the_boards_heap(kind: str, tmp_path: Path, figure: Callable[[str], None]) -> None:
    bench = small_heap.Bench(tmp_path, kind)
    stand_ins = bench.stand_ins_bytes()
    size = heap.board()
    assert bench.live(size + stand_ins).failure is None
    assert bench.live(size // 2 + stand_ins).failure  # such a heap is too small, and the bench says so
    too_small, enough = size // 2, size
    while enough - too_small > 2048:
        middle = (too_small + enough) // 2
        if bench.live(middle + stand_ins).failure:
            too_small = middle
        else:
            enough = middle
    figure(f"a wake of a {kind} needs {enough} of the {size} bytes of a board's heap, in words of {heap.word()} bytes")
