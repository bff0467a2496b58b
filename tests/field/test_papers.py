"""Label, record, hand-over, journal: what they say, and that no secret leaves where it belongs."""

import json
import re
import stat
from pathlib import Path
from types import SimpleNamespace

import pyrage
import pytest
import zxingcpp
from PIL import Image

from stoep.errors import SettingsError
from stoep.registry import handover
from stoep_field.commission import one
from stoep_field.errors import FieldError, FolderError
from stoep_field.image.identity import Held, Identity
from stoep_field.image.image import Base
from stoep_field.papers import label, record
from stoep_field.papers.handing import ByFile
from stoep_field.papers.journal import Board, Journal, Stage, renew

TESTED = {"passed": True, "at": "2026-06-01T08:00:00Z", "note": "climate 14 °C", "checks": []}


def board(name: str = "grote-markt-3", place: str = "Grote Markt 3", **more: object) -> Board:
    own = Board(mac="240ac4000001", kid="c0ffee01", kind="bin", name=name, place=place, **more)  # type: ignore[arg-type]
    renew(own)
    own.tested = dict(TESTED)
    return own


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("grote-markt-3", "Grote Markt 3"),
        ("a", "a"),
        ("lamppost_12.b", "Onze-Lieve-Vrouwstraat, tegenover het oude postkantoor, tweede lantaarnpaal van links"),
        ("x" * 64, "Façade Énigme ☂ 雨"),
    ],
)
def test_the_labels_code_is_read_by_another_package(name: str, place: str, tmp_path: Path) -> None:
    own = board(name, place)
    pdf, png = label.write(own, tmp_path / "labels")
    with Image.open(png) as picture:
        assert picture.size == (827, 413)  # 70 mm by 35 mm at 300 dpi
        (code,) = zxingcpp.read_barcodes(picture)
    assert label.read(code.text) == ("c0ffee01", "bin", name)
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert own.secret not in code.text
    before = pdf.read_bytes(), png.read_bytes()
    label.write(own, tmp_path / "labels")
    assert (pdf.read_bytes(), png.read_bytes()) == before


@pytest.mark.parametrize("said", ["", "https://example.org/?name=a", "stoep:?name=a", "stoep:c0ffee01"])
def test_another_code_is_no_label_of_ours(said: str) -> None:
    with pytest.raises(FolderError, match="is on no label of ours"):
        label.read(said)


def test_a_record_is_signed_and_a_changed_one_is_found_out(tmp_path: Path) -> None:
    signer = record.key(tmp_path)
    assert stat.S_IMODE((tmp_path / "technician.key").stat().st_mode) == 0o600
    assert record.key(tmp_path).private_bytes_raw() == signer.private_bytes_raw()
    file = tmp_path / "record.json"
    file.write_bytes(record.sign({"node": "bin-1", "test": {"passed": False}, "place": "Hôpital"}, signer))
    found, who = record.check(file)
    assert found["place"] == "Hôpital"
    forged = json.loads(file.read_bytes())
    assert forged["signer"] == who
    forged["record"]["test"]["passed"] = True
    file.write_text(json.dumps(forged))
    with pytest.raises(FolderError, match="its signature does not fit"):
        record.check(file)
    (tmp_path / "technician.key").chmod(0o644)
    with pytest.raises(SettingsError):
        record.key(tmp_path)


def test_only_the_gateway_opens_a_hand_over(tmp_path: Path) -> None:
    gateway: pyrage.x25519.Identity = pyrage.x25519.Identity.generate()
    own = board(at=(50.8467, 4.3525), release="0.1.0")
    name = ByFile(tmp_path / "handover", str(gateway.to_public()), "grote-markt").hand(own)
    file = tmp_path / "handover" / name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert own.secret.encode() not in file.read_bytes()
    (node,) = handover.loads(file, pyrage.decrypt(file.read_bytes(), [gateway])).nodes
    assert (node.kid, node.name, node.kind, node.secret) == ("c0ffee01", "grote-markt-3", "bin", own.secret)
    assert (node.at, node.place, node.release) == ((50.8467, 4.3525), "Grote Markt 3", "0.1.0")
    assert node.made_at is not None
    assert node.test == handover.Tested(True, node.test.at if node.test else node.made_at, "climate 14 °C")
    with pytest.raises(FieldError, match="is no age recipient"):
        ByFile(tmp_path, "age1nonsense", None).hand(own)


def test_the_journal_is_the_owners_alone_and_tells_no_secret(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "work")
    own = board()
    journal.keep(own)
    (file,) = (tmp_path / "work" / "boards").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert journal.of(bytes.fromhex("240ac4000001")) == own
    assert own.secret not in repr(own)
    assert re.fullmatch("[0-9a-f]{64}", own.secret)
    file.write_text("{")
    with pytest.raises(FolderError, match="bring it back from a copy"):
        list(journal.all())


def test_each_flashing_has_a_secret_of_its_own() -> None:
    own = board()
    seen = {own.secret}
    for _ in range(20):
        own.stage, own.handed = Stage.DONE, "somewhere"
        renew(own)
        assert (own.stage, own.handed, own.tested) == (Stage.FLASHING, "", {})
        seen.add(own.secret)
    assert len(seen) == 21
    assert own.flashings == 21


@pytest.mark.parametrize(
    ("stage", "changed", "flashed"),
    [
        (Stage.NAMED, {}, True),
        (Stage.FLASHING, {}, True),
        (Stage.FLASHED, {}, False),
        (Stage.TESTED, {}, False),
        (Stage.HANDED, {}, False),
        (Stage.DONE, {}, True),  # it comes so far only on demand
        (Stage.FLASHED, {"firmware": "older"}, True),
        (Stage.FLASHED, {"micropython": "older"}, True),
        (Stage.HANDED, {"fingerprint": "another secret's"}, True),  # somebody else has flashed it meanwhile
    ],
)
def test_a_board_is_flashed_only_when_it_must_be(stage: Stage, changed: dict[str, str], flashed: bool) -> None:
    own = board(firmware="f", micropython="m")
    own.fingerprint = one.fingerprint(bytes.fromhex(own.secret))
    held = Held(Identity("bin", 6, bytes.fromhex(own.kid), bytes.fromhex(own.secret)), 1)
    own.stage = stage
    for name, value in changed.items():
        setattr(own, name, value)
    plan = SimpleNamespace(base=Base("1.28.0", "m", "f", ()))
    assert one._must_flash(own, held, plan) == flashed  # type: ignore[arg-type]
    assert one._must_flash(own, Held(None, 0), plan)  # type: ignore[arg-type] # erased
