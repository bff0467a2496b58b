"""What the gateway asked of the system, as strace wrote it down: the store's files, the bridge's port, the broker.

A write stands where it was begun, a sync and a read where they ended: so whatever stands before an event in this list
may have happened by then, and a sync that stands before it has.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

CALLS = (
    *("openat", "pwrite64", "pwritev", "write", "writev", "ftruncate", "fallocate", "fsync", "fdatasync"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "read", "sendto", "recvfrom"),
)
FAST = ("--seccomp-bpf",)  # nobody waits for calls that are not recorded
KILL = ("-e", "inject=fdatasync:signal=KILL:when=30")  # in a thread's 30th sync, a start makes 22; not with FAST
REMEDY = "strace is missing, it records what the gateway writes: apt-get install strace"
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_UNFINISHED = " <unfinished ...>"
_RESULT = re.compile(r"\) += (-?\d+)[^=]*$")
_ON = re.compile(r"\d+<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_AT = re.compile(r", (\d+)$")
_AFTER = ("fsync", "fdatasync", "read", "recvfrom")  # calls that count from their end
_KEPT = ("", "-wal", "-journal")  # behind the store's name: its files that are on the disk after a power cut


class Started(NamedTuple):
    """The gateway was started, perhaps again."""


class Made(NamedTuple):
    name: str
    mode: int = 0  # where it matters


class Gone(NamedTuple):
    name: str


class Renamed(NamedTuple):
    old: str
    name: str


class Allowed(NamedTuple):
    """The file has another mode."""

    name: str
    mode: int


class Wrote(NamedTuple):
    name: str
    at: int
    data: bytes


class Resized(NamedTuple):
    name: str
    size: int


class Synced(NamedTuple):
    """A file; with the name "" the folder."""

    name: str


class Heard(NamedTuple):
    """From the bridge."""

    data: bytes


class Said(NamedTuple):
    """To the bridge."""

    data: bytes


class Sent(NamedTuple):
    """To the broker."""

    connection: str
    data: bytes


class Got(NamedTuple):
    """From the broker."""

    connection: str
    data: bytes


Filed = Made | Gone | Renamed | Allowed | Wrote | Resized | Synced
Event = Started | Filed | Heard | Said | Sent | Got
ON_DISK = (Made, Gone, Wrote, Resized, Synced)


class Call(NamedTuple):
    name: str
    text: str  # arguments
    result: int | None  # None: it was under way when the process ended

    def texts(self) -> list[bytes]:
        found = []
        for hexed, cut in _TEXT.findall(self.text):
            assert not cut, "strace shortened a string"
            found.append(_bytes(hexed))
        return found

    def on(self) -> str:
        """The path of the file that is the first argument."""
        on = _ON.match(self.text)
        return "" if on is None else _bytes(on[1]).decode()


def _bytes(hexed: str) -> bytes:
    return bytes.fromhex(hexed.replace("\\x", ""))


def command(trace: Path, *more: str, calls: tuple[str, ...] = CALLS) -> list[str]:
    """What goes before the command that is to be recorded; `more` are strace's own options."""
    strace = shutil.which("strace")
    if strace is None:
        raise FileNotFoundError(REMEDY)
    options = ["-f", "-qq", "-y", "-xx", "-s", "1000000", "-e", "signal=none"]
    return [strace, *options, "-e", "trace=" + ",".join(calls), *more, "-o", str(trace)]


