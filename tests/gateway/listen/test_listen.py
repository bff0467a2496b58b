"""A city's first consumer: it takes what a gateway says, and says what no gateway may."""

import copy
import csv
import io
import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from rich.console import Console

from gateway_rig import MORNING
from listened import SITE, Document, published_by_a_gateway
from stoep.cli.listen import _enough
from stoep.listen import show, table
from stoep.listen.account import Account
from stoep.listen.windows import Where, Windows


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    return published_by_a_gateway(tmp_path_factory.mktemp("gateway"))


@pytest.fixture
def account() -> Account:
    return Account()


def take(account: Account, document: Document, what: str = "bin-1/window", now: float = MORNING) -> tuple[str, ...]:
    return account.take(f"{SITE}/{what}", json.dumps(document).encode(), retained=False, now=now).wrong


def with_(document: Document, **changes: Any) -> Document:
    return {**copy.deepcopy(document), **changes}


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_what_a_gateway_says_is_all_right(account: Account, windows: list[Document]) -> None:
    for document in windows:
        assert take(account, document, now=MORNING + 3600) == ()
    assert take(account, windows[1]) == ()  # a broker may say it twice
    assert not account.wrong
    assert not account.unknown
    told = account.windows
    assert (len(told.highest), told.revised, told.redelivered, told.backlog) == (3, 1, 1, 0)
    assert [one["revision"] for one in told.highest.values()] == [2, 1, 1]
    assert list(told.gaps()) == []


def test_a_number_means_one_thing(account: Account, windows: list[Document]) -> None:
    take(account, windows[0])
    channels = with_(windows[0])["channels"]
    channels["temperature"]["mean"] += 1
    (wrong,) = take(account, with_(windows[0], channels=channels))
    assert wrong == "2026-06-01T06:00:00Z: generation 1, revision 1 means two things"
    assert take(account, with_(windows[0], backlog=True)) == ()  # the same, sent another way


def test_revisions_only_rise(account: Account, windows: list[Document]) -> None:
    take(account, windows[3])
    (wrong,) = take(account, windows[0])
    assert wrong == "2026-06-01T06:00:00Z: generation 1, revision 1 comes after generation 1, revision 2"
    assert account.windows.highest[Where("c0ffee01", round(MORNING))]["revision"] == 2
    assert take(account, with_(windows[0], generation=2)) == ()


def test_a_partial_window_takes_no_whole_ones_place(windows: list[Document]) -> None:
    kept = Windows()
    assert kept.take(windows[0]) is None
    assert kept.take(with_(windows[0], partial=True, generation=2)) is None
    (highest,) = kept.highest.values()
    assert not highest["partial"]
    other = Windows()
    assert other.take(with_(windows[0], partial=True)) is None
    assert other.take(with_(windows[0], revision=2)) is None
    assert [one["partial"] for one in other.highest.values()] == [False]


def test_windows_that_are_missing_are_told(account: Account, windows: list[Document]) -> None:
    take(account, windows[0])
    take(account, windows[2])
    assert list(account.windows.gaps()) == [("bin-1", round(MORNING) + 900, 1)]
    assert not account.wrong
    take(account, with_(windows[1], backlog=True))
    assert list(account.windows.gaps()) == []
    assert account.windows.backlog == 1


def test_how_late_windows_are_is_told_of_those_that_are_live(account: Account, windows: list[Document]) -> None:
    assert account.delays() is None
    take(account, windows[0], now=MORNING + 900 + 70)
    take(account, windows[1], now=MORNING + 1800 + 90)
    take(account, with_(windows[2], backlog=True), now=MORNING + 90_000)
    take(account, windows[3], now=MORNING + 90_000)
    assert account.delays() == (80, 90)


# -- schemas and sums --------------------------------------------------------------------------------------------------


def test_what_is_not_as_its_schema_says_is_told_with_topic_and_field(account: Account, windows: list[Document]) -> None:
    channels = with_(windows[0])["channels"]
    channels["temperature"]["unit"] = "K"
    assert take(account, with_(windows[0], channels=channels)) == ('channels.temperature.unit: "°C" was expected',)
    assert take(account, windows[0], "bin-2/window") == ("node: is 'bin-1', the topic says 'bin-2'",)
    assert take(account, windows[0], "bin-1/mood") == ("is no topic of asyncapi.json",)
    assert len(account.windows.highest) == 0
    assert account.wrong.total() == 3
    assert f'{SITE}/bin-1/window: channels.temperature.unit: "°C" was expected' in account.wrong


def test_what_a_newer_gateway_adds_is_a_note_and_no_fault(account: Account, windows: list[Document]) -> None:
    assert take(account, with_(windows[0], sunshine=3)) == ()
    assert account.unknown == {"window: sunshine": 1}
    assert len(account.windows.highest) == 1
    assert not account.wrong


LEDGER = {"expected": 9, "delivered": 6, "kept": 1, "lost": {"full": 1}, "owed": 1, "presumed": 1, "published": 6}


def receipt(**changes: Any) -> Document:
    total = {**LEDGER, "late": 0, "duplicate": 0, **changes}
    head = {"site": "grote-markt", "day": "2026-06-01", "generation": 1, "revision": 1}
    return {**head, "total": total, "nodes": [{"node": "bin-1", "kid": "c0ffee01", "kind": "bin", **total}]}


