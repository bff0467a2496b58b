"""Which nodes and lamp groups belong to the site: names in `nodes.toml`, secrets in `secrets.toml`.

The files are looked at again while the service runs, so that retiring a node takes effect within seconds; a file that
turned wrong leaves the last good state in force.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from stoep.errors import SettingsError
from stoep.registry.groups import Group, GroupTable
from stoep.registry.groups import read as read_groups
from stoep.settings import Findings, Name, Strict, convert, read_toml, require_private
from stoep.wire.channels import catalogue
from stoep.wire.checks import Override, flaws

_KID = re.compile(r"^[0-9a-f]{8}$")
_LIVE = 2  # secrets of a node at the most
_TRIES = 20  # of reading two files of which one is replaced meanwhile
_SECRET = re.compile(r"^[0-9a-fA-F]{64}$")
_log = logging.getLogger(__name__)

Kind = Literal["bench", "bin", "lamppost"]
At = tuple[Annotated[float, msgspec.Meta(ge=-90, le=90)], Annotated[float, msgspec.Meta(ge=-180, le=180)]]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[^\n\r]*$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Entry(Strict, frozen=True):
    kid: str
    name: Name
    kind: Kind
    settings: dict[str, int] = {}  # noqa: RUF012 -- msgspec copies a default
    quality: dict[str, Override] = {}  # noqa: RUF012
    at: At | None = None
    place: Line | None = None
    release: Line | None = None
    made_at: Moment | None = None
    retired: tuple[Name, ...] | None = None  # half gone (see enrol.py), with the groups that end with it


class _Nodes(Strict, frozen=True):
    node: tuple[_Entry, ...] = ()
    group: tuple[GroupTable, ...] = ()


class _Secrets(Strict, frozen=True):
    secrets: dict[str, str | tuple[str, ...]] = {}  # noqa: RUF012 -- msgspec copies a default
    groups: dict[str, str] = {}  # noqa: RUF012


@dataclass(frozen=True)
class Entry:
    """A commissioned node; its secrets never show in a log.

    `old` is the secret before this one, while a rotation is under way. `at` is degrees north and east, `made_at` when
    the secret was made, `release` the firmware's that the node was flashed with.
    """

    kid: bytes
    name: str
    kind: str
    secret: bytes = field(repr=False)
    settings: Mapping[int, int] = field(default_factory=dict)  # as the node shall be, by id; none: as it is
    old: bytes | None = field(default=None, repr=False)
    at: tuple[float, float] | None = None
    place: str | None = None
    release: str | None = None
    made_at: datetime | None = None
    quality: Mapping[int, Override] = field(default_factory=dict)  # what its readings are tested for, by channel


def read_kid(file: Path, key: str, text: str) -> bytes:
    if not _KID.match(text):
        raise SettingsError(file, f"{key} = {text!r}", "is not a kid", "write its 8 hex digits, lower case")
    return bytes.fromhex(text)


def _secrets(file: Path, raw: dict[str, Any]) -> tuple[dict[bytes, tuple[bytes, ...]], dict[str, bytes]]:
    """Of the nodes by kid, the newest first; of the groups by name."""
    written = convert(file, raw, _Secrets, secret=True)
    nodes: dict[bytes, tuple[bytes, ...]] = {}
    owners: dict[bytes, str] = {}
    for text, told in written.secrets.items():
        kid, listed = read_kid(file, "secrets", text), (told,) if isinstance(told, str) else told
        key = f"secrets.{text}"
        if not 1 <= len(listed) <= _LIVE:
            remedy = "write the new one, or the new one and the one before it"
            raise SettingsError(file, key, f"has {len(listed)} secrets", remedy)
        nodes[kid] = tuple(read_secret(file, key, secret, "commission the node again") for secret in listed)
        for secret in nodes[kid]:
            if secret in owners:  # two nodes under one key would use the same nonces
                problem = "has a secret twice" if owners[secret] == text else f"has the secret of {owners[secret]}"
                raise SettingsError(file, key, problem, "commission the node again: each has a secret of its own")
            owners[secret] = text
    remedy = "write those of `openssl rand -hex 32`"
    return nodes, {name: read_secret(file, f"groups.{name}", text, remedy) for name, text in written.groups.items()}


def read_secret(file: Path, key: str, text: str, remedy: str) -> bytes:
    if not _SECRET.match(text):
        raise SettingsError(file, key, "is not a secret of 64 hex digits", remedy)
    return bytes.fromhex(text)


def read_settings(file: Path, key: str, settings: Mapping[str, int]) -> dict[int, int]:
    known = catalogue().settings
    for name, value in settings.items():
        setting = known.get(name)
        if setting is None:
            raise SettingsError(file, f"{key}.{name}", "is no setting of a node", f"use some of {', '.join(known)}")
        if not setting.lowest <= value <= setting.highest:
            problem = f"is not within {setting.lowest} and {setting.highest}"
            raise SettingsError(file, f"{key}.{name} = {value}", problem, "write a number that is")
    return {known[name].id: value for name, value in settings.items()}


def read_quality(file: Path, key: str, quality: Mapping[str, Override]) -> dict[int, Override]:
    known = {channel.name: channel for channel in catalogue().channels.values()}
    findings = Findings()
    for name, override in quality.items():
        with findings.noting():
            channel = known.get(name)
            if channel is None:
                raise SettingsError(file, f"{key}.{name}", "is no channel", f"use some of {', '.join(known)}")
            span = channel.value(channel.lowest), channel.value(channel.highest)
            for own, flaw in flaws(override.over(channel.checks), *span):
                raise SettingsError(file, f"{key}.{name}.{own}", flaw, "correct the two numbers")
    findings.settle()
    return {known[name].id: override for name, override in quality.items()}


class Known(NamedTuple):
    """What the two files say: nodes by kid, groups by name."""

    nodes: dict[bytes, Entry]
    groups: dict[str, Group]


def load(nodes: Path, secrets: Path, *, placed: bool = True) -> Known:
    """The nodes of the site and its lamp groups; `placed`: whether the site knows where it is. Raises SettingsError.

    Who replaces the two files in between is waited for: one of before and one of after need not fit together.
    """
    for _ in range(_TRIES):
        seen = _stamps(nodes, secrets)
        try:
            known = _load(nodes, secrets, placed=placed)
        except SettingsError:
            if seen == _stamps(nodes, secrets):
                raise
        else:
            if seen == _stamps(nodes, secrets):
                return known
    return _load(nodes, secrets, placed=placed)


def _stamps(*files: Path) -> tuple[tuple[int, ...] | None, ...]:
    """Others when a file is another."""
    stamps: list[tuple[int, ...] | None] = []
    for file in files:
        try:
            stat = file.stat()
            stamps.append((stat.st_ino, stat.st_mtime_ns, stat.st_size, stat.st_mode))
        except OSError:
            stamps.append(None)
    return tuple(stamps)


def _load(nodes: Path, secrets: Path, *, placed: bool) -> Known:
    findings = Findings()
    raw_nodes, raw_secrets = dict[str, Any](), dict[str, Any]()
    with findings.noting():
        require_private(secrets)
        raw_secrets = read_toml(secrets)
    with findings.noting():
        raw_nodes = read_toml(nodes)
    findings.settle()
    return check(nodes, raw_nodes, secrets, raw_secrets, placed=placed)


def check(
    nodes: Path, raw_nodes: dict[str, Any], secrets: Path, raw_secrets: dict[str, Any], *, placed: bool = True
) -> Known:
    """What the files say, or would say with these contents. Raises SettingsError."""
    findings = Findings()
    known, of_groups, written = dict[bytes, tuple[bytes, ...]](), dict[str, bytes](), _Nodes()
    with findings.noting():
        known, of_groups = _secrets(secrets, raw_secrets)
    with findings.noting():
        written = convert(nodes, raw_nodes, _Nodes)
    findings.settle()
    entries: dict[bytes, Entry] = {}
    names: dict[str, str] = {}
    for index, node in enumerate(written.node):
        with findings.noting():
            kid = read_kid(nodes, f"node[{index}].kid", node.kid)
            if node.retired is not None:
                continue
            if kid in entries:
                raise SettingsError(nodes, f"node[{index}].kid = {node.kid!r}", "is there twice", "remove one")
            if node.name in names:
                taken = f"is the name of {names[node.name]} already"
                raise SettingsError(nodes, f"node[{index}].name = {node.name!r}", taken, "give it another")
            if kid not in known:
                problem = f"{node.name} has no secret in {secrets}"
                raise SettingsError(nodes, f"node[{index}].kid = {node.kid!r}", problem, "commission the node")
            names[node.name] = node.kid
            wanted = read_settings(nodes, f"node[{index}].settings", node.settings)
            newest, *older = known[kid]
            old = older[0] if older else None
            about = (node.at, node.place, node.release, node.made_at)
            tests = read_quality(nodes, f"node[{index}].quality", node.quality)
            entries[kid] = Entry(kid, node.name, node.kind, newest, wanted, old, *about, tests)
    findings.settle()
    if written.group and not placed:
        remedy = "add latitude, longitude and timezone to [site] in gateway.toml"
        raise SettingsError(nodes, "group[0]", "needs to know when it is dark", remedy)
    return Known(entries, read_groups(nodes, written.group, entries.values(), of_groups))


class Registry:
    """The two files, and what they said when they were last right."""

    def __init__(self, nodes: Path, secrets: Path, *, placed: bool = True) -> None:
        self._files = (nodes, secrets)
        self._placed = placed
        self._seen = _stamps(*self._files)
        self.entries, self.groups = load(nodes, secrets, placed=placed)
        self.problem: str | None = None

    def place(self, *, placed: bool) -> None:
        """From now on the site knows where it is, or does not; the next `refresh` reads the files anyway."""
        self._placed, self._seen = placed, ()

    def refresh(self) -> bool:
        """Looks at the files; True when nodes or groups are others than before."""
        seen = _stamps(*self._files)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            known = load(*self._files, placed=self._placed)
        except SettingsError as error:
            self.problem = str(error)
            _log.error("the registry stays as it was: %s", error)
            return False
        self.problem = None
        changed = known != (self.entries, self.groups)
        self.entries, self.groups = known
        return changed
