"""Reading what the city wants of a node: taken or refused as a whole, with a reason that names key and remedy."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from stoep.errors import StoepError
from stoep.wire.channels import Setting

LONGEST = 4096  # bytes
FARTHEST = timedelta(days=31)  # that a command may be valid
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_LONGEST_BY = 64
_MOST_KEPT = 1000  # characters of a message; one that can be done has half as many
_KEYS = ("id", "expires", "settings", "by")


class RefusedError(StoepError):
    """The city's command cannot be done; the text is the reason that it is told."""


class Outline(NamedTuple):
    """As much of a message as can be told of whatever came: `content` is its JSON in one spelling, else its text."""

    id: str | None
    sender: str | None
    content: str


class Order(NamedTuple):
    """`changes` by the settings' ids; None: back to what the registry says."""

    expires: datetime
    changes: Mapping[int, int | None]


def outline(payload: bytes) -> Outline:
    """Of any bytes."""
    if len(payload) > LONGEST:
        return Outline(None, None, f"({len(payload)} bytes)")
    try:
        said = _decoded(payload)
        content = msgspec.json.encode(said, order="deterministic").decode()
    except (RefusedError, OverflowError):
        return Outline(None, None, payload.decode(errors="replace")[:_MOST_KEPT])
    if type(said) is not dict:
        return Outline(None, None, content[:_MOST_KEPT])
    id_, sender = said.get("id"), said.get("by")
    named = type(id_) is str and _ID.fullmatch(id_)
    known = type(sender) is str and len(sender) <= _LONGEST_BY
    return Outline(id_ if named else None, sender if known else None, content[:_MOST_KEPT])


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"not JSON: {error}") from error


def read(payload: bytes, known: Mapping[str, Setting]) -> Order:
    """The command that these bytes are; raises RefusedError."""
    if len(payload) > LONGEST:
        raise RefusedError(f"the message has {len(payload)} bytes, {LONGEST} are allowed")
    said = _decoded(payload)
    if type(said) is not dict:
        raise RefusedError("not a JSON object with id, expires and settings")
    for key in said:
        if key not in _KEYS:
            raise RefusedError(f"{key[:_LONGEST_BY]!r} is no key of a command: use {', '.join(_KEYS)}")
    for key in _KEYS[:3]:
        if key not in said:
            raise RefusedError(f"{key} is missing")
    if type(said["id"]) is not str or not _ID.fullmatch(said["id"]):
        raise RefusedError("id is not a text of 1 to 64 letters, digits and _ . : -")
    if "by" in said and (type(said["by"]) is not str or len(said["by"]) > _LONGEST_BY):
        raise RefusedError(f"by is not a text of at most {_LONGEST_BY} characters")
    return Order(_expires(said["expires"]), _changes(said["settings"], known))


def _expires(said: Any) -> datetime:
    example = "write one such as 2026-11-25T18:00:00Z"
    try:
        expires = msgspec.convert(said, datetime) if type(said) is str else None
    except msgspec.ValidationError:
        expires = None
    if expires is None:
        raise RefusedError(f"expires is no time: {example}")
    if expires.tzinfo is None:
        raise RefusedError(f"expires has no time zone: {example}")
    return expires.astimezone(UTC)


def _changes(said: Any, known: Mapping[str, Setting]) -> dict[int, int | None]:
    if type(said) is not dict or not said:
        raise RefusedError("settings is not an object of at least one setting")
    changes: dict[int, int | None] = {}
    for name, value in said.items():
        setting = known.get(name)
        if setting is None:
            raise RefusedError(f"settings.{name[:_LONGEST_BY]} is no setting: use some of {', '.join(known)}")
        if value is not None and (type(value) is not int or not setting.lowest <= value <= setting.highest):
            wanted = f"a whole number from {setting.lowest} to {setting.highest}, or null"
            raise RefusedError(f"settings.{name} = {str(value)[:_LONGEST_BY]} is not {wanted}")
        changes[setting.id] = value
    return changes


def check(changes: Mapping[int, int | None], kind: str, whole: Mapping[int, int], known: Mapping[str, Setting]) -> None:
    """Whether a node of this kind can live by the `whole` that comes of `changes`; raises RefusedError."""
    for setting in known.values():
        if setting.id in changes and setting.kinds and kind not in setting.kinds:
            others = " or a ".join(setting.kinds)
            raise RefusedError(f"settings.{setting.name} is not for a {kind}: only for a {others}")
    full, empty = (known[name] for name in ("full_mm", "empty_mm"))
    as_full, as_empty = (whole.get(setting.id, setting.default) for setting in (full, empty))
    if {full.id, empty.id} & changes.keys() and as_full >= as_empty:
        raise RefusedError(f"settings.full_mm = {as_full} is not less than settings.empty_mm = {as_empty}")
