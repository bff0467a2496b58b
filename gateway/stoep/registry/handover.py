"""The hand-over file: what whoever commissioned nodes gives to their gateway, and one gateway to the next.

An age file (age-encryption.org/v1, binary or armoured), sealed for the gateway's public key or with a passphrase. In
it, JSON in UTF-8:

    {"format": "stoep-handover", "version": 1, "written_at": "2026-06-01T08:00:00Z", "site": "grote-markt",
     "nodes": [{"kid": "c0ffee01", "name": "bin-1", "kind": "bin", "secret": "<64 hex digits>",
                "made_at": "2026-06-01T07:55:00Z", "release": "0.1.0", "settings": {"interval": 600},
                "at": [50.8467, 4.3525], "place": "by the fountain", "old_secret": "<64 hex digits>",
                "test": {"passed": true, "at": "2026-06-01T07:56:00Z", "note": "range 1398 mm"}}],
     "groups": [{"name": "nieuwstraat", "secret": "<64 hex digits>",
                 "lamps": [{"node": "lamppost-1", "metres": 0}, {"node": "lamppost-2", "metres": 25.5}]}]}

Required are format, version, written_at, nodes, and of a node kid, name, kind and secret. `made_at` is when the secret
was made, by which the newer of two is known: whoever commissions a node says it. Times carry their zone. A key that is
not named here is an error; a form with other keys has another version.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pyrage

from stoep.errors import SettingsError
from stoep.registry import atomic
from stoep.registry.groups import LampTable
from stoep.registry.registry import At, Kind, Line, Moment, read_kid, read_secret, read_settings
from stoep.settings import Name, Strict, convert, require_private

FORMAT: Final = "stoep-handover"
VERSION: Final = 1
LARGEST = 4 << 20  # bytes of a file: some thousand nodes
_MADE_SO = "# stoep: opens the hand-over files sealed for this gateway\n"
_KEY = "AGE-SECRET-KEY-"


class Tested(Strict, frozen=True):
    """What the self-test said, for whoever reads the hand-over; the gateway keeps nothing of it."""

    passed: bool
    at: Moment
    note: Line | None = None


class Node(Strict, frozen=True, kw_only=True, omit_defaults=True):
    kid: str
    name: Name
    kind: Kind
    secret: str
    made_at: Moment | None = None
    release: Line | None = None
    settings: dict[str, int] = {}  # noqa: RUF012 -- msgspec copies a default
    at: At | None = None
    place: Line | None = None
    old_secret: str | None = None
    test: Tested | None = None

    def __repr__(self) -> str:
        return f"<hand-over of {self.name}>"


class Group(Strict, frozen=True):
    name: Name
    secret: str
    lamps: tuple[LampTable, ...]

    def __repr__(self) -> str:
        return f"<hand-over of the group {self.name}>"


class Handover(Strict, frozen=True, kw_only=True):
    nodes: tuple[Node, ...]
    written_at: Moment
    site: Name | None = None
    groups: tuple[Group, ...] = ()
    format: Literal["stoep-handover"] = FORMAT
    version: Literal[1] = VERSION


def dumps(handed: Handover) -> bytes:
    return msgspec.json.encode(handed)


def loads(file: Path, plain: bytes) -> Handover:
    """What was in `file` when it was opened, checked as far as one can without the registry. Raises SettingsError."""
    try:
        raw: Any = msgspec.json.decode(plain)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(file, "", "holds no JSON", "ask for the hand-over again") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise SettingsError(file, "format", "is no hand-over", f'a hand-over says "format": "{FORMAT}"')
    if raw.get("version") != VERSION:
        problem = f"is of version {raw.get('version')!r}, this release reads {VERSION}"
        raise SettingsError(file, "version", problem, "update the gateway, or write it with this release")
    handed = convert(file, raw, Handover, secret=True)
    seen: dict[str, str] = {}
    for index, node in enumerate(handed.nodes):
        key = f"nodes[{index}]"
        read_kid(file, f"{key}.kid", node.kid)
        read_settings(file, f"{key}.settings", node.settings)
        marks = [("kid", node.kid), ("name", node.name), ("secret", node.secret.lower())]
        if node.old_secret is not None:
            marks.append(("old_secret", node.old_secret.lower()))
        for what, mark in marks:
            if what.endswith("secret"):
                read_secret(file, f"{key}.{what}", mark, "commission the node again")
            if mark in seen:
                raise SettingsError(file, f"{key}.{what}", f"is that of {seen[mark]}, too", "remove one of the two")
            seen[mark] = f"nodes[{index}] ({node.name})"
    for index, group in enumerate(handed.groups):
        read_secret(file, f"groups[{index}].secret", group.secret, "export the group again")
    return handed


def seal(handed: Handover, recipients: Sequence[str]) -> bytes:
    """For those who have the keys to these recipients (`age1…`). Raises ValueError."""
    try:
        known = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    except pyrage.RecipientError as error:
        raise ValueError("is no age recipient (age1…): see `stoep registry key` on the other gateway") from error
    return bytes(pyrage.encrypt(dumps(handed), known, armored=True))


def seal_for_all_who_know(handed: Handover, passphrase: str) -> bytes:
    return bytes(pyrage.passphrase.encrypt(dumps(handed), passphrase, armored=True))


def open_with_key(file: Path, key: Path) -> Handover:
    """Raises SettingsError."""
    identity = load_key(key)
    try:
        plain = pyrage.decrypt(_sealed(file), [identity])
    except pyrage.DecryptError as error:
        remedy = f"have it sealed for {identity.to_public()}, or say --passphrase if it was sealed with one"
        raise SettingsError(file, "", f"cannot be opened with this gateway's key ({error})".lower(), remedy) from error
    return loads(file, plain)


def open_with_passphrase(file: Path, passphrase: str) -> Handover:
    """Raises SettingsError."""
    try:
        plain = pyrage.passphrase.decrypt(_sealed(file), passphrase)
    except pyrage.DecryptError as error:
        remedy = "check the passphrase, and that the file was sealed with one"
        raise SettingsError(file, "", f"cannot be opened ({error})".lower(), remedy) from error
    return loads(file, plain)


def _sealed(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise SettingsError(file, "", f"cannot be read ({error.strerror})", "name the hand-over file") from error
    if len(data) > LARGEST:
        raise SettingsError(file, "", "is larger than 4 MiB", "name a hand-over file")
    return data


def load_key(key: Path) -> pyrage.x25519.Identity:
    """The gateway's private key, made now if there is none. Raises SettingsError."""
    require_private(key)
    try:
        if not key.exists():
            made = pyrage.x25519.Identity.generate()
            atomic.replace(key, f"{_MADE_SO}# {made.to_public()}\n{made}\n".encode())
        lines = key.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SettingsError(key, "", f"cannot be read or made ({reason})", "run this as the gateway's user") from error
    try:
        return pyrage.x25519.Identity.from_str(next((line for line in lines if line.startswith(_KEY)), ""))
    except pyrage.IdentityError:
        remedy = "put the key back, or move the file away: a new one is made"
        raise SettingsError(key, "", "holds no age key", remedy) from None
