"""Nodes come and go: the edits of `nodes.toml` and `secrets.toml` behind `stoep registry`.

What is to be written is checked as the service would check it, and only then put in the place of what is there. The two
files are replaced one after the other, so each state between must be right, too, and the same command does the rest:

- import: the secrets come first. Secrets without a node harm nobody; a node whose new secret is there and the rest of
  whose entry is old has a `made_at` before that of the hand-over.
- retire: first the node is marked `retired = [...]`, with the groups that end with it, and is believed no more; then
  its secrets go, then its entry. Each command that edits does the rest for whoever is marked.
"""

import contextlib
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from stoep.errors import RegistryError, SettingsError
from stoep.registry import atomic, handover, registry
from stoep.registry.groups import LampTable
from stoep.registry.roll import Roll
from stoep.settings import read_toml, require_private
from stoep.wire.channels import catalogue

_FEWEST_LAMPS = 2


class Outcome(Enum):
    """What became of a node or a group of a hand-over."""

    ADDED = "added"
    ROTATED = "new secret; the old one lives until the node uses the new one"
    COMPLETED = "its new secret was there, the rest is now"
    KNOWN = "known already, left as it is"
    OLDER = "older than what is known, left as it is"


@dataclass(frozen=True)
class Change:
    what: str
    name: str
    outcome: Outcome


@dataclass(frozen=True)
class Gone:
    """What went with a node: `leaving` lost a lamp, `ended` had too few left to be a group."""

    name: str
    kid: str
    leaving: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


class Files(NamedTuple):
    nodes: Path
    secrets: Path
    placed: bool = True


@contextlib.contextmanager
def editing(files: Files) -> Iterator["Draft"]:
    """A draft of the two files that nobody else of us edits meanwhile. Raises SettingsError, RegistryError."""
    folder = files.nodes.resolve().parent
    try:
        with atomic.alone(folder) as alone:
            if not alone:
                raise RegistryError(f"somebody else is changing the registry in {folder}; try again in a moment")
            yield Draft(files)
    except OSError as error:
        problem = f"cannot be changed ({error.strerror})"
        raise SettingsError(folder, "", problem, "run this as the gateway's user or as root") from error


class Draft:
    """The registry as it is to be. Nothing is in force before `write`."""

    def __init__(self, files: Files) -> None:
        require_private(files.secrets)
        self._files = files
        self._nodes, self._secrets = Roll(files.nodes), Roll(files.secrets)
        self.known = self._before = self._check()
        self._touched: set[bytes] = set()
        self._marked: str | None = None  # `nodes.toml` before the secrets go
        self._finished = self._finish()

    def _finish(self) -> list[Gone]:
        """Drafts the rest of what was begun by a `retire` that was killed."""
        finished = []
        for at, node in reversed(list(enumerate(self._nodes.content.get("node", ())))):
            if "retired" in node:
                self._remove(at, node, node["retired"])
                finished.append(Gone(node["name"], node["kid"], ended=tuple(node["retired"])))
        return finished

    def _remove(self, at: int, node: Mapping[str, Any], groups: Iterable[str]) -> None:
        self._nodes.drop("node", at)
        self._secrets.take("secrets", node["kid"])
        for group in groups:
            self._secrets.take("groups", group)

    def _check(self) -> registry.Known:
        nodes, secrets, placed = self._files
        return registry.check(nodes, self._nodes.content, secrets, self._secrets.content, placed=placed)

    def put(self, handed: handover.Handover) -> list[Change]:
        """What is new in it is drafted; the same twice changes nothing. Raises RegistryError, SettingsError."""
        self._touched |= {bytes.fromhex(node.kid) for node in handed.nodes}
        changes = [Change("node", node.name, self._put(node)) for node in handed.nodes]
        changes += [Change("group", group.name, self._put_group(group)) for group in handed.groups]
        self.known = self._check()
        return changes

    def _put(self, node: handover.Node) -> Outcome:
        kid, secret = bytes.fromhex(node.kid), bytes.fromhex(node.secret)
        known = self.known.nodes.get(kid)
        holder = next((other for other in self.known.nodes.values() if other.name == node.name), None)
        if holder is not None and holder.kid != kid:
            remedy = f"say `stoep registry retire {node.name}` first if it was replaced, or name the new one otherwise"
            raise RegistryError(f"{node.name} ({node.kid}) has the name of {holder.kid.hex()}; {remedy}")
        if known is None:
            self._nodes.add("node", {"kid": node.kid, **_content(node)})
            both = [node.secret.lower(), *([] if node.old_secret is None else [node.old_secret.lower()])]
            self._secrets.put("secrets", node.kid, both if len(both) > 1 else both[0])
            return Outcome.ADDED
        if secret == known.secret:
            return self._complete(node, known)
        if secret == known.old:
            return Outcome.OLDER
        if node.made_at is None:
            problem = f"{node.name} is known under another secret, and the hand-over does not say which is the newer"
            raise RegistryError(f"{problem}; commission it again, or `stoep registry retire {known.name}` first")
        if known.made_at is not None and node.made_at <= known.made_at:
            return Outcome.OLDER
        self._nodes.change("node", self._index("node", "kid", node.kid), _content(node))
        self._secrets.put("secrets", node.kid, [node.secret.lower(), known.secret.hex()])
        return Outcome.ROTATED

    def _complete(self, node: handover.Node, known: registry.Entry) -> Outcome:
        """A rotation that was killed after the first of the two files."""
        newer = node.made_at is not None and (known.made_at is None or known.made_at < node.made_at)
        if known.old is None or not newer:
            return Outcome.KNOWN
        self._nodes.change("node", self._index("node", "kid", node.kid), _content(node))
        return Outcome.COMPLETED

    def _put_group(self, group: handover.Group) -> Outcome:
        known = self.known.groups.get(group.name)
        if known is not None and known.secret != bytes.fromhex(group.secret):
            problem = f"there is a group {group.name} with another secret"
            raise RegistryError(f"{problem}; remove it from {self._files.nodes} first, or export without groups")
        if known is not None:
            return Outcome.KNOWN
        lamps = [{"node": lamp.node, "metres": lamp.metres} for lamp in group.lamps]
        self._nodes.add("group", {"name": group.name, "lamps": lamps})
        self._secrets.put("groups", group.name, group.secret.lower())
        return Outcome.ADDED

    def retire(self, name: str) -> Gone:
        """Without the node called so, or with this kid, its secrets, and its place in a lamp group.

        Also without the secrets of a kid that is no node any more.
        """
        for gone in self._finished:
            if name in {gone.name, gone.kid}:
                return gone
        if name in orphans(self._files, self.known):
            self._secrets.take("secrets", name)
            return Gone(name, name)
        entry = find(self.known, name)
        self._touched.add(entry.kid)
        leaving, ended = [], []
        for at, group in reversed(list(enumerate(self._nodes.content.get("group", ())))):
            lamps = [lamp["node"] for lamp in group["lamps"]]
            if entry.name not in lamps:
                continue
            if len(lamps) > _FEWEST_LAMPS:
                self._nodes.drop_lamp(at, lamps.index(entry.name))
                leaving.append(group["name"])
            else:
                self._nodes.drop("group", at)
                ended.append(group["name"])
        at = self._index("node", "kid", entry.kid.hex())
        self._nodes.change("node", at, {"retired": ended})
        self._marked = self._nodes.text
        self._remove(at, self._nodes.content["node"][at], ended)
        self.known = self._check()
        return Gone(entry.name, entry.kid.hex(), tuple(leaving), tuple(ended))

    def _index(self, table: str, key: str, value: str) -> int:
        return next(at for at, row in enumerate(self._nodes.content[table]) if row[key] == value)

    def write(self) -> None:
        """Puts the draft in force. Raises RegistryError, OSError."""
        touched = self._touched
        for kid, entry in self._before.nodes.items():
            if kid not in touched and self.known.nodes.get(kid) != entry:
                problem = f"{self._files.nodes} is written in a way that cannot be changed without harm to {entry.name}"
                raise RegistryError(f"{problem}; nothing was written, change it by hand")
        rolls = (self._secrets, self._nodes)
        for roll in rolls:
            if not roll.untouched():
                problem = f"{roll.file} was changed by somebody else meanwhile"
                raise RegistryError(f"{problem}; nothing was written, try again")
        if self._marked is not None:
            atomic.replace(self._nodes.file, self._marked.encode())
        for roll in rolls:
            if roll.text != roll.before:
                atomic.replace(roll.file, roll.text.encode())


