"""Which nodes belong to the site: names in `nodes.toml`, secrets in `secrets.toml`.

The files are looked at again while the service runs, so that retiring a node takes effect within seconds; a file that
turned wrong leaves the last good state in force.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stoep.errors import SettingsError
from stoep.settings import Name, Strict, convert, read_toml, require_private
from stoep.wire.channels import catalogue

_KID = re.compile(r"^[0-9a-f]{8}$")
_SECRET = re.compile(r"^[0-9a-fA-F]{64}$")
_log = logging.getLogger(__name__)

Kind = Literal["bench", "bin", "lamppost"]


class _Entry(Strict, frozen=True):
    kid: str
    name: Name
    kind: Kind
    settings: dict[str, int] = {}  # noqa: RUF012 -- msgspec copies a default


class _Nodes(Strict, frozen=True):
    node: tuple[_Entry, ...] = ()


class _Secrets(Strict, frozen=True):
    secrets: dict[str, str] = {}  # noqa: RUF012 -- msgspec copies a default


@dataclass(frozen=True)
class Entry:
    """A commissioned node; its secret never shows in a log."""

    kid: bytes
    name: str
    kind: str
    secret: bytes = field(repr=False)
    settings: Mapping[int, int] = field(default_factory=dict)  # as the node shall be, by id; none: as it is


def _kid(file: Path, key: str, text: str) -> bytes:
    if not _KID.match(text):
        raise SettingsError(file, f"{key} = {text!r}", "is not a kid", "write its 8 hex digits, lower case")
    return bytes.fromhex(text)


def _secrets(file: Path) -> dict[bytes, bytes]:
    require_private(file)
    secrets = {}
    for text, secret in convert(file, read_toml(file), _Secrets, secret=True).secrets.items():
        kid = _kid(file, "secrets", text)
        if not _SECRET.match(secret):
            raise SettingsError(
                file, f"secrets.{text}", "is not a secret of 64 hex digits", "commission the node again"
            )
        secrets[kid] = bytes.fromhex(secret)
    return secrets


def _settings(file: Path, key: str, settings: Mapping[str, int]) -> dict[int, int]:
    known = catalogue().settings
    for name, value in settings.items():
        setting = known.get(name)
        if setting is None:
            raise SettingsError(file, f"{key}.{name}", "is no setting of a node", f"use some of {', '.join(known)}")
        if not setting.lowest <= value <= setting.highest:
            problem = f"is not within {setting.lowest} and {setting.highest}"
            raise SettingsError(file, f"{key}.{name} = {value}", problem, "write a number that is")
    return {known[name].id: value for name, value in settings.items()}


def load(nodes: Path, secrets: Path) -> dict[bytes, Entry]:
    """The nodes of the site by kid."""
    known = _secrets(secrets)
    entries: dict[bytes, Entry] = {}
    names: dict[str, str] = {}
    for index, node in enumerate(convert(nodes, read_toml(nodes), _Nodes).node):
        kid = _kid(nodes, f"node[{index}].kid", node.kid)
        if kid in entries:
            raise SettingsError(nodes, f"node[{index}].kid = {node.kid!r}", "is there twice", "remove one")
        if node.name in names:
            taken = f"is the name of {names[node.name]} already"
            raise SettingsError(nodes, f"node[{index}].name = {node.name!r}", taken, "give it another")
        if kid not in known:
            problem = f"{node.name} has no secret in {secrets}"
            raise SettingsError(nodes, f"node[{index}].kid = {node.kid!r}", problem, "commission the node")
        names[node.name] = node.kid
        wanted = _settings(nodes, f"node[{index}].settings", node.settings)
        entries[kid] = Entry(kid, node.name, node.kind, known[kid], wanted)
    return entries


class Registry:
    """The two files, and what they said when they were last right."""

    def __init__(self, nodes: Path, secrets: Path) -> None:
        self._files = (nodes, secrets)
        self._seen = self._stamp()
        self.entries = load(nodes, secrets)
        self.problem: str | None = None

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        stamps: list[tuple[int, int, int] | None] = []
        for file in self._files:
            try:
                stat = file.stat()
                stamps.append((stat.st_mtime_ns, stat.st_size, stat.st_mode))
            except OSError:
                stamps.append(None)
        return tuple(stamps)

    def refresh(self) -> bool:
        """Looks at the files; True when the nodes are others than before."""
        seen = self._stamp()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            entries = load(*self._files)
        except SettingsError as error:
            self.problem = str(error)
            _log.error("the registry stays as it was: %s", error)
            return False
        self.problem = None
        changed = entries != self.entries
        self.entries = entries
        return changed
