"""`stoep calibrate` as a technician uses it: beside a running gateway's store, from a file to what holds."""

import contextlib
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stoep import cli, settings
from stoep.clock import timestamp
from stoep.refine.calibration.file import load
from stoep.store import window_rows
from stoep.store.database import Database
from stoep.store.series import Taken
from stoep.store.windows import SECONDS, Window
from stoep.wire.channels import catalogue

KID = bytes.fromhex("1a3b0001")
START, DAYS = 1_790_812_800, 4
PM = next(channel.id for channel in catalogue().channels.values() if channel.name == "pm2_5")


def level(at: float) -> float:
    return 16 + 8 * math.sin(at / 40_000) + 4 * math.sin(at / 11_000)


class Site:
    """The files of a site whose lamppost reads a half too much and 2 µg/m³ more; its gateway has the store open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "gateway.toml"
        self.config.write_text('[site]\nname = "quay"\n[[bridge]]\nport = "auto"\n[mqtt]\nhost = "city.example"\n')
        (folder / "nodes.toml").write_text(f'[[node]]\nkid = "{KID.hex()}"\nname = "lamp-1"\nkind = "lamppost"\n')
        (folder / "secrets.toml").write_text(f'[secrets]\n{KID.hex()} = "{"ab" * 32}"\n')
        (folder / "secrets.toml").chmod(0o600)
        chance = random.Random(1)
        windows = []
        for number in range(DAYS * 96):
            window = Window(KID, START + number * SECONDS, revision=1)
            counts = {PM: round(1.5 * level(window.start + 60) + 2 + chance.uniform(-0.5, 0.5)), 2: 5000}
            window.samples.add(Taken((window.start + 60) * 1_000_000, 1, number, 0, counts))
            windows.append(window)
        self.database = Database(folder / "stoep.db")
        with self.database.transaction() as sql:
            window_rows.save(sql, windows)
        hours = range(START, START + DAYS * 86_400, 3600)
        rows = [f"{timestamp(at)},{level(at + 1800) * chance.uniform(0.99, 1.01):.2f}" for at in hours]
        (folder / "station.csv").write_text("time,pm2_5 (µg/m³),o3 (µg/m³)\n" + "".join(f"{row},80\n" for row in rows))

    @property
    def file(self) -> Path:
        return self.folder / "calibration.toml"

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(cli.build(), ["calibrate", "lamp-1", "-c", str(self.config), *options])

    def compare(self, *options: str) -> Result:
        picture = ("--picture", str(self.folder / "fit.svg"))
        against = ("--against", str(self.folder / "station.csv"), "--column", "pm2_5")
        return self.run("--channel", "pm2_5", *against, *picture, *options)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    with contextlib.closing(made.database):
        yield made


def test_without_apply_all_is_shown_and_nothing_written(site: Site) -> None:
    done = site.compare()
    assert done.exit_code == 0, done.output
    assert "96 pairs on 4 days, 2026-10-01T00:00:00Z to 2026-10-04T23:00:00Z" in done.output
    assert "error, root mean square" in done.output
    assert '[[calibration]]\nkid = "1a3b0001"\nchannel = "pm2_5"\nversion = 1\nname = "beside station"' in done.output
    assert "Nothing was written" in done.output
    assert not site.file.exists()
    assert (site.folder / "fit.svg").stat().st_size > 1000


def test_applied_it_holds_from_the_begin_of_the_comparison_and_a_second_takes_its_place(site: Site) -> None:
    done = site.compare("--apply", "--name", "two weeks beside station 42R801")
    assert done.exit_code == 0, done.output
    assert "systemctl reload stoep-gateway" in done.output
    chosen = settings.load(site.config)
    held = load(site.file, chosen.calibration).holding(KID, START)[PM]
    assert (held.version, held.name) == (1, "two weeks beside station 42R801")
    truth = level(START)
    at_that = held.exactly(round(1.5 * truth + 2), 5000)
    assert float(at_that) == pytest.approx(truth, rel=0.06)
    again = site.compare("--apply", "--from", "2026-10-02T10:20:00Z")
    assert again.exit_code == 0, again.output
    assert "version 1 ends at 2026-10-02T10:15:00Z" in again.output
    book = load(site.file, chosen.calibration)
    moment = START + 86_400 + 10 * 3600 + 900
    assert (book.holding(KID, moment - 1)[PM].version, book.holding(KID, moment)[PM].version) == (1, 2)


def test_versions_are_listed_ended_and_taken_out(site: Site) -> None:
    assert site.compare("--apply").exit_code == 0
    assert "2026-10-01T00:00:00Z" in site.run("--show").output
    ended = site.run("--channel", "pm2_5", "--end", "1", "--until", "2026-10-20T00:00:00+02:00")
    assert "ends at 2026-10-19T22:00:00Z" in ended.output
    assert "2026-10-19T22:00:00Z" in site.run("--show").output
    assert "is gone" in site.run("--channel", "pm2_5", "--remove", "1").output
    assert "[[calibration]]" not in site.file.read_text()


REFUSED: dict[str, tuple[tuple[str, ...], str, int]] = {
    "nothing asked": ((), "what with? say --against FILE.csv", 1),
    "no channel": (("--against", "x.csv"), "which sensor? say --channel", 1),
    "counted": (("--channel", "motion_count", "--against", "x.csv"), "which sensor?", 1),
    "no file": (("--channel", "pm2_5", "--against", "x.csv"), "x.csv: cannot be read", 2),
    "no end": (("--channel", "pm2_5", "--end", "1"), "say --until", 1),
    "no version": (("--channel", "pm2_5", "--remove", "3"), "those there are: none", 1),
    "no time": (("--show", "--until", "tomorrow"), "write it as 2026-06-01T10:15:00Z", 2),
    "no zone": (("--show", "--from", "2026-06-01T10:15:00"), "write it as 2026-06-01T10:15:00Z", 2),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_said_in_a_line(site: Site, case: str) -> None:
    options, said, code = REFUSED[case]
    done = site.run(*options)
    assert said in " ".join(done.output.split())
    assert done.exit_code == code
    assert "Traceback" not in done.output


def test_a_time_of_which_the_store_holds_nothing_is_refused(site: Site) -> None:
    text = (site.folder / "station.csv").read_text()
    (site.folder / "station.csv").write_text(text.replace("2026-10-", "2026-08-"))
    done = site.compare()
    assert done.exit_code == 1
    assert "the store holds no pm2_5 of lamp-1 from 2026-08-01T00:00:00Z" in done.output


def test_an_unknown_node_is_met_with_a_guess(site: Site) -> None:
    done = CliRunner().invoke(cli.build(), ["calibrate", "lamp-2", "-c", str(site.config), "--show"])
    assert done.exit_code == 1
    assert "did you mean lamp-1?" in done.output


def test_without_matplotlib_the_fit_is_drawn_in_letters_and_it_says_what_to_install(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    done = site.compare()
    assert done.exit_code == 0, done.output
    assert "pip install 'stoep[plot]'" in done.output
    assert "┤" in done.output


def test_the_help_teaches(site: Site) -> None:
    said = " ".join(site.run("--help").output.split())
    for words in ("beside the node", "`pm2_5 (µg/m³)`", "systemctl reload", "--apply", "--show", "--remove"):
        assert words in said
    assert "calibrate lamp-1 --channel pm2_5 --against station.csv" in said
