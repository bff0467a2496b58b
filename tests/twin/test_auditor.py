"""The auditor must catch what it is there for, and nothing else."""

import copy
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoep_twin.auditor import Audit, Auditor, Channel, Taken
from stoep_twin.splitting import best_split

_T0 = 1_780_293_600  # a full hour, so a window's edge
_CHANNELS = {"temperature": Channel("°C", 2), "fill_level": Channel("%", 0)}
_NAMES = {0: "06:00:00", 1: "06:15:00", 2: "06:30:00", 3: "06:45:00"}


def _samples(times: Iterable[float]) -> list[Taken]:
    return [
        Taken(round((_T0 + at) * 1e6), (1, seq), {"temperature": 1800 + 7 * seq, "fill_level": 20 + seq})
        for seq, at in enumerate(times, 1)
    ]


def _window(index: int, samples: list[Taken], revision: int = 1, generation: int = 1) -> dict[str, Any]:
    channels = {}
    for name, channel in _CHANNELS.items():
        counts = [sample.counts[name] for sample in samples]
        scale = 10**channel.decimals
        channels[name] = {
            "unit": channel.unit,
            "count": len(counts),
            "min": min(counts) / scale,
            "mean": round(sum(counts) / len(counts) / scale, channel.decimals + 2),
            "max": max(counts) / scale,
            "last": counts[-1] / scale,
        }
    return {
        "node": "bin-1",
        "start": f"2026-06-01T{_NAMES[index]}Z",
        "seconds": 900,
        "generation": generation,
        "revision": revision,
        "channels": channels,
    }


def _audit(taken: list[Taken], windows: list[dict[str, Any]], tolerance: float = 24.0) -> Audit:
    auditor = Auditor(_CHANNELS, round(tolerance * 1e6))
    for sample in taken:
        auditor.take("bin-1", sample)
    for window in windows:
        auditor.deliver("bin-1", window)
    return auditor.audit()


_TAKEN = _samples((100, 400, 700, 1000, 1300, 1900))
_RIGHT = [_window(0, _TAKEN[:3]), _window(1, _TAKEN[3:5]), _window(2, _TAKEN[5:])]


def _figures(audit: Audit) -> tuple[int, int, int, int]:
    return audit.lost, audit.duplicates, audit.values_wrong, audit.redelivered


def test_a_right_delivery_is_right() -> None:
    audit = _audit(_TAKEN, _RIGHT)
    assert _figures(audit) == (0, 0, 0, 0)
    assert audit.readings_taken == audit.readings_delivered == 12
    assert audit.findings == []


def test_a_missing_window_is_lost_readings() -> None:
    assert _figures(_audit(_TAKEN, _RIGHT[:2])) == (2, 0, 0, 0)


def test_a_reading_too_few_is_lost_and_makes_its_window_wrong() -> None:
    audit = _audit(_TAKEN, [_window(0, _TAKEN[:2]), *_RIGHT[1:]])
    assert _figures(audit) == (2, 0, 1, 0)
    assert "06:00" in audit.findings[0]


def test_a_reading_too_many_is_a_duplicate() -> None:
    assert _figures(_audit(_TAKEN, [_window(0, [*_TAKEN[:3], _TAKEN[2]]), *_RIGHT[1:]])) == (0, 2, 1, 0)


def test_a_reading_counted_in_two_windows_is_a_duplicate() -> None:
    assert _figures(_audit(_TAKEN, [_RIGHT[0], _window(1, _TAKEN[2:5]), _RIGHT[2]])) == (0, 2, 1, 0)


@pytest.mark.parametrize("what", ["min", "max", "last", "mean"])
def test_a_value_that_differs_by_a_count_is_wrong(what: str) -> None:
    windows = copy.deepcopy(_RIGHT)
    windows[0]["channels"]["temperature"][what] += 0.01
    assert _figures(_audit(_TAKEN, windows)) == (0, 0, 1, 0)


def test_wrong_scale_and_wrong_unit_are_wrong() -> None:
    for change in ({"last": 182.1}, {"unit": "K"}):
        windows = copy.deepcopy(_RIGHT)
        windows[0]["channels"]["temperature"].update(change)
        assert _figures(_audit(_TAKEN, windows)) == (0, 0, 1, 0)


def test_windows_by_time_of_arrival_are_wrong() -> None:
    late = [_window(1, _TAKEN[:3]), _window(2, _TAKEN[3:5]), _window(3, _TAKEN[5:])]
    audit = _audit(_TAKEN, late)
    assert audit.lost
    assert audit.duplicates
    assert audit.values_wrong


def test_the_highest_revision_counts_and_the_same_again_is_allowed() -> None:
    early = _window(0, _TAKEN[:1], revision=1)
    final = _window(0, _TAKEN[:3], revision=2)
    assert _figures(_audit(_TAKEN, [final, early, copy.deepcopy(final), *_RIGHT[1:]])) == (0, 0, 0, 1)
    newer = _window(0, _TAKEN[:3], revision=1, generation=2)
    assert _figures(_audit(_TAKEN, [_window(0, _TAKEN[:1], revision=9), newer, *_RIGHT[1:]])) == (0, 0, 0, 0)


