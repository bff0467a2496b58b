"""What the gateway is told of the lamps, and what one sees of them while a street runs."""

import tomllib
from pathlib import Path

import pytest
import typer

from stoep.settings import Settings
from stoep_twin import cli, lighting
from stoep_twin.broker import Address
from stoep_twin.chips.lamp import Failing
from stoep_twin.gateway import Group, NodeEntry, write_registry, write_settings
from stoep_twin.scenarios import options
from stoep_twin.show import _bar, _percent
from stoep_twin.street import Options, Street

_NODES = [NodeEntry(bytes((1, 2, 3, n)), f"lamppost-{n}", "lamppost", bytes(32)) for n in (1, 2)]
_GROUP = Group("street", bytes(range(32)), (("lamppost-1", 12.5), ("lamppost-2", 37.5)))
_CITY = Address("127.0.0.1", 1883)


def _write(directory: Path, group: Group | None) -> dict[str, dict[str, object]]:
    write_settings(directory, "twin", _NODES, directory / "port", directory / "clock", _CITY, group)
    return {name: tomllib.loads((directory / f"{name}.toml").read_text()) for name in ("gateway", "nodes", "secrets")}


def test_a_group_is_told_with_its_metres_its_site_and_its_secret(tmp_path: Path) -> None:
    told = _write(tmp_path, _GROUP)
    assert told["nodes"]["group"] == [
        {
            "name": "street",
            "lamps": [{"node": "lamppost-1", "metres": 12.5}, {"node": "lamppost-2", "metres": 37.5}],
        }
    ]
    assert told["secrets"]["groups"] == {"street": bytes(range(32)).hex()}
    assert told["gateway"]["site"] == {
        "name": "twin",
        "latitude": 51.05,
        "longitude": 3.72,
        "timezone": "Europe/Brussels",
    }
    assert told["gateway"]["lighting"]
    assert (tmp_path / "secrets.toml").stat().st_mode & 0o777 == 0o600
    write_registry(tmp_path, _NODES[:1], _GROUP)
    assert len(tomllib.loads((tmp_path / "nodes.toml").read_text())["node"]) == 1


def test_without_a_group_the_files_are_as_they_were(tmp_path: Path) -> None:
    told = _write(tmp_path, None)
    assert told["gateway"]["site"] == {"name": "twin"}
    assert "lighting" not in told["gateway"]
    assert "group" not in told["nodes"]
    assert "groups" not in told["secrets"]


def test_lamps_are_told_of_to_a_gateway_that_knows_them_and_not_when_there_is_one(tmp_path: Path) -> None:
    assert lighting.KNOWN is ("lighting" in Settings.__struct_fields__)
    for many in (0, 1, 6):
        street = Street(Options(lampposts=many, directory=tmp_path))
        street.tape.close()
        street.clock.close()
        assert (street.group is not None) is (lighting.KNOWN and many > 1)
        if street.group is not None:
            assert [metres for _, metres in street.group.lamps] == [12.5, 37.5, 62.5, 87.5, 112.5, 137.5]


def test_a_scenario_of_lamps_is_a_known_street_at_the_pace_of_life() -> None:
    given = options("follow-me", Options(bins=3, loss=0.2, seconds=100.0, passages=5))
    assert (given.bins, given.benches, given.lampposts, given.speed, given.cast) == (0, 0, 6, 1.0, True)
    assert (given.loss, given.seconds, given.passages) == (0.2, 100.0, 5)
    nights = [options("night", Options(seed=seed)) for seed in range(5)]
    assert all(night.cast and night.start is not None for night in nights)
    assert len({night.start for night in nights}) > 1
    with pytest.raises(ValueError, match="follow-me"):
        options("follow-you", Options())


def test_light_is_shown_in_percent_and_as_a_bar() -> None:
    assert [_percent(light) for light in (0.0, 0.062, 1.0)] == ["0 %", "6 %", "100 %"]
    assert _bar(0.5).plain == "████      50 %"
    assert _bar(None).plain == ""


def test_a_lamp_that_fails_is_asked_for_by_name() -> None:
    assert cli._failing([]) is None
    assert cli._failing(["lamp-light:stuck-on"]) is Failing.STUCK_ON
    with pytest.raises(typer.BadParameter, match="flickering"):
        cli._failing(["lamp-light:broken"])
