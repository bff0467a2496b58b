"""A command that cannot be is refused at once, as a whole, with a reason that names the key and what would be right."""

import contextlib
from pathlib import Path

import pytest

from stoep.downlink.order import RefusedError, check, outline, read
from stoep.wire.channels import catalogue
from town import Town, health

WHEN = '"expires": "2026-06-01T07:00:00Z"'


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path)
    made.report(health())
    return made


def refused(town: Town, payload: bytes) -> str:
    """Why; and that nothing came of it, but that it stands in the audit."""
    town.says(payload)
    (told,) = town.told()
    assert told["result"] == "refused"
    assert town.report().settings is None
    assert town.audit() == ["refused"]
    return str(told["reason"])


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 4000, "not JSON"),
        (b"[1]", "not a JSON object"),
        (b" " * 4097, "4097 bytes, 4096 are allowed"),
    ],
)
def test_what_is_no_json_object_is_refused(town: Town, payload: bytes, why: str) -> None:
    assert why in refused(town, payload)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f'{WHEN}, "settings": {{"interval": 60}}, "now": true', "'now' is no key of a command: use id, expires"),
        (f'{WHEN}, "settings": {{"interval": 60}}, "by": 7', "by is not a text"),
        (f'"id": 7, {WHEN}, "settings": {{"interval": 60}}', "id is not a text"),
        (f'"id": "a b", {WHEN}, "settings": {{"interval": 60}}', "id is not a text"),
        (f"{WHEN}", "settings is missing"),
        ('"settings": {"interval": 60}', "expires is missing"),
        ('"expires": 1780297200, "settings": {"interval": 60}', "expires is no time: write one such as 2026-"),
        ('"expires": "tomorrow", "settings": {"interval": 60}', "expires is no time"),
        ('"expires": "2026-06-01T07:00:00", "settings": {"interval": 60}', "expires has no time zone"),
        ('"expires": "2026-08-01T07:00:00Z", "settings": {"interval": 60}', "more than 31 days ahead"),
    ],
)
def test_what_is_no_command_is_refused(town: Town, said: str, why: str) -> None:
    assert why in refused(town, f'{{"id": "a", {said}}}'.encode())


def test_a_command_without_an_id_is_refused(town: Town) -> None:
    assert "id is missing" in refused(town, f'{{{WHEN}, "settings": {{"interval": 60}}}}'.encode())


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("{}", "settings is not an object of at least one setting"),
        ("[1]", "settings is not an object of at least one setting"),
        ('{"intervall": 60}', "settings.intervall is no setting: use some of interval, sampling"),
        ('{"interval": "60"}', "settings.interval = 60 is not a whole number from 5 to 86400, or null"),
        ('{"interval": 60.5}', "settings.interval = 60.5 is not a whole number from 5 to 86400"),
        ('{"sampling": true}', "settings.sampling = True is not a whole number from 0 to 1"),
        ('{"interval": 4}', "settings.interval = 4 is not a whole number from 5 to 86400"),
        ('{"interval": 86401}', "settings.interval = 86401 is not a whole number from 5 to 86400"),
        (f'{{"interval": 1{"0" * 400}}}', "is not a whole number from 5 to 86400"),
        ('{"interval": 60, "full_mm": 1}', "settings.full_mm = 1 is not a whole number from 30 to 4000"),
        ('{"link": 1}', "settings.link is not for a bin: only for a lamppost"),
        ('{"link": null}', "settings.link is not for a bin: only for a lamppost"),
        ('{"full_mm": 1500}', "settings.full_mm = 1500 is not less than settings.empty_mm = 1500"),
        ('{"empty_mm": 150}', "settings.full_mm = 200 is not less than settings.empty_mm = 150"),
    ],
)
def test_settings_that_cannot_be_are_refused_as_a_whole(town: Town, settings: str, why: str) -> None:
    reason = refused(town, f'{{"id": "a", {WHEN}, "settings": {settings}}}'.encode())
    assert why in reason
    assert len(reason) < 200


def test_a_command_for_nobody_is_refused_and_not_done_by_anybody(town: Town) -> None:
    for name in ("bin-2", "", "bin-1" * 100, "é"):
        town.wants(topic=f"stoep/1/grote-markt/{name}/set", interval=600)
        (told,) = town.told()
        assert told["result"] == "refused"
        assert "no node of this site" in told["reason"]
    assert town.report().settings is None


def test_whatever_bytes_come_nothing_else_is_raised() -> None:
    known = catalogue().settings
    good = f'{{"id": "a", {WHEN}, "by": "desk 7", "settings": {{"interval": 60, "full_mm": null}}}}'.encode()
    assert read(good, known).changes == {1: 60, 4: None}
    assert outline(good)[:2] == ("a", "desk 7")
    check({1: 60, 4: None}, "bin", {1: 60}, known)
    for at in range(len(good)):
        for byte in (0, 0x22, 0x2D, 0x39, 0x5C, 0x7B, 0x80, 0xFF):
            broken = good[:at] + bytes((byte,)) + good[at + 1 :]
            outline(broken)
            with contextlib.suppress(RefusedError):
                read(broken, known)
