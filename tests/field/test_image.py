"""The flash image: made of parts, the same from the same, and read by the firmware as it is meant."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from stoep.errors import SettingsError
from stoep.resources import firmware_dir
from stoep_field.errors import ImageError
from stoep_field.folder import WIFI, wifi
from stoep_field.image import cells, image, layout, micropython
from stoep_field.image.identity import HEAD, Identity, head, read
from stoep_twin import flash
from stoep_twin.bench import image as stand_in

KID, SECRET = bytes.fromhex("c0ffee01"), bytes(range(32))
NODE = Identity("bin", 6, KID, SECRET)

# A partition `stoep` in a file, as the firmware asks for it.
DEVICE = """
import sys
from node import flash, identity, settings
from node.life import Life

class Device:
    def __init__(self, name):
        self._file = open(name, "r+b")
    def readblocks(self, block, buf, offset=0):
        self._file.seek(block * 4096 + offset)
        self._file.readinto(buf)
    def writeblocks(self, block, buf, offset=0):
        self._file.seek(block * 4096 + offset)
        self._file.write(buf)
        self._file.flush()
    def ioctl(self, op, arg):
        if op == 6:
            self.writeblocks(arg, b"\\xff" * 4096)
        return 0

device = Device(sys.argv[1])
"""


def test_the_same_inputs_make_the_same_bytes_but_for_the_secret(base: image.Base, micropython: Path) -> None:
    again = image.base(micropython, firmware_dir())
    assert again == base
    one = image.of_board(base, NODE, 0, {1: 600}, keeps_ring=False).whole()
    assert image.of_board(again, NODE, 0, {1: 600}, keeps_ring=False).whole() == one
    other = image.of_board(base, Identity("bin", 6, KID, bytes(32)), 0, {1: 600}, keeps_ring=False).whole()
    changed = [at for at in range(0, layout.FLASH, layout.SECTOR) if one[at : at + 4096] != other[at : at + 4096]]
    assert changed == [layout.STOEP.address]
    assert len(one) == layout.FLASH


def test_the_partition_table_is_the_virtual_boards_too(tmp_path: Path) -> None:
    flash.make(tmp_path / "chip")
    assert (tmp_path / "chip").read_bytes()[layout.TABLE : layout.TABLE + layout.SECTOR] == layout.table()
    ends = [0x9000, *(one.end for one in layout.PARTITIONS)]
    assert [one.address for one in layout.PARTITIONS] == ends[:-1]  # no gap, no overlap
    assert ends[-1] == layout.FLASH


def test_parts_do_not_touch_and_what_is_old_is_erased(base: image.Base) -> None:
    whole = image.of_board(base, NODE, 0, {}, keeps_ring=False)
    spans = [(one.address, one.address + len(one.data)) for one in whole.segments]
    spans += [(one.address, one.address + one.size) for one in whole.erased]
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert all(start % layout.SECTOR == 0 == end % layout.SECTOR for start, end in spans)
    ring = image.Region(layout.STOEP.address + HEAD, layout.STOEP.size - HEAD)
    assert ring in whole.erased
    assert ring not in image.of_board(base, NODE, 3, {}, keeps_ring=True).erased
    assert image.Region(layout.NVS.address, layout.NVS.size) in whole.erased  # it may name a slot that is empty now
    assert SECRET.hex() not in repr(whole)
    assert SECRET.hex() not in repr(NODE)


def test_the_firmware_reads_who_it_is(run_micropython: Callable[..., str], tmp_path: Path) -> None:
    chip = tmp_path / "stoep"
    chip.write_bytes(head(NODE, 41, {1: 600, 3: 1200}))
    said = run_micropython(
        DEVICE
        + "who, life = identity.load(device), Life(device)\n"
        + "print(who.kind, who.channel, who.kid.hex(), who.secret.hex())\n"
        + "print(life.alive, sorted(settings.kept(life).items()))\n"
        + "print(life.cold_boot())\n",
        str(chip),
    )
    assert said.splitlines() == [f"bin 6 c0ffee01 {SECRET.hex()}", "True [(1, 600), (3, 1200)]", "(42, 1, 257)"]
    held = read(chip.read_bytes())
    assert held.identity == NODE
    assert held.epoch == 42


def test_the_firmware_reads_a_lampposts_account(run_micropython: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / WIFI
    assert wifi(tmp_path) is None
    file.write_text('network = "Café"\nkey = "open sesame"\nhost = "192.168.4.1"\n')
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="may be read by others"):
        wifi(tmp_path)
    file.chmod(0o600)
    lamppost = Identity("lamppost", 6, KID, SECRET, wifi(tmp_path))
    assert "sesame" not in repr(lamppost) + repr(lamppost.wifi)
    chip = tmp_path / "stoep"
    chip.write_bytes(head(lamppost, 0, {}))
    script = (
        DEVICE
        + "from node.links import account\nknown = account.read(device)\n"
        + "print(identity.load(device).kind, known.network, known.key, known.host, known.port)\n"
    )
    assert run_micropython(script, str(chip)).strip() == "lamppost Café open sesame 192.168.4.1 1883"


@pytest.mark.parametrize(
    "wrong",
    [
        "key = 'short'",
        "host = 'broker.local'",
        "host = '192.168.4.256'",
        "host = '192.168.4.1.'",
        "network = '€€€€€€€€€€€'",
    ],
)
def test_an_account_that_a_lamppost_would_not_read_is_refused(wrong: str, tmp_path: Path) -> None:
    said = {"network": "'a'", "key": "'open sesame'", "host": "'192.168.4.1'"}
    name, _, value = wrong.partition(" = ")
    file = tmp_path / WIFI
    file.write_text("".join(f"{key} = {one}\n" for key, one in (said | {name: value}).items()))
    file.chmod(0o600)
    with pytest.raises(SettingsError, match=name):
        wifi(tmp_path)


def test_what_the_firmware_writes_is_read_here(run_micropython: Callable[..., str], tmp_path: Path) -> None:
    chip = tmp_path / "stoep"
    chip.write_bytes(b"\xff" * 64 * 4096)
    run_micropython(
        DEVICE
        + f"identity.store(device, 'bench', 11, {KID!r}, {SECRET!r})\n"
        + "life = Life(device)\nlife.begin()\nfor _ in range(300): life.cold_boot()\n",  # it moves between its sectors
        str(chip),
    )
    assert read(chip.read_bytes()).identity == Identity("bench", 11, KID, SECRET)
    assert read(chip.read_bytes()).epoch == 300
    torn = bytearray(chip.read_bytes())
    last = torn[: 4 * 4096].rstrip(b"\xff")
    torn[len(last) - 1] ^= 1  # the power went within the last record
    assert read(bytes(torn)).epoch == 300


def test_a_bridge_has_no_keys_and_a_stranger_is_nobody(run_micropython: Callable[..., str], tmp_path: Path) -> None:
    chip = tmp_path / "stoep"
    chip.write_bytes(head(Identity("bridge", 6), 0, {}))
    script = (
        DEVICE + "who = identity.load(device)\nprint(who.kind, who.channel, who.kid, who.secret, Life(device).alive)\n"
    )
    assert run_micropython(script, str(chip)).strip() == "bridge 6 None None False"
    for stranger in (b"\xff" * HEAD, bytes(HEAD), cells.write({1: b"\x01"}).ljust(HEAD, b"\xff")):
        assert read(stranger).identity is None


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        (lambda file: stand_in.write(file, chip=9), "is for the ESP32-S3, these boards are ESP32"),
        (lambda file: stand_in.write(file, version="1.27.0"), "is MicroPython 1.27.0, too old for this firmware"),
        (lambda file: file.write_bytes(b"\xe9" + bytes(200_000)), "lacks the bootloader: it is one for updates"),
        (lambda file: file.write_bytes(b"PK\x03\x04" + bytes(99)), "is no image for an ESP32"),
        (lambda _: None, "cannot be read"),
    ],
)
def test_what_is_no_image_for_these_boards_is_refused(
    made: Callable[[Path], object], wrong: str, tmp_path: Path
) -> None:
    file = tmp_path / "image.bin"
    made(file)
    with pytest.raises(ImageError, match=wrong) as refused:
        micropython.load(file)
    assert "take ESP32_GENERIC" in refused.value.remedy
