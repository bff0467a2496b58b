"""Our QARTOD tests against IOOS's own, `ioos-qc`, on random series; where they differ on purpose, `qartod.py` says."""

import random
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from stoep.refine.quality import qartod
from stoep.refine.quality.qartod import HOUR
from stoep.store.verdict import Flag

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own matter
    from ioos_qc import qartod as oracle

SERIES = 500
MINUTE = HOUR // 60


def series(seed: int) -> tuple[random.Random, list[float]]:
    """A walk with jumps and rests: of whole numbers, so that equal means equal."""
    chance = random.Random(seed)
    value, values = chance.randint(-50, 50), []
    for _ in range(chance.randint(3, 40)):
        if chance.random() < 0.7:
            value += round(chance.gauss(0, 6))
        values.append(float(value + (chance.randint(-60, 60) if chance.random() < 0.1 else 0)))
    return chance, values


def every(check: Callable[[random.Random, list[float]], tuple[list[int], list[int]]]) -> None:
    flags: set[int] = set()
    for seed in range(SERIES):
        chance, values = series(seed)
        ours, theirs = check(chance, values)
        assert ours == theirs, f"seed {seed}: {values}"
        flags.update(ours)
    assert flags == {Flag.GOOD, Flag.SUSPECT, Flag.FAIL}, "not all that can be was seen"


def test_the_gross_range_is_theirs() -> None:
    def check(chance: random.Random, values: list[float]) -> tuple[list[int], list[int]]:
        usual = -chance.randint(5, 30), chance.randint(5, 30)
        sensor = usual[0] - chance.randint(0, 30), usual[1] + chance.randint(0, 30)
        theirs = oracle.gross_range_test(values, sensor, usual)
        return list(map(int, qartod.gross_range(values, sensor, usual))), theirs.tolist()

    every(check)


def test_a_spike_of_one_value_is_theirs_by_the_differential_method() -> None:
    def check(chance: random.Random, values: list[float]) -> tuple[list[int], list[int]]:
        suspect, fail = chance.randint(3, 15), chance.randint(15, 40)
        theirs = oracle.spike_test(values, suspect, fail, method="differential").tolist()
        theirs[0] = theirs[-1] = Flag.GOOD  # they call the ends unknown
        return list(map(int, qartod.spike(values, suspect, fail))), theirs

    every(check)


def test_the_rate_of_change_is_theirs() -> None:
    def check(chance: random.Random, values: list[float]) -> tuple[list[int], list[int]]:
        seconds = np.cumsum([chance.randint(1, 3600) for _ in values])
        suspect, fail = chance.uniform(5, 60), chance.uniform(60, 600)  # an hour
        theirs = oracle.rate_of_change_test(values, seconds, suspect / 3600, fail / 3600)
        times = [int(second) * 1_000_000 for second in seconds]
        return list(map(int, qartod.rate_of_change(values, times, suspect, fail))), theirs.tolist()

    every(check)


@pytest.mark.parametrize("steps", [3, 5, 8])
def test_a_flat_line_is_theirs_and_goes_back_to_its_second_value(steps: int) -> None:
    """They flag the value at which a run has lasted so long; we flag every value of a stretch that has."""
    flat = 0
    for seed in range(SERIES):
        chance, values = series(seed)
        if chance.random() < 0.5:
            at = chance.randrange(len(values))
            values[at : at + chance.randint(2, 15)] = [values[at]] * len(values[at : at + chance.randint(2, 15)])
        times = [index * 15 * MINUTE for index in range(len(values))]
        seconds = np.array(times) // 1_000_000
        theirs = oracle.flat_line_test(values, seconds, steps * 900, 10**7, tolerance=1e-9)
        ends = [index for index, flag in enumerate(theirs.tolist()) if flag == Flag.SUSPECT]
        wanted = {at for end in ends for at in range(end - steps, end + 1) if at and values[at - 1] == values[at]}
        ours = qartod.flat_line(values, times, steps * 15 * MINUTE)
        assert {index for index, flag in enumerate(ours) if flag != Flag.GOOD} == wanted, f"seed {seed}: {values}"
        flat += bool(wanted)
    assert flat > SERIES // 50