def _calls(lines: Iterable[str]) -> Iterator[tuple[int, Call]]:
    """Each call with the number of the line from which it counts, in no particular order."""
    open_calls: dict[str, tuple[int, str, str]] = {}
    for number, line in enumerate(line.rstrip("\n") for line in lines):
        if begun := _BEGUN.match(line):
            thread, name, text = begun.groups()
            if text.endswith(_UNFINISHED):
                open_calls[thread] = (number, name, text.removesuffix(_UNFINISHED))
                continue
            since = number
        elif resumed := _RESUMED.match(line):
            thread, rest = resumed.groups()
            since, name, text = open_calls.pop(thread)
            text += rest
        else:
            continue
        result = _RESULT.search(text)
        if result is not None:
            code = int(result[1])
            yield number if name in _AFTER else since, Call(name, text[: result.start()], code)
        else:  # " = ?": the process ended in it
            yield since, Call(name, re.sub(r"\) += \?.*$", "", text), None)
    yield from ((since, Call(name, text, None)) for since, name, text in open_calls.values())


def told(trace: Path) -> list[Call]:
    """All calls, in the order in which they count."""
    with trace.open(encoding="ascii", errors="replace") as lines:
        return [call for _, call in sorted(_calls(lines), key=lambda numbered: numbered[0])]


class _Reader:
    def __init__(self, store: Path, port: str, run: int, existing: set[str]) -> None:
        self._folder = str(store.parent)
        self._names = {str(store) + end: store.name + end for end in _KEPT}
        self._port = port
        self._run = run
        self._existing = existing  # of the store's files

    def event(self, call: Call) -> Event | None:
        if call.name == "openat":
            return self._opened(call)
        if call.name.startswith(("unlink", "rename")):
            return self._unlinked(call)
        path = call.on()
        if path == self._folder and call.name in {"fsync", "fdatasync"}:
            return Synced("") if call.result == 0 else None
        if path in self._names:
            return self._stored(self._names[path], call)
        if path == self._port:
            return self._spoken(call)
        if path.startswith("socket:") and call.name in {"sendto", "recvfrom"}:
            return self._sent(f"{self._run} {path}", call)
        return None

    def _opened(self, call: Call) -> Event | None:
        name = self._names.get(call.texts()[0].decode())
        if name is None or "O_CREAT" not in call.text or name in self._existing or (call.result or 0) < 0:
            return None
        self._existing.add(name)
        return Made(name)

    def _unlinked(self, call: Call) -> Event | None:
        paths = [path.decode() for path in call.texts()]
        if not any(path in self._names for path in paths) or (call.result or 0) < 0:
            return None
        assert call.name.startswith("unlink"), f"{call.name} of one of the store's files is not modelled"
        self._existing.discard(self._names[paths[0]])
        return Gone(self._names[paths[0]])

    @staticmethod
    def _stored(name: str, call: Call) -> Event | None:
        if call.name in {"fsync", "fdatasync"}:
            return Synced(name) if call.result == 0 else None
        if call.name == "read":
            return None
        at = _AT.search(call.text)
        assert at is not None, f"{call.name} on a file of the store is not modelled"
        if call.name == "ftruncate":
            return Resized(name, int(at[1]))
        assert call.name == "pwrite64", f"{call.name} on a file of the store is not modelled"
        data = call.texts()[0]
        return Wrote(name, int(at[1]), data if call.result is None else data[: max(0, call.result)])

    @staticmethod
    def _spoken(call: Call) -> Event | None:
        texts = call.texts()
        if not texts or (call.result is not None and call.result <= 0):
            return None
        if call.name == "read":
            return Heard(texts[0])
        assert call.name == "write", f"{call.name} on the bridge's port is not modelled"
        return Said(texts[0][: call.result])

    @staticmethod
    def _sent(connection: str, call: Call) -> Event | None:
        texts = call.texts()
        if not texts or (call.result is not None and call.result <= 0):
            return None
        if call.name == "sendto":
            return Sent(connection, texts[0][: call.result])
        return Got(connection, texts[0])


def read(trace: Path, store: Path, port: str, run: int, existing: set[str]) -> list[Event]:
    """The events of one run; `existing` names the store's files that are there, and is brought up to date."""
    reader = _Reader(store, port, run, existing)
    found = (reader.event(call) for call in told(trace))
    return [Started(), *(event for event in found if event is not None)]