def test_a_receipt_adds_up_and_explains_what_is_lost(account: Account) -> None:
    assert take(account, receipt(), "ledger") == ()
    assert take(account, with_(receipt(kept=2), revision=2), "ledger") == (
        "2026-06-01, all: expected is not delivered + kept + lost + owed",
        "2026-06-01, bin-1: expected is not delivered + kept + lost + owed",
    )
    unexplained = take(account, with_(receipt(lost={"unexplained": 1}), revision=3), "ledger")
    assert "2026-06-01, all: 1 samples are lost, and nobody knows why" in unexplained
    assert take(account, receipt(late=1), "ledger")[0].endswith("revision 1 means two things")


# -- as a table --------------------------------------------------------------------------------------------------------


def kept(windows: list[Document]) -> Windows:
    told = Windows()
    for document in windows:
        told.take(document)
    return told


def test_csv_has_a_row_for_each_channel_at_its_highest_revision(windows: list[Document], tmp_path: Path) -> None:
    file = tmp_path / "street.csv"
    table.write_csv(file, table.rows(kept(windows).highest))
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 3 * 6
    first = {name: value for name, value in rows[0].items() if value}
    assert first == {
        "site": "grote-markt",
        "node": "bin-1",
        "kid": "c0ffee01",
        "kind": "bin",
        "start": "2026-06-01T06:00:00Z",
        "seconds": "900",
        "generation": "1",
        "revision": "2",
        "partial": "False",
        "backlog": "False",
        "channel": "temperature",
        "unit": "°C",
        "count": "3",
        "expected": "1",
        "rejected": "0",
        "min": "18.53",
        "mean": "18.53",
        "max": "18.53",
        "last": "18.53",
        "flag": "1",
        "reason": "in range",
        "time_quality": "interpolated",
    }
    assert list(rows[0]) == list(table.COLUMNS)
    assert [path.name for path in tmp_path.iterdir()] == ["street.csv"]


def test_parquet_says_the_same_with_types(windows: list[Document], tmp_path: Path) -> None:
    file = tmp_path / "street.parquet"
    corrected = with_(windows[1])
    corrected["channels"]["temperature"] |= {
        "mean": 17.5,
        "raw": {"min": 18.53, "mean": 18.53, "max": 18.53, "last": 18.53},
        "correction": {"version": 2, "name": "beside the city's"},
    }
    table.write_parquet(file, table.rows(kept([windows[0], corrected]).highest))
    rows = parquet.read_table(file).to_pylist()
    assert len(rows) == 2 * 6
    assert rows[0]["start"] == datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
    assert (rows[0]["mean"], rows[0]["raw_mean"], rows[0]["sum"], rows[0]["partial"]) == (18.53, None, None, False)
    assert (rows[6]["mean"], rows[6]["raw_mean"], rows[6]["correction_version"]) == (17.5, 18.53, 2)
    table.write_parquet(file, [])
    assert parquet.read_table(file).num_rows == 0


def test_a_file_that_cannot_be_written_and_a_missing_package_are_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(table.TableError, match=r"nowhere/street.csv cannot be written .*; name a file in a folder"):
        table.write_csv(tmp_path / "nowhere" / "street.csv", [])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(table.TableError, match=r"say: pip install 'stoep\[listen\]', or use --csv"):
        table.require_parquet()


# -- for people --------------------------------------------------------------------------------------------------------


def test_a_window_is_one_line_with_units_and_flags(account: Account, windows: list[Document]) -> None:
    channels = with_(windows[0])["channels"]
    channels["humidity"]["quality"] = {"flag": 4, "reason": "out of range"}
    payload = json.dumps(with_(windows[3], channels=channels, backlog=True)).encode()
    heard = account.take(f"{SITE}/bin-1/window", payload, retained=False, now=MORNING)
    line = show.line(heard).plain
    assert line.startswith("2026-06-01 06:00  bin-1  temperature 18.53 °C  humidity 55.12 % [4: out of range]  ")
    assert line.endswith("  revision 2  backlog")
    assert account.flagged == {"humidity: out of range": 1}


def summed_up(account: Account) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(show.summary(account))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_clock_that_differs_by_days_is_told_instead_of_a_delay(account: Account, windows: list[Document]) -> None:
    take(account, windows[0], now=MORNING + 900 + 40 * 86_400)
    assert "the gateway's clock and this one are 40.0 days apart" in summed_up(account)


def test_the_summary_says_what_was_wrong_and_what_is_missing(account: Account, windows: list[Document]) -> None:
    take(account, windows[0])
    take(account, with_(windows[2], sunshine=1))
    take(account, with_(windows[0], seconds=600))
    said = summed_up(account)
    assert "1 windows: bin-1 1 from 2026-06-01 06:15" in said
    assert "1 × window: sunshine" in said
    assert f"1 × {SITE}/bin-1/window: seconds: 900 was expected" in said
    assert "1 messages are wrong" in said


def test_the_first_signal_ends_it_and_a_second_one_ends_the_process() -> None:
    before = signal.getsignal(signal.SIGINT)
    with _enough(None) as enough:
        assert not enough()
        signal.raise_signal(signal.SIGINT)
        assert enough()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is before
