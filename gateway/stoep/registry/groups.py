"""Lamp groups: which lampposts stand in one street, in which order and where, and the master secret of each group.

`[[group]]` in `nodes.toml`, `[groups]` in `secrets.toml`. The master secret goes to no lamp: what the lamps get is
derived from it anew each day (`downlink/shares.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from stoep.errors import SettingsError
from stoep.settings import Findings, Name, Strict
from stoep.wire.light import Lamp

_LEAST, _MOST = 2, 32
_APART = 10  # decimetres
_LAMPPOST = "lamppost"


class LampTable(Strict, frozen=True):
    node: Name
    metres: Annotated[float, msgspec.Meta(ge=0, le=100_000)]


class GroupTable(Strict, frozen=True):
    name: Name
    lamps: tuple[LampTable, ...]


class Member(Protocol):
    """A node of the registry."""

    @property
    def kid(self) -> bytes: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...


@dataclass(frozen=True)
class Group:
    """`lamps` in the order of the street, each in decimetres from wherever the street begins."""

    name: str
    secret: bytes = field(repr=False)
    lamps: tuple[Lamp, ...]


def read(
    file: Path, tables: Iterable[GroupTable], nodes: Iterable[Member], secrets: Mapping[str, bytes]
) -> dict[str, Group]:
    """The groups of `nodes.toml` (`file`) by name, their lamps among `nodes`. Raises SettingsError."""
    by_name = {node.name: node for node in nodes}
    groups: dict[str, Group] = {}
    taken: dict[str, str] = {}
    findings = Findings()
    for index, table in enumerate(tables):
        with findings.noting():
            key = f"group[{index}]"
            if table.name in groups:
                raise SettingsError(file, f"{key}.name = {table.name!r}", "is the name of another", "give it another")
            groups[table.name] = _group(file, key, table, by_name, taken, secrets)
    findings.settle()
    return groups


def _group(
    file: Path,
    key: str,
    table: GroupTable,
    nodes: Mapping[str, Member],
    taken: dict[str, str],
    secrets: Mapping[str, bytes],
) -> Group:
    if not _LEAST <= len(table.lamps) <= _MOST:
        few = f"has {len(table.lamps)} lamps"
        raise SettingsError(file, f"{key}.lamps", few, f"name {_LEAST} to {_MOST} of the street's lampposts")
    if table.name not in secrets:
        remedy = f'add {table.name} = "…" under [groups] in the secrets: 64 hex digits of `openssl rand -hex 32`'
        raise SettingsError(file, f"{key}.name = {table.name!r}", "has no secret", remedy)
    lamps = tuple(_lamp(file, f"{key}.lamps[{at}]", lamp, nodes) for at, lamp in enumerate(table.lamps))
    for at, lamp in enumerate(table.lamps):
        if lamp.node in taken:
            problem = f"is a lamp of {taken[lamp.node]} already"
            raise SettingsError(file, f"{key}.lamps[{at}].node = {lamp.node!r}", problem, "remove one of the two")
        taken[lamp.node] = table.name
    for at, (one, other) in enumerate(pairwise(lamps), 1):
        if other.position < one.position + _APART:
            where = f"{key}.lamps[{at}].metres = {table.lamps[at].metres:g}"
            remedy = "name the lamps in the order of the street, with metres that rise by at least 1"
            raise SettingsError(file, where, "is not beyond the lamp before it", remedy)
    return Group(table.name, secrets[table.name], lamps)


def _lamp(file: Path, key: str, table: LampTable, nodes: Mapping[str, Member]) -> Lamp:
    node = nodes.get(table.node)
    if node is None:
        remedy = "commission it, or take it out of the group"
        raise SettingsError(file, f"{key}.node = {table.node!r}", "is no node of this site", remedy)
    if node.kind != _LAMPPOST:
        raise SettingsError(file, f"{key}.node = {table.node!r}", f"is a {node.kind}", "name lampposts only")
    return Lamp(node.kid, round(table.metres * 10))
