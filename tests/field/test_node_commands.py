"""`stoep node`, `stoep bridge` and `stoep field-kit` as a person types them; the boards are virtual, the tools real."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stoep.cli import build
from stoep_field import kit
from stoep_field.commands import commission
from stoep_field.papers import label
from stoep_field.papers.journal import Board, Journal, Stage

Say = Callable[..., Result]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Call it with a command's words."""
    monkeypatch.setenv("STOEP_FIELD", str(tmp_path / "work"))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(build(words[0]), [*words])


def documents(said: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.stdout.splitlines()]


def kept(folder: Path, **more: Any) -> Board:
    board = Board(mac="240ac4000001", kid="c0ffee01", kind="bin", name="bin-1", place="Grote Markt 3", secret="ab" * 32)
    for key, value in more.items():
        setattr(board, key, value)
    Journal(folder).keep(board)
    return board


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--name", "a"], "which MicroPython goes onto the boards is not said; give it with --image"),
        (["--name", "a", "--image", "IMAGE"], "the site's radio channel is not said"),
        (["--name", "a", "--image", "IMAGE", "--channel", "6"], "for which gateway is not said"),
        (
            ["--name", "a", "--image", "IMAGE", "--channel", "6", "--gateway-key", "age1x"],
            "nobody is there to hear a node's first frame",
        ),
        (["--name", "a", "--at", "91,0"], "--at 91,0 is no place"),
        (["--name", "a", "--name", "b", "--at", "50,4"], "--at is one place, and several names are given"),
        (["--name", "a", "--set", "intervall=3"], "'intervall=3' is no setting"),
        (["--name", "a", "--set", "interval=x"], "'interval=x' is no setting"),
        (["--name", "?"], "'?' is no name"),
    ],
)
def test_what_is_not_said_is_asked_for(words: list[str], says: str, say: Say, micropython: Path) -> None:
    said = say(
        "node", "commission", "--kind", "bin", *(str(micropython) if word == "IMAGE" else word for word in words)
    )
    assert said.exit_code == 1
    assert said.stderr.startswith(f"error: {says}")
    assert len(said.stderr.strip().splitlines()) == 1


def test_the_office_lists_shows_labels_and_retires(say: Say, tmp_path: Path) -> None:
    board = kept(tmp_path / "work", stage=Stage.DONE)
    for words in (["list"], ["list", "--json"], ["show", "bin-1"], ["show", "c0ffee01", "--json"], ["label", "bin-1"]):
        said = say("node", *words)
        assert said.exit_code == 0, said.output
        assert "bin-1" in said.stdout
        assert board.secret not in said.output
    assert "c0ffee01" in say("node", "show", label.text(board)).stdout  # as a scanner types it
    (labelled,) = documents(say("node", "label", "bin-1", "--json"))
    assert all(Path(file).is_file() for file in labelled["files"])
    assert say("node", "show", "bin-2").stderr.startswith("error: bin-2 is not in the journal")
    retired = say("node", "retire", "bin-1")
    assert "stoep registry retire c0ffee01" in retired.stdout
    (left,) = Journal(tmp_path / "work").all()
    assert (left.stage, left.secret) == (Stage.RETIRED, "")
    assert say("node", "label", "bin-1").exit_code == 1


