"""A slice of `make load-day`: what the city has of a day, and that the comparison sees what is wrong."""

from pathlib import Path
from typing import Any

import load_day
import load_oracle
import pytest

FEW = 9
KID, START = "c0000001", "2026-06-01T06:00:00Z"
BEGAN = 1_780_293_600.0


@pytest.mark.slow
def test_the_windows_of_a_day_full_of_trouble_are_at_the_city_as_they_truly_were(tmp_path: Path) -> None:
    figures = load_day.run(tmp_path, FEW)
    assert load_day.good(figures), figures
    assert figures["late_share"] > 0.15
    assert figures["gateway_restarts"] == 3
    assert figures["reopened"] > 0
    assert figures["dated_wrong_by_s"]["most"] < figures["margin_s"]


def window(*samples: tuple[float, dict[str, int | None]]) -> Any:
    return load_oracle.windows([(KID, BEGAN + at, readings) for at, readings in samples])


def test_the_oracle_orders_by_time_of_taking_and_leaves_out_what_was_not_read() -> None:
    found = window((500, {"temperature": 300}), (100, {"temperature": -100}), (700, {"temperature": None}))
    assert found.keys() == {(KID, START)}
    said = {"count": 2, "min": -1, "mean": 1, "max": 3, "last": 3}
    assert found[KID, START] == {"temperature": said}
    assert load_oracle.same("temperature", said, {"count": 2, "min": -1.0, "mean": 1.0, "max": 3.0, "last": 3.0})


@pytest.mark.parametrize(
    "wrong", [{"count": 1}, {"min": -0.99}, {"mean": 1.0001}, {"max": 3.01}, {"last": -1.0}, {"sum": 2.0}]
)
def test_the_oracle_sees_a_number_that_is_wrong(wrong: dict[str, float]) -> None:
    wanted = window((500, {"temperature": 300}), (100, {"temperature": -100}))[KID, START]["temperature"]
    said = {"count": 2, "min": -1.0, "mean": 1.0, "max": 3.0, "last": 3.0}
    assert not load_oracle.same("temperature", wanted, said | wrong)


def test_the_oracle_knows_a_sum_alone_of_what_may_not_leave_as_a_reading() -> None:
    found = window((0, {"motion_count": 3}), (899.9, {"motion_count": 4}), (900, {"motion_count": 9}))
    assert [said["motion_count"] for said in found.values()] == [{"count": 2, "sum": 7}, {"count": 1, "sum": 9}]
