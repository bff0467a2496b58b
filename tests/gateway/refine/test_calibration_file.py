"""`calibration.toml`: read strictly, changed with a person's words left in it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from stoep.errors import CalibrationError, SettingsError
from stoep.refine.calibration.correction import NILSON, Growth
from stoep.refine.calibration.draft import editing
from stoep.refine.calibration.file import Entry, load
from stoep.registry import atomic
from stoep.settings import CalibrationSettings
from stoep.wire.channels import catalogue

KID = bytes.fromhex("1a3b0001")
PM = next(channel for channel in catalogue().channels.values() if channel.name == "pm2_5")
GOOD = """\
# Beside the city's station in the spring.
[[calibration]]
kid = "1a3b0001"
channel = "pm2_5"
version = 1
name = "beside station 42R801"
valid_from = 2026-05-01T00:00:00Z
valid_until = 2026-06-01T02:00:00+02:00
gain = 0.6135
offset = -1.25
growth = 0.08
humidity = [30, 85.5]

[[calibration]]
kid = "1a3b0001"
channel = "temperature"
version = 1
name = "ice water"
valid_from = 2026-05-01T00:00:00Z
offset = 0.3
"""
MAY, JUNE = 1_777_593_600, 1_780_272_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "calibration.toml"
    made.write_text(GOOD)
    return made


def entry(**changed: object) -> Entry:
    said: dict[str, object] = {
        "kid": KID.hex(),
        "channel": "pm2_5",
        "version": 2,
        "name": "again",
        "valid_from": datetime(2026, 5, 15, tzinfo=UTC),
        "gain": Decimal("0.7"),
    }
    return Entry(**{**said, **changed})  # type: ignore[arg-type]


def test_what_is_written_holds_to_the_last_digit(file: Path) -> None:
    book = load(file, CalibrationSettings())
    holding = book.holding(KID, MAY)
    pm, warmth = holding[9], holding[1]
    assert (pm.gain, pm.offset) == (Fraction(6135, 10_000), Fraction(-125, 100))
    assert pm.growth == Growth(Fraction(8, 100), 3000, 8550)
    assert (pm.version, pm.name) == (1, "beside station 42R801")
    assert warmth.offset == 30  # counts of 0.01 °C
    assert book.holding(KID, JUNE - 1)[9] == pm
    assert book.holding(KID, JUNE)[9] == NILSON
    assert book.holding(KID, MAY - 1)[9] == NILSON


def test_without_a_file_particles_alone_are_corrected_and_the_settings_may_say_no(tmp_path: Path) -> None:
    nothing = tmp_path / "calibration.toml"
    assert load(nothing, CalibrationSettings()).holding(KID, MAY) == {8: NILSON, 9: NILSON, 10: NILSON}
    assert load(nothing, CalibrationSettings(particles="none")).holding(KID, MAY) == {}


WRONG: dict[str, tuple[str, str, str]] = {
    "gain 0": ("gain = 0.6135", "gain = 0.0", "gain = 0.0: makes all readings one; write a number above 0"),
    "gain below 0": ("gain = 0.6135", "gain = -1", "turns up into down"),
    "from after to": ("05-01T00:00:00Z\nvalid_until", "07-01T00:00:00Z\nvalid_until", "is not after valid_from"),
    "not on a quarter": ("2026-05-01T00:00:00Z\noffset", "2026-05-01T00:07:00Z\noffset", "write 2026-05-01T00:00:00Z"),
    "no offset of time": ("2026-05-01T00:00:00Z\noff", "2026-05-01T00:00:00\noff", "such as 2026-06-01T10:15:00Z"),
    "unknown channel": ('"temperature"', '"warmth"', "channel = 'warmth': is no channel with readings of its own"),
    "only counted": ('"temperature"', '"motion_count"', "is no channel with readings of its own"),
    "growth of no particles": ("offset = 0.3", "growth = 0.24", "is of particles, not of temperature; remove it"),
    "growth below 0": ("growth = 0.08", "growth = -0.08", "is below 0"),
    "humidity to 100": ("[30, 85.5]", "[30, 100]", "is no range of percent below 100"),
    "no kid": ('"1a3b0001"\nchannel = "temp', '"lamp-1"\nchannel = "temp', "the board's kid, 8 hex digits"),
    "unknown key": ("offset = 0.3", "ofset = 0.3", "did you mean `offset`?"),
    "version 0": ('version = 1\nname = "ice', 'version = 0\nname = "ice', "version = 0"),
    "no number": ("gain = 0.6135", 'gain = "much"', "write a number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_key_and_remedy(file: Path, case: str) -> None:
    old, new, said = WRONG[case]
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(SettingsError) as caught:
        load(file, CalibrationSettings())
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(file: Path) -> None:
    file.write_text(GOOD.replace("gain = 0.6135", "gain = 0").replace('"temperature"', '"warmth"'))
    with pytest.raises(SettingsError) as caught:
        load(file, CalibrationSettings())
    assert len(caught.value.every) == 2


def test_two_that_hold_at_once_or_have_one_number_are_named(file: Path) -> None:
    second = (
        '\n[[calibration]]\nkid = "1a3b0001"\nchannel = "pm2_5"\nversion = 1\nname = "x"\n'
        "valid_from = 2026-05-20T00:00:00Z\n"
    )
    file.write_text(GOOD + second)
    with pytest.raises(SettingsError) as caught:
        load(file, CalibrationSettings())
    said = " | ".join(map(str, caught.value.every))
    assert "is that of calibration[0] too" in said
    assert "holds while calibration[0] (version 1) does; end the earlier one with valid_until = 2026-05-20" in said
    touching = second.replace("version = 1", "version = 2").replace("2026-05-20", "2026-06-01")
    file.write_text(GOOD + touching)
    assert load(file, CalibrationSettings()).holding(KID, JUNE)[9].version == 2


def test_a_new_version_ends_the_one_before_and_remarks_stay(file: Path) -> None:
    with editing(file) as draft:
        assert draft.next_version(KID, PM.id) == 2
        assert draft.add(entry(), PM.id) == ["version 1 ends at 2026-05-15T00:00:00Z"]
        assert draft.added.startswith('[[calibration]]\nkid = "1a3b0001"')
        draft.write()
    text = file.read_text()
    assert text.startswith("# Beside the city's station in the spring.\n[[calibration]]\n")
    assert "offset = 0.3" in text
    book = load(file, CalibrationSettings())
    assert book.holding(KID, MAY)[9].version == 1
    assert book.holding(KID, MAY + 14 * 86_400)[9].version == 2
    assert file.stat().st_mode & 0o777 == 0o644


def test_an_edit_that_would_be_wrong_writes_nothing(file: Path) -> None:
    wrong = entry(valid_from=datetime(2026, 6, 1, 10, 7, tzinfo=UTC))
    with editing(file) as draft, pytest.raises(SettingsError, match="is not on a quarter"):
        draft.add(wrong, PM.id)
    assert file.read_text() == GOOD


def test_a_version_is_ended_or_taken_out(file: Path) -> None:
    with editing(file) as draft:
        assert draft.end(KID, PM.id, None, MAY + 86_400) == 1
        draft.write()
    assert load(file, CalibrationSettings()).holding(KID, MAY + 86_400)[9] == NILSON
    with editing(file) as draft:
        draft.remove(KID, PM.id, 1)
        with pytest.raises(CalibrationError, match="those there are: none"):
            draft.remove(KID, PM.id, 1)
        draft.write()
    assert "pm2_5" not in file.read_text()
    assert "ice water" in file.read_text()


def test_two_editors_do_not_meet_and_a_change_beneath_is_seen(file: Path) -> None:
    def refused(work: Callable[[], None]) -> list[str]:
        said: list[str] = []

        def run() -> None:
            try:
                work()
            except CalibrationError as error:
                said.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return said

    def edit() -> None:
        with editing(file):
            pass

    with atomic.alone(file.parent) as alone:
        assert alone
        assert "somebody else is changing" in refused(edit)[0]
    with editing(file) as draft:
        draft.add(entry(), PM.id)
        file.write_text(GOOD + "# by hand\n")
        with pytest.raises(CalibrationError, match="changed by somebody else"):
            draft.write()
    assert file.read_text() == GOOD + "# by hand\n"
