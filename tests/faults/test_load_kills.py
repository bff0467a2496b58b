"""A slice of `make kills`; and that the kills find a gateway that acknowledges too early."""

from pathlib import Path

import load_kills
import pytest

SOME = 8


@pytest.mark.slow
def test_killed_under_load_it_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    figures = load_kills.run(tmp_path, SOME)
    assert load_kills.good(figures), figures
    assert figures["kills"] == SOME
    assert figures["samples"] > 100


@pytest.mark.slow
def test_a_gateway_that_acknowledges_before_its_commit_is_found_out(tmp_path: Path) -> None:
    figures = load_kills.run(tmp_path, SOME, sabotage="early")
    assert figures["taken_back"] or figures["mismatches"], figures