def test_training_has_a_journal_of_its_own_and_a_new_board_to_swap_in(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = tmp_path / "work" / "training"
    old = kept(training, stage=Stage.DONE)
    (training / "bench" / "boards" / "board-1").mkdir(parents=True)
    assert say("node", "list").stdout.endswith("those of the training: --simulate\n")
    for command in (["list"], ["show", "bin-1"], ["label", "bin-1"]):
        assert "bin-1" in say("node", *command, "--simulate").stdout
    wishes: list[commission.Wish] = []
    monkeypatch.setattr(commission, "commission", lambda wish, **_: wishes.append(wish))
    assert say("node", "swap", "bin-1", "--simulate").exit_code == 0
    (wish,) = wishes
    assert (wish.simulate, wish.folder, wish.replacing) == (True, training, old)
    assert wish.faults == ["charge-only", ""]  # the old board is away, the new one plugged in
    assert say("node", "retire", "bin-1", "--simulate").exit_code == 0
    assert Journal(training).named("bin-1") is None


def test_what_a_virtual_board_cannot_have_is_refused(say: Say) -> None:
    said = say("node", "commission", "--simulate", "--kind", "bin", "--name", "a", "--faults", ",rust")
    assert said.stderr.startswith("error: 'rust' is nothing that a virtual board can have; there are charge-only")


def test_wi_fi_needs_an_account(say: Say, tmp_path: Path, micropython: Path) -> None:
    words = ["--image", str(micropython), "--channel", "6", "--gateway-key", "age1x", "--set", "link=1"]
    for kind in ("bin", "lamppost"):
        said = say("node", "commission", "--kind", kind, "--name", "a", *words)
        assert said.stderr.startswith("error: the setting link=1 needs an account; write "), said.stderr
    file = tmp_path / "work" / "wifi.toml"
    file.write_text('network = "a"\nkey = "open sesame"\nhost = "192.168.4.1"\n')
    words += ["--kind", "lamppost", "--name", "a"]
    assert "may be read by others" in say("node", "commission", *words).stderr
    file.chmod(0o600)
    assert "nobody is there to hear a node's first frame" in say("node", "commission", *words).stderr
    said = say("node", "commission", *words, "--bridge", "/dev/null")
    assert said.stderr.startswith("error: a bridge hears nothing of a lamppost on Wi-Fi; say --gateway USER@HOST")


def test_a_field_toml_that_is_wrong_is_named(say: Say, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "field.toml").write_text("channel = 14\n")
    said = say("node", "commission", "--kind", "bin", "--name", "a")
    assert "field.toml: channel" in said.stderr


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_day_of_training(say: Say, tmp_path: Path) -> None:
    """Commission, look, test, read, set: each command on the board that the first one flashed."""
    said = say("node", "commission", "--simulate", "--kind", "bin", "--name", "Grote Markt 3", "--json")
    (board,) = documents(said)
    assert (said.exit_code, board["passed"], board["name"], board["stage"]) == (0, True, "grote-markt-3", "done")
    assert "secret" not in board
    assert board["settings"] == {}
    said = say("node", "selftest", "--simulate", "--json")
    (tested,) = documents(said)
    assert (said.exit_code, tested["passed"], tested["mac"]) == (0, True, board["mac"])
    (logs,) = documents(say("node", "logs", "--simulate", "--json"))
    assert logs["node"] == f"bin {board['kid']}"
    assert (logs["epoch"], logs["crash"]) == ("1", "None")
    (changed,) = documents(say("node", "settings", "interval=600", "--simulate", "--json"))
    assert changed["settings"] == {"interval": 600}
    assert Journal(tmp_path / "work" / "training").named("grote-markt-3").settings == {"interval": 600}  # type: ignore[union-attr]
    lines = [document["line"] for document in documents(say("node", "monitor", "--simulate", "--for", "1.5", "--json"))]
    assert any(line.startswith("boot cause=power epoch=2 ") for line in lines)
    said = say("bridge", "commission", "--simulate", "--channel", "11", "--json")
    (bridge,) = documents(said)
    assert (said.exit_code, bridge["channel"]) == (0, 11)


def test_a_kit_is_whole_or_says_what_is_not(tmp_path: Path, micropython: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheels, which only the network has."""
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(kit, "_pip", lambda *words: called.append(words))
    wheel = tmp_path / "stoep-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("stoep/__init__.py", "")
    folder = tmp_path / "kit"
    told: list[str] = []
    count = kit.build(
        folder,
        micropython,
        site="grote-markt",
        channel=6,
        gateway_key=None,
        wheel=wheel,
        training=False,
        tell=told.append,
    )
    assert kit.check(folder) == count
    assert called == [("wheel", "--wheel-dir", str(tmp_path / "kit.part" / "wheels"), f"{wheel}[field]")]
    assert not (tmp_path / "kit.part").exists()
    assert (folder / "field.toml").read_text() == f'site = "grote-markt"\nchannel = 6\nimage = "{micropython.name}"\n'
    assert (folder / "guides" / "bin" / "guide.md").is_file()
    assert (folder / "guides" / "firmware.md").is_file()
    (folder / micropython.name).write_bytes(b"\xe9")
    with pytest.raises(kit.FolderError, match="missing or not what it was"):
        kit.check(folder)
    with pytest.raises(kit.FolderError, match="is not empty"):
        kit.build(
            folder, micropython, site=None, channel=None, gateway_key=None, wheel=wheel, training=False, tell=print
        )
