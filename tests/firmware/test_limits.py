"""The board's limits: a node on a heap of 56 KiB, compiled, with what the stand-ins take given on top."""

from pathlib import Path

import pytest

import small_heap


@pytest.mark.slow
def test_whole_wakes_run_in_the_boards_heap(tmp_path: Path) -> None:
    bench = small_heap.Bench(tmp_path)
    stand_ins = bench.stand_ins_bytes()
    heap = small_heap.board_heap()
    assert bench.live(heap + stand_ins).failure is None
    assert bench.live(heap // 2 + stand_ins).failure  # such a heap is too small, and the bench says so
    too_small, enough = heap // 2, heap
    while enough - too_small > 2048:
        middle = (too_small + enough) // 2
        if bench.live(middle + stand_ins).failure:
            too_small = middle
        else:
            enough = middle
    print(f"a whole wake needs {enough} of the {heap} bytes a board has, in words of {small_heap.word()} bytes")
