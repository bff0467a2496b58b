"""A slice of `make power-cuts`: the gateway's store after power cuts; and that the cuts find what they should."""

import itertools
import random
from pathlib import Path

import gateway_load
import gateway_power_cuts
import gateway_trace
import pytest
from gateway_disk import Cut, Disk
from gateway_trace import Event, Gone, Heard, Made, Said, Started, Synced, Wrote

SOME = 250
FEW = 40  # without a safeguard some of as many states are bad, two or three where the gap is narrow:
TIMES = 6  # that often others are looked at until one is found
SHORT = (15, 35)
KILLED = (gateway_load.UNTIL_KILLED, 10)
CHANCES = range(20)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_gateway_keeps_its_promises_wherever_the_power_is_cut() -> None:
    recording = gateway_power_cuts.record()
    found = gateway_power_cuts.cut(recording, SOME)
    assert found.failures == 0, found.findings
    assert found.states == SOME


@pytest.mark.slow
def test_what_a_killed_process_wrote_is_written_again_and_synced_before_the_next_one_says_anything() -> None:
    """The first run is killed in a sync; the next one reads what it wrote, and will call it durable."""
    events = gateway_power_cuts.record(rounds=KILLED).events
    _, second = [at for at, event in enumerate(events) if isinstance(event, Started)]
    left = Disk()
    for event in events[: second + 1]:
        left.apply(event)
    log = left.after(Cut.KEPT, random.Random(1))["stoep.db-wal"]
    then = events[second + 1 :]
    again = list(itertools.takewhile(lambda event: isinstance(event, Wrote), then))
    assert {event.name for event in again} == {"stoep.db-wal"}
    assert b"".join(event.data for event in again) == log
    assert then[len(again)] == Synced("stoep.db-wal")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param("off", ("acknowledged", "durable"), id="synchronous=OFF"),
        pytest.param("early", ("acknowledged", "durable"), id="acknowledged before the commit"),
        pytest.param("split", ("the window adds up",), id="windows and what they count in two transactions"),
        pytest.param("taken", ("was taken from the broker",), id="a command acknowledged before it is a row"),
    ],
)
def test_a_gateway_without_one_of_its_safeguards_is_found_out(kind: str, told: tuple[str, ...]) -> None:
    recording = gateway_power_cuts.record(rounds=SHORT, sabotage=kind)
    looks = (gateway_power_cuts.cut(recording, FEW, seed=seed) for seed in range(TIMES))
    found = next((look for look in looks if look.failures), None)
    assert found is not None
    assert any(word in finding for finding in found.findings for word in told), found.findings


def after(events: list[Event], cut: Cut) -> list[dict[str, bytes]]:
    """What may be left when the power is cut behind `events`."""
    disk = Disk()
    for event in events:
        disk.apply(event)
    return [disk.after(cut, random.Random(chance)) for chance in CHANCES]


@pytest.mark.parametrize("cut", Cut)
def test_what_was_synced_outlives_every_cut(cut: Cut) -> None:
    events = [Made("a"), Wrote("a", 0, b"x" * 4096), Synced("a"), Made("b"), Synced(""), Gone("b"), Synced("")]
    assert all(files == {"a": b"x" * 4096} for files in after(events, cut))


def test_what_was_not_synced_may_be_gone_there_torn_or_out_of_order() -> None:
    page = bytes(range(256)) * 16
    events = [Made("a"), Synced("a"), Wrote("a", 0, page), Wrote("a", 4096, page)]
    left = {cut: {files["a"] for files in after(events, cut)} for cut in (set(Cut) - {Cut.NAMELESS})}
    assert left[Cut.DROPPED] == left[Cut.EMPTY] == {b""}
    assert left[Cut.KEPT] == {page + page}
    assert left[Cut.PREFIX] == {b"", page, page + page}
    assert bytes(4096) + page in left[Cut.SOME]
    assert left[Cut.SIZES] == {bytes(8192)}
    assert any(len(content) % 512 for content in left[Cut.RIPPED])
    assert all(len(content) % 512 == 0 for content in left[Cut.TORN])


def test_a_name_that_was_not_synced_may_be_there_or_not() -> None:
    removed = [Made("a"), Wrote("a", 0, b"x"), Synced("a"), Gone("a")]
    assert {"a" in files for files in after(removed, Cut.SOME)} == {True, False}
    assert all("a" in files for files in after(removed, Cut.DROPPED))
    assert not any("a" in files for files in after(removed, Cut.KEPT))
    assert not any("a" in files for files in after([Made("a"), Wrote("a", 0, b"x")], Cut.DROPPED))


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def test_a_write_counts_from_its_begin_and_a_sync_from_its_end(tmp_path: Path) -> None:
    """A reply that is on its way while the sync still runs was given too early."""
    store, wal, port = (hexed(name) for name in ("/d/stoep.db", "/d/stoep.db-wal", "/dev/pts/9"))
    lines = [
        f'7  openat(AT_FDCWD</>, "{wal}", O_RDWR|O_CREAT, 0644) = 5<{wal}>',
        f'7  openat(AT_FDCWD</>, "{store}", O_RDWR|O_CREAT, 0644) = 6<{store}>',
        f"8  read(4<{port}>,  <unfinished ...>",
        f'7  pwrite64(5<{wal}>, "{hexed("page")}", 4, 32) = 4',
        f"7  fdatasync(5<{wal}> <unfinished ...>",
        f'8  <... read resumed>"{hexed("in")}", 64) = 2',
        f'8  write(4<{port}>, "{hexed("out")}", 3 <unfinished ...>',
        "7  <... fdatasync resumed>)         = 0",
        "8  <... write resumed>)              = 3",
        f'7  unlink("{wal}") = 0',
        f'7  unlink("{wal}") = -1 ENOENT (No such file or directory)',
    ]
    trace = tmp_path / "trace"
    trace.write_text("\n".join(lines) + "\n")
    name = "stoep.db-wal"
    assert gateway_trace.read(trace, Path("/d/stoep.db"), "/dev/pts/9", 0, {"stoep.db"}) == [
        *(Started(), Made(name), Wrote(name, 32, b"page"), Heard(b"in"), Said(b"out"), Synced(name), Gone(name)),
    ]
