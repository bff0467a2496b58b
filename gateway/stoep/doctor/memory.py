"""Whether what is kept outlives a reboot: with a read-only root the store's folder may lie in memory unnoticed."""

from pathlib import Path
from typing import NamedTuple

from stoep.doctor.finding import Finding, good, trouble, unknown
from stoep.doctor.machine import Machine

_IN_MEMORY = {"tmpfs", "ramfs"}
_REMEDY = "mount a partition there; under Raspberry Pi OS's overlay say overlayroot=tmpfs:recurse=0 (README, On the Pi)"


class _Mount(NamedTuple):
    place: Path
    kind: str
    options: dict[str, str]


def look(machine: Machine, folder: Path) -> Finding:
    """By the mount that `folder` lies on (proc(5), mountinfo); of an overlay, by where its upper side lies."""
    mounts = _mounts(machine.read("/proc/self/mountinfo") or "")
    found = _of(mounts, folder.resolve())
    if found is None:
        return unknown("kept", f"nobody says what {folder} lies on")
    kind = found.kind
    if kind == "overlay":
        upper = _of(mounts, Path(found.options.get("upperdir", "/")))
        if upper is None or upper.place == Path("/"):
            return unknown("kept", f"{folder} lies on an overlay, and where that writes cannot be seen from here")
        kind = upper.kind
    if kind in _IN_MEMORY:
        return trouble("kept", f"{folder} lies in memory: a reboot forgets the store", _REMEDY)
    return good("kept", f"{folder} lies on {kind}, and outlives a reboot")


def _mounts(text: str) -> list[_Mount]:
    found = []
    for line in text.splitlines():
        fields, _, kind = line.partition(" - ")
        place = fields.split()[4]
        name, _, *options = kind.split()
        pairs = (one.partition("=") for one in ",".join(options).split(","))
        found.append(_Mount(Path(place), name, {key: value for key, _, value in pairs}))
    return found


def _of(mounts: list[_Mount], place: Path) -> _Mount | None:
    """The last one mounted on the nearest folder above."""
    above = [mount for mount in mounts if place.is_relative_to(mount.place)]
    return max(reversed(above), key=lambda mount: len(mount.place.parts), default=None)