def test_the_same_revision_with_other_content_is_wrong() -> None:
    other = copy.deepcopy(_RIGHT[0])
    other["channels"]["temperature"]["last"] += 1
    assert _audit(_TAKEN, [*_RIGHT, other]).values_wrong == 1


def test_near_an_edge_a_reading_may_stand_on_either_side_but_only_there() -> None:
    taken = _samples((100, 890, 1500))
    left = [_window(0, taken[:2]), _window(1, taken[2:])]
    right = [_window(0, taken[:1]), _window(1, taken[1:])]
    both = [_window(0, taken[:2]), _window(1, taken[1:])]
    assert _figures(_audit(taken, left)) == (0, 0, 0, 0)
    assert _figures(_audit(taken, right)) == (0, 0, 0, 0)
    assert _audit(taken, both).duplicates == 2
    assert _audit(taken, right, tolerance=5.0).values_wrong == 2


def test_a_message_that_is_no_window_is_found() -> None:
    for broken in ({}, {**_RIGHT[0], "start": "yesterday"}, {**_RIGHT[0], "seconds": 60}, None):
        auditor = Auditor(_CHANNELS, 0)
        auditor.deliver("bin-1", broken)
        assert auditor.audit().values_wrong == 1


def test_readings_nobody_took_are_duplicates() -> None:
    assert _audit([], [_RIGHT[0]]).duplicates == 6


@given(st.integers(0, 10_000))
def test_any_split_within_the_tolerance_is_explained(seed: int) -> None:
    chance = random.Random(seed)
    times = sorted(chance.randrange(4000) for _ in range(chance.randrange(25)))
    edges, tolerance = [1000, 2000, 3000], chance.choice((0, 30, 400))
    cuts = []
    for edge in edges:
        low = sum(at < edge - tolerance for at in times)
        high = sum(at <= edge + tolerance for at in times)
        cuts.append(max(chance.randint(low, high), cuts[-1] if cuts else 0))
    bounds = [0, *cuts, len(times)]
    held = [bounds[i + 1] - bounds[i] for i in range(4)]
    wrong = best_split(times, edges, tolerance, lambda w, i, j: (abs(held[w] - (j - i)), abs(held[w] - (j - i))))
    assert wrong == [0, 0, 0, 0]


def _estimated(window: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(window)
    for said in changed["channels"].values():
        said["time_quality"] = "estimated"
    return changed


def test_what_was_only_estimated_counts_whichever_window_it_is_in() -> None:
    wrongly_split = [_estimated(_window(0, _TAKEN[:1])), _window(1, _TAKEN[1:])]
    audit = _audit(_TAKEN, wrongly_split)
    assert (audit.lost, audit.duplicates, audit.values_wrong) == (0, 0, 0)
    plain = _audit(_TAKEN, [_window(0, _TAKEN[:1]), _window(1, _TAKEN[1:])])
    assert plain.lost
    assert plain.duplicates


def test_an_estimate_hides_no_loss_no_double_and_no_wrong_value() -> None:
    first = _estimated(_window(0, _TAKEN[:3]))
    assert _audit(_TAKEN, [first, _window(1, _TAKEN[3:5])]).lost == 2
    assert _audit(_TAKEN, [first, _window(1, _TAKEN[3:]), _window(2, _TAKEN[5:])]).duplicates == 2
    wrong = _window(1, _TAKEN[3:])
    wrong["channels"]["fill_level"]["mean"] += 1 / 3  # one reading of three, by one count
    assert _audit(_TAKEN, [first, wrong]).values_wrong == 1


def _energy(said: dict[str, Any]) -> Audit:
    auditor = Auditor({"lamp_energy": Channel("Wh", 3, "sum")}, 24_000_000)
    for seq, mwh in enumerate((1200, 0, 345), 1):
        auditor.take("lamppost-1", Taken(round((_T0 + 200 * seq) * 1e6), (1, seq), {"lamp_energy": mwh}))
    window = _window(0, _TAKEN[:3])
    auditor.deliver("lamppost-1", {**window, "node": "lamppost-1", "channels": {"lamp_energy": said}})
    return auditor.audit()


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"sum": 1.545}, 0),
        ({"sum": 1.546}, 1),
        ({}, 1),
        ({"sum": 1.545, "max": 1.2}, 1),
        ({"sum": 1.545, "mean": 0.515}, 1),
        ({"min": 0.0, "mean": 0.515, "max": 1.2, "last": 0.345}, 1),
        ({"sum": 1.545, "time_quality": "estimated"}, 0),
        ({"sum": 1.645, "time_quality": "estimated"}, 1),
    ],
)
def test_of_what_leaves_as_a_sum_no_single_reading_may_leave(said: dict[str, Any], wrong: int) -> None:
    audit = _energy({"unit": "Wh", "count": 3, **said})
    assert (audit.lost, audit.duplicates, audit.values_wrong) == (0, 0, wrong)