def _content(node: handover.Node) -> dict[str, Any]:
    """What `nodes.toml` says of a node beside its kid; what the hand-over leaves open stays as it is."""
    told: dict[str, Any] = {"name": node.name, "kind": node.kind}
    if node.at is not None:
        told["at"] = list(node.at)
    if node.place is not None:
        told["place"] = node.place
    if node.settings:
        told["settings"] = dict(node.settings)
    if node.release is not None:
        told["release"] = node.release
    if node.made_at is not None:
        told["made_at"] = node.made_at.astimezone(UTC)
    return told


def orphans(files: Files, known: registry.Known) -> list[str]:
    """The kids that have secrets and are no nodes. Raises SettingsError."""
    written = read_toml(files.secrets).get("secrets", {}) if files.secrets.exists() else {}
    return sorted(set(written) - {kid.hex() for kid in known.nodes})


def find(known: registry.Known, name: str) -> registry.Entry:
    """The node called so, or with this kid. Raises RegistryError."""
    for entry in known.nodes.values():
        if name in {entry.name, entry.kid.hex()}:
            return entry
    close = difflib.get_close_matches(name, [entry.name for entry in known.nodes.values()], 1)
    remedy = f"did you mean {close[0]}?" if close else "`stoep registry list` names them"
    raise RegistryError(f"{name} is no node of this site; {remedy}")


def hand_over(known: registry.Known, names: Sequence[str], site: str) -> handover.Handover:
    """These nodes, or all, with the groups of which all lamps are among them. Raises RegistryError."""
    chosen = [find(known, name) for name in names] if names else list(known.nodes.values())
    kids = {entry.kid: entry.name for entry in chosen}
    groups = [group for group in known.groups.values() if all(lamp.kid in kids for lamp in group.lamps)]
    return handover.Handover(
        nodes=tuple(_handed(entry) for entry in chosen),
        groups=tuple(
            handover.Group(
                group.name,
                group.secret.hex(),
                tuple(LampTable(kids[lamp.kid], lamp.position / 10) for lamp in group.lamps),
            )
            for group in groups
        ),
        written_at=datetime.now(UTC).replace(microsecond=0),
        site=site,
    )


def _handed(entry: registry.Entry) -> handover.Node:
    names = {setting.id: setting.name for setting in catalogue().settings.values()}
    return handover.Node(
        kid=entry.kid.hex(),
        name=entry.name,
        kind=entry.kind,  # type: ignore[arg-type]  # the registry takes no other
        secret=entry.secret.hex(),
        made_at=entry.made_at,
        release=entry.release,
        settings={names[number]: value for number, value in entry.settings.items()},
        at=entry.at,
        place=entry.place,
        old_secret=None if entry.old is None else entry.old.hex(),
    )
