"""A slice of `make power-cuts`: a node's life, its power cut at every step."""

import power_cuts
import pytest


@pytest.mark.slow
def test_a_node_loses_nothing_it_promised_wherever_the_power_is_cut() -> None:
    found = power_cuts.node(250, seed=7)
    assert found["failures"] == 0, found["findings"]
    assert found["states"] > 1500
