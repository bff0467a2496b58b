"""The scenarios of the lamps, played before lamps that obey at once: who is sent, what goes wrong, what is judged."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stoep.resources import hardware_dir
from stoep_twin import following, lighting
from stoep_twin.air import Air
from stoep_twin.chips.lamp import Lamp
from stoep_twin.clockwork import Clockwork
from stoep_twin.judge import Verdict
from stoep_twin.wiring import Wiring
from stoep_twin.world.cast import Cast
from stoep_twin.world.place import Place
from stoep_twin.world.plan import Spot

_SPOTS = tuple(12.5 + 25 * number for number in range(6))


class _Street:
    """Lamps and a clock; whatever happens is noted."""

    def __init__(self, directory: Path, speed: float, passages: int, start: float) -> None:
        self.options = SimpleNamespace(seed=1, passages=passages, lampposts=6, start=start)
        self.clock = Clockwork(directory / "clock", round(start * 1e6), speed)
        self.cast = Cast(1, _SPOTS)
        self.air = Air(0.0, 1)
        self.happened: list[str] = []
        self.faults: list[str] = []
        self.verdict: Verdict | None = None
        self.missed: list[str] = []
        self.gateway = SimpleNamespace(down=self._down, up=lambda: self.happened.append("gateway up"))
        self.nodes: dict[str, Any] = {}
        for number, metres in enumerate(_SPOTS, 1):
            name = f"lamppost-{number}"
            place = Place(1, number, start, Spot(metres), self.cast)
            wiring = Wiring(hardware_dir() / "lamppost.toml", place, lambda: self.clock.utc_us() / 1e6, speed, 1)
            board = SimpleNamespace(cut_power=lambda name=name: self.happened.append(f"cut {name}"))
            self.nodes[name] = SimpleNamespace(
                entry=SimpleNamespace(name=name), board=board, metres=metres, wiring=wiring
            )

    async def _down(self) -> None:
        self.happened.append("gateway down")

    def lamp(self, number: int) -> Lamp:
        lamp: Lamp = self.nodes[f"lamppost-{number}"].wiring.lamp
        return lamp

    def dim(self) -> None:
        for number in range(1, 7):
            self.lamp(number).modulate("DIM", 1 - lighting.LEVELS.dim, self.clock.utc_us() / 1e6)

    def switch_off(self, name: str) -> None:
        self.happened.append(f"off {name}")
        if name in self.nodes:
            self.nodes[name].wiring.lamp.supply(False)

    def switch_on(self, name: str) -> None:
        self.happened.append(f"on {name}")
        if name in self.nodes:
            self.nodes[name].wiring.lamp.supply(True)

    def fault(self, text: str) -> None:
        self.faults.append(text)

    find = fault


def _run(
    directory: Path, scenario: Callable[[Any], Awaitable[None]], passages: int = 0, *, obey: bool = True
) -> _Street:
    street = _Street(directory, 400.0, passages, following.EVENING)
    if obey:
        street.dim()

    async def play() -> None:
        await scenario(street)

    asyncio.run(play())
    street.clock.close()
    return street


def test_five_are_sent_and_lamps_that_never_brighten_miss_the_bounds(tmp_path: Path) -> None:
    street = _run(tmp_path, following.follow, 5)
    assert street.verdict is not None
    assert (street.verdict.passages, len(street.cast.people)) == (5, 5)
    assert street.verdict.median_neighbour_delay_ms == 10_000.0
    assert street.verdict.min_lead_seconds == 0.0
    assert street.verdict.walker_dark_seconds == 0.0
    assert len(street.missed) == 2
    assert street.happened == []


def test_what_goes_wrong_is_put_right_again_and_ten_pass_meanwhile(tmp_path: Path) -> None:
    street = _run(tmp_path, following.trouble)
    assert street.happened == [
        "off lamppost-3",
        "on lamppost-3",
        "gateway down",
        "gateway up",
        "off bridge",
        "on bridge",
        "cut lamppost-4",
    ]
    assert street.verdict is not None
    assert street.verdict.passages == 10
    assert street.verdict.walker_dark_seconds == 0.0  # a lamp without power leaves nobody in the dark
    assert not any("passages" in text for text in street.missed)


def test_lamps_that_stay_lit_are_not_judged(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(following, "_READY_S", 0.3)
    street = _run(tmp_path, following.follow, 5, obey=False)
    assert "lamppost-1, lamppost-2" in street.faults[0]
    assert street.cast.people == []
    assert street.missed == ["the lamps were not ready: nothing was judged"]


def test_a_night_is_passed_in_jumps_and_its_branches_are_seen(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(following, "_TURN_S", 0.0)
    monkeypatch.setattr(following, "_LOOK_S", 0.002)
    street = _Street(tmp_path, 400.0, 0, following.night_of(1))
    street.dim()
    jumps: list[float] = []
    street.clock.on_change(lambda ahead: jumps.append(ahead / 1e6))
    asyncio.run(following.night(street))  # type: ignore[arg-type]
    assert street.options.start + following._NIGHT_S <= street.clock.utc_us() / 1e6 < street.options.start + 30_000
    assert max(jumps) <= 20.0
    rises = [at for metres in _SPOTS for at, who in street.cast.rises(metres) if who == -1]
    assert len(rises) > 30
    street.clock.close()
    assert (street.verdict, street.missed) == (Verdict(), [])
