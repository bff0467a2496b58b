"""What a person wrote in the registry's files stays, whatever a command changes in them."""

import tomllib
from pathlib import Path

import pytest

from stoep.errors import SettingsError
from stoep.registry.roll import Roll

WRITTEN = """\
# the nodes of the market

# at the fountain
[[node]]
kid = "c0ffee01" # its label is worn
name = "bin-1"

# at the church
[[node]]
kid = "c0ffee02"
name = "bin-2"
settings = { interval = 600 } # the priest asked

# before the school
[[node]]
kid = "c0ffee03"
name = "bin-3"

[[group]]
name = "street"
lamps = [
    { node = "a", metres = 0 },
    { node = "b", metres = 25.5 }, # by the well
    { node = "c", metres = 50 },
]
"""


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    (tmp_path / "nodes.toml").write_text(WRITTEN)
    return Roll(tmp_path / "nodes.toml")


def test_what_is_not_changed_stays_to_the_letter(roll: Roll) -> None:
    assert roll.text == WRITTEN


@pytest.mark.parametrize(
    ("index", "remark", "lines"), [(1, "# at the church", range(7, 12)), (2, "# before the school", range(13, 17))]
)
def test_a_node_goes_with_the_remarks_above_it_and_no_others(index: int, remark: str, lines: range, roll: Roll) -> None:
    roll.drop("node", index)
    assert remark not in roll.text
    left = [line for at, line in enumerate(WRITTEN.splitlines()) if line and at not in lines]
    assert [line for line in roll.text.splitlines() if line] == left


def test_the_first_node_goes_without_the_heading_of_the_second(roll: Roll) -> None:
    roll.drop("node", 0)
    assert "# at the church\n[[node]]" in roll.text
    assert "its label is worn" not in roll.text
    assert len(roll.content["node"]) == 2


def test_a_new_node_stands_apart_and_the_file_stays_toml(roll: Roll) -> None:
    roll.add("node", {"kid": "c0ffee04", "at": [50.8, 4.35], "settings": {"interval": 60}})
    assert '\n\n[[node]]\nkid = "c0ffee04"\nat = [50.8, 4.35]\nsettings = {interval = 60}\n' in roll.text
    assert set(WRITTEN.splitlines()) <= set(roll.text.splitlines())
    assert [node["kid"][-1] for node in roll.content["node"]] == ["1", "2", "3", "4"]
    assert roll.content["group"] == tomllib.loads(WRITTEN)["group"]


def test_a_change_keeps_what_it_does_not_name(roll: Roll) -> None:
    roll.change("node", 1, {"name": "bin-9", "release": "0.2.0"})
    assert roll.content["node"][1] == {
        "kid": "c0ffee02",
        "name": "bin-9",
        "settings": {"interval": 600},
        "release": "0.2.0",
    }
    assert "# the priest asked" in roll.text
    assert "# before the school\n[[node]]" in roll.text


def test_a_lamp_leaves_its_group(roll: Roll) -> None:
    roll.drop_lamp(0, 0)
    assert [lamp["node"] for lamp in roll.content["group"][0]["lamps"]] == ["b", "c"]
    assert "# by the well" in roll.text


def test_a_file_that_is_not_there_begins_empty(tmp_path: Path) -> None:
    roll = Roll(tmp_path / "nodes.toml")
    roll.put("secrets", "c0ffee01", "ab")
    roll.put("secrets", "c0ffee02", ["cd", "ef"])
    roll.take("secrets", "c0ffee01")
    roll.take("groups", "street")
    roll.add("group", {"name": "street", "lamps": [{"node": "a", "metres": 0}, {"node": "b", "metres": 25.5}]})
    assert roll.content == {
        "secrets": {"c0ffee02": ["cd", "ef"]},
        "group": [{"name": "street", "lamps": [{"node": "a", "metres": 0}, {"node": "b", "metres": 25.5}]}],
    }


def test_nodes_written_as_one_list_are_edited_too(tmp_path: Path) -> None:
    (tmp_path / "nodes.toml").write_text('node = [\n    { kid = "1" }, # one\n    { kid = "2" },\n]\n')
    roll = Roll(tmp_path / "nodes.toml")
    roll.add("node", {"kid": "3"})
    roll.drop("node", 0)
    assert [node["kid"] for node in roll.content["node"]] == ["2", "3"]


def test_the_last_node_and_the_first_again(roll: Roll) -> None:
    for _ in range(3):
        roll.drop("node", 0)
    assert "node" not in roll.content
    roll.add("node", {"kid": "c0ffee05"})
    assert '\n[[node]]\nkid = "c0ffee05"\n' in roll.text
    assert list(roll.content) == ["group", "node"]


def test_an_empty_list_of_nodes_is_begun_as_tables(tmp_path: Path) -> None:
    (tmp_path / "nodes.toml").write_text("node = []\n")
    roll = Roll(tmp_path / "nodes.toml")
    roll.add("node", {"kid": "1"})
    assert '[[node]]\nkid = "1"\n' in roll.text


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "nodes.toml").write_text("[[node]\n")
    with pytest.raises(SettingsError, match=r"nodes\.toml: is not TOML .*; correct that line"):
        Roll(tmp_path / "nodes.toml")
