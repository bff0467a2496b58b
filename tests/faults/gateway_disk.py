"""A disk with a volatile cache, as POSIX lets it be: what was not synced may be there after a power cut, or not.

Data is on the disk once its file was synced. A name made or removed is on the disk once its folder was synced; a new
file's name also with the first sync of the file, as ext4 does it. Until then anything may be true of it, in any order.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from gateway_trace import Allowed, Event, Gone, Made, Renamed, Resized, Synced, Wrote

SECTOR = 512
Change = Wrote | Resized
Naming = tuple[tuple[str, int | None], ...]  # in one step each of these names means this file now, or nothing


class Cut(Enum):
    """What became of everything that was not synced."""

    DROPPED = "nothing unsynced is there"
    KEPT = "all is there"
    PREFIX = "the first of it is there"
    TORN = "the first of it, the last write torn between sectors"
    RIPPED = "the first of it, the last write torn within a sector"
    SOME = "some of it is there"
    SECTORS = "some sectors of it are there"
    SIZES = "files have grown, but hold zeros"
    NAMELESS = "data is there, names are as they were"
    EMPTY = "names are there, data is not"


def _put(content: bytearray, change: Change) -> None:
    if isinstance(change, Resized):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
        return
    content.extend(bytes(max(0, change.at - len(content))))
    content[change.at : change.at + len(change.data)] = change.data


@dataclass
class _File:
    now: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    modes: int = 0  # every bit that it ever had

    def change(self, change: Change) -> None:
        _put(self.now, change)
        self.pending.append(change)

    def sync(self) -> None:
        for change in self.pending:
            _put(self.synced, change)
        self.pending.clear()


def _sectors(change: Change) -> list[Change]:
    if isinstance(change, Resized):
        return [change]
    pieces: list[Change] = []
    at, data = change.at, change.data
    while data:
        size = SECTOR - at % SECTOR
        pieces.append(Wrote(change.name, at, data[:size]))
        at, data = at + size, data[size:]
    return pieces


def _torn(change: Change, chance: random.Random, *, within: bool) -> list[Change]:
    if isinstance(change, Resized) or len(change.data) < 2:
        return []
    if within:
        return [change._replace(data=change.data[: chance.randrange(1, len(change.data))])]
    pieces = _sectors(change)
    return pieces[: chance.randrange(len(pieces))]


def _grown(change: Change) -> Change:
    return change if isinstance(change, Resized) else change._replace(data=b"")


def _surviving(cut: Cut, pending: list[Change], chance: random.Random) -> list[Change]:
    """What of `pending` reached the disk."""
    first = chance.randrange(len(pending) + 1)
    torn = pending[first] if first < len(pending) else None
    choose: dict[Cut, Callable[[], list[Change]]] = {
        Cut.DROPPED: list,
        Cut.EMPTY: list,
        Cut.KEPT: lambda: pending,
        Cut.NAMELESS: lambda: pending,
        Cut.PREFIX: lambda: pending[:first],
        Cut.TORN: lambda: pending[:first] + (_torn(torn, chance, within=False) if torn else []),
        Cut.RIPPED: lambda: pending[:first] + (_torn(torn, chance, within=True) if torn else []),
        Cut.SOME: lambda: [change for change in pending if chance.random() < 0.5],
        Cut.SECTORS: lambda: [piece for change in pending for piece in _sectors(change) if chance.random() < 0.7],
        Cut.SIZES: lambda: [_grown(change) for change in pending],
    }
    return choose[cut]()


class Disk:
    """One folder, as that of the store."""

    def __init__(self) -> None:
        self._files: list[_File] = []
        self._names: dict[str, int] = {}
        self._synced_names: dict[str, int] = {}
        self._pending_names: list[Naming] = []

    def apply(self, event: Event) -> None:
        if isinstance(event, Made):
            self._files.append(_File(modes=event.mode))
            self._name(((event.name, len(self._files) - 1),))
        elif isinstance(event, Gone):
            self._name(((event.name, None),))
        elif isinstance(event, Renamed):
            self._name(((event.old, None), (event.name, self._names[event.old])))
        elif isinstance(event, Allowed):
            self._files[self._names[event.name]].modes |= event.mode
        elif isinstance(event, Synced):
            self._sync(event.name)
        elif isinstance(event, Wrote | Resized):
            self._files[self._names[event.name]].change(event)

    def pending(self) -> int:
        """How many changes of data and names may be lost."""
        return len(self._pending_names) + sum(len(file.pending) for file in self._files)

    def now(self) -> dict[str, bytes]:
        """The files as programs see them."""
        return {name: bytes(self._files[number].now) for name, number in self._names.items()}

    def modes(self) -> dict[str, int]:
        """Of each name what its file lets anybody do, in the worst case: a mode outlives a cut or does not."""
        loosest = {name: self._files[number].modes for name, number in self._synced_names.items()}
        for name, number in (one for naming in self._pending_names for one in naming):
            if number is not None:
                loosest[name] = loosest.get(name, 0) | self._files[number].modes
        return loosest

    def after(self, cut: Cut, chance: random.Random) -> dict[str, bytes]:
        """The files as a power cut now may leave them."""
        names = dict(self._synced_names)
        for naming in self._names_surviving(cut, chance):
            _set(names, naming)
        return {name: self._content(self._files[number], cut, chance) for name, number in sorted(names.items())}

    @staticmethod
    def _content(file: _File, cut: Cut, chance: random.Random) -> bytes:
        content = file.synced.copy()
        for change in _surviving(cut, file.pending, chance):
            _put(content, change)
        if cut is Cut.SIZES:
            content.extend(bytes(max(0, len(file.now) - len(content))))
        return bytes(content)

    def _names_surviving(self, cut: Cut, chance: random.Random) -> list[Naming]:
        if cut in {Cut.DROPPED, Cut.NAMELESS}:
            return []
        if cut in {Cut.SOME, Cut.SECTORS}:
            return [naming for naming in self._pending_names if chance.random() < 0.5]
        return self._pending_names

    def _name(self, naming: Naming) -> None:
        _set(self._names, naming)
        self._pending_names.append(naming)

    def _sync(self, name: str) -> None:
        if not name:
            for naming in self._pending_names:
                _set(self._synced_names, naming)
            self._pending_names.clear()
            return
        number = self._names[name]
        self._files[number].sync()
        made = ((name, number),)
        if made in self._pending_names:  # what came before it under this name came before it on the disk
            earlier = self._pending_names[: self._pending_names.index(made) + 1]
            for naming in earlier:
                if any(named == name for named, _ in naming):
                    _set(self._synced_names, naming)
                    self._pending_names.remove(naming)


def _set(names: dict[str, int], naming: Naming) -> None:
    for name, number in naming:
        if number is None:
            names.pop(name, None)
        else:
            names[name] = number
