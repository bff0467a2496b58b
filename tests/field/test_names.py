"""Who gets which name and which identity: a board keeps its own, whatever is asked."""

from pathlib import Path

import pytest

from stoep_field.commission.names import Names, named
from stoep_field.errors import BoardError, FieldError
from stoep_field.papers.journal import Board, Journal, Stage

MACS = [bytes.fromhex(f"240ac40000{number:02x}") for number in range(1, 9)]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def names(journal: Journal, *said: str, kind: str = "bin", replacing: Board | None = None) -> Names:
    return Names([named(one) for one in said], kind, journal, replacing)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("bin-1", "bin-1"),
        ("Grote Markt 3", "grote-markt-3"),
        ("  Vrijdagmarkt, hoek Kammerstraat ", "vrijdagmarkt-hoek-kammerstraat"),
        ("Église St-Géry", "eglise-st-gery"),
        ("a" * 100, "a" * 64),
    ],
)
def test_a_place_becomes_a_name(said: str, name: str) -> None:
    assert named(said) == (name, said)


@pytest.mark.parametrize("said", ["", "雨", "a\nb", "x " * 70])
def test_what_cannot_be_a_name_is_refused(said: str) -> None:
    with pytest.raises(FieldError, match="is no name"):
        named(said)


def test_a_board_keeps_its_identity_whatever_comes(journal: Journal) -> None:
    first = names(journal, "bin-1", "bin-2")
    one, two = first.give(MACS[0], None), first.give(MACS[1], None)
    assert (one.name, two.name) == ("bin-1", "bin-2")
    again = names(journal, "bin-1", "bin-2", "bin-3")
    assert again.give(MACS[2], None).name == "bin-3"  # the others are somebody's already
    assert again.give(MACS[1], "deadbeef") == two
    assert again.give(MACS[0], None) == one
    with pytest.raises(BoardError, match="one board more than there are names"):
        again.give(MACS[3], None)
    with pytest.raises(BoardError, match="this board is bin-1"):
        names(journal, "bin-9").give(MACS[0], None)
    with pytest.raises(BoardError, match="this board is a bin already"):
        names(journal, "bin-1", kind="bench").give(MACS[0], None)
    with pytest.raises(FieldError, match="given twice"):
        names(journal, "Bin 1", "bin-1")
    assert len({board.kid for board in journal.all()}) == 3


def test_a_node_of_another_laptop_keeps_its_kid_unless_it_is_somebodys(journal: Journal) -> None:
    assert names(journal, "bin-1").give(MACS[0], "c0ffee01").kid == "c0ffee01"
    assert names(journal, "bin-2").give(MACS[1], "c0ffee01").kid != "c0ffee01"  # a flash that was copied


def test_a_swap_gives_the_name_to_another_board_and_retires_the_first(journal: Journal) -> None:
    old = names(journal, "bin-1").give(MACS[0], None)
    old.stage, old.at, old.settings = Stage.DONE, (50.8, 4.3), {"interval": 600}
    journal.keep(old)
    swap = names(journal, "bin-1", replacing=old)
    with pytest.raises(BoardError, match="in service"):
        swap.give(MACS[0], None)
    new = swap.give(MACS[1], old.kid)  # even if the flash was cloned
    assert (new.name, new.replaces, new.at, new.settings) == ("bin-1", old.kid, (50.8, 4.3), {"interval": 600})
    assert new.kid != old.kid
    other = names(journal, "bin-1", replacing=new).give(MACS[2], "c0ffee09")  # it was a node elsewhere
    assert other.kid not in {old.kid, new.kid, "c0ffee09"}
    assert journal.named("bin-1") == other
    kept = journal.of(MACS[0])
    assert kept is not None
    assert kept.stage is Stage.RETIRED
    assert names(journal, "bin-1").give(MACS[2], None) == other  # the same command goes on
    assert names(journal, "bin-7").give(MACS[0], None).kid not in {old.kid, new.kid}  # retired: a new node
