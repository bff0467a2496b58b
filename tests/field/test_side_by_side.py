"""Eight boards side by side and what goes wrong with them: each its own message, each well once its cause is gone."""

from collections.abc import Callable

import pyrage
import pytest

from field_rig import BARE, CABLE, CHIP, NOBODY, PULLED, SENSOR, Table
from stoep.registry import handover
from stoep_field.commission.many import Outcome
from stoep_field.image.identity import read
from stoep_field.image.layout import STOEP
from stoep_field.papers import record
from stoep_field.papers.journal import Board, Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FAULTS = (BARE, BARE, CHIP, BARE, PULLED, BARE, SENSOR, BARE, CABLE)  # the ninth never appears
NAMES = [f"Grote Markt {number}" for number in range(1, len(FAULTS) + 1)]


def words(outcomes: list[Outcome], own: Table) -> dict[int, str]:
    """By the board's number, what was said of it."""
    at = {own.port(number): number for number in range(1, len(FAULTS) + 1)}
    return {at.get(one.port or "", 0): str(one.error or "") for one in outcomes}


def secrets_on(own: Table, number: int) -> bytes | None:
    chip = own.bench.clock.parent / "boards" / f"board-{number}" / "flash.bin"
    held = read(chip.read_bytes()[STOEP.address :]).identity
    return None if held is None else held.secret


def test_five_pass_at_once_and_the_rest_when_their_cause_is_gone(
    table: Callable[..., Table], figure: Callable[[str], None]
) -> None:
    own = table(*FAULTS)
    first = own.commission(NAMES)
    said = words(first, own)
    assert sorted(number for number, text in said.items() if not text) == [1, 2, 4, 6, 8]
    assert "is an ESP32-S3; take a board with an ESP32" in said[3]
    assert "was unplugged while it was flashed; look at plug and cable" in said[5]
    assert "climate does not answer" in said[7]
    assert "look at the BME280: its wires to GPIO 21 and GPIO 22" in said[7]
    assert "only 8 of 9 boards appeared; a cable that only charges shows nothing" in said[0]
    assert len(set(said.values())) == 1 + 4
    before = {board.mac: board for board in own.journal.all()}
    interrupted = next(board for board in before.values() if board.stage is Stage.FLASHING)
    failing = next(board for board in before.values() if board.stage is Stage.FLASHED)
    own.steps.clear()
    for number in (3, 5, 7, 9):
        own.bench.mend(own.port(number))
    second = own.commission(NAMES)
    assert [str(one.error) for one in second if one.error] == []
    after = {board.mac: board for board in own.journal.all()}
    assert {board.stage for board in after.values()} == {Stage.DONE}
    check_identities(own, before, after)
    # A flashing that was cut short is done anew under another secret; a board that only failed its test is not flashed.
    assert after[interrupted.mac].fingerprint != interrupted.fingerprint
    assert after[interrupted.mac].flashings == 2
    assert after[failing.mac].fingerprint == failing.fingerprint
    flashed = {port for port, step in own.steps if step == "flashing"}
    assert flashed == {"board-3", "board-5", "board-9"}
    check_papers(own)
    figure(f"field: {len(NAMES)} boards side by side, 5 passed at once, each of the others after its cause was gone")


def check_identities(own: Table, before: dict[str, Board], after: dict[str, Board]) -> None:
    """None lost, none doubled, and none on two boards."""
    boards = list(own.journal.all())
    assert len(boards) == len(NAMES)
    assert len({board.kid for board in boards}) == len({board.name for board in boards}) == len(NAMES)
    assert before.keys() <= after.keys()
    for mac, board in before.items():
        assert (after[mac].kid, after[mac].name) == (board.kid, board.name)
    on_flash = [secrets_on(own, number) for number in range(1, len(NAMES) + 1)]
    assert None not in on_flash
    assert len(set(on_flash)) == len(NAMES)


def check_papers(own: Table) -> None:
    """What was handed over is what is on the boards, and no secret is anywhere else."""
    handed = {}
    for file in sorted((own.folder / "handover").glob("*.age")):
        plain = pyrage.decrypt(file.read_bytes(), [NOBODY])
        (node,) = handover.loads(file, plain).nodes
        handed[node.name] = node
        assert node.test is not None
        assert node.test.passed
    assert {name: node.kid for name, node in handed.items()} == {one.name: one.kid for one in own.journal.all()}
    secrets = {node.secret for node in handed.values()}
    assert secrets == {(secrets_on(own, number) or b"").hex() for number in range(1, len(NAMES) + 1)}
    for file in (path for path in own.folder.rglob("*") if path.is_file() and path.suffix != ".age"):
        assert not any(secret.encode() in file.read_bytes() for secret in secrets), file
    for board in own.journal.all():
        found, _ = record.check(own.folder / "records" / f"{board.name}-{board.kid}.json")
        assert found["kid"] == board.kid
        assert "seen by the bridge" in found["test"]["frame"]
        assert (own.folder / "labels" / f"{board.name}.png").stat().st_size > 0
