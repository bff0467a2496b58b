"""The store of a disk after a power cut, as rows and as what the city would be told of them."""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from gateway_load import SITE

from stoep.refine.quality.inspector import Inspector
from stoep.store import nodes, window_rows
from stoep.store.database import Database
from stoep.store.squeeze import whole
from stoep.store.windows import Total, Window
from stoep.uplink.dialects.native import Native
from stoep.wire.channels import catalogue

Where = tuple[bytes, int]  # a node's kid, a window's start
Counted = dict[int, tuple[int, int, int, int, int]]  # channel → count, total, lowest, highest, last


def rows(database: Database, query: str) -> Iterator[Any]:
    with database.reading() as sql:
        yield from sql.execute(query).fetchall()


def all_windows(database: Database) -> list[Window]:
    keys = list(rows(database, "SELECT kid, start FROM window"))
    return [window_rows.find(database, kid, start) for kid, start in keys]


def payloads(
    native: Native, names: Mapping[bytes, nodes.Identity], windows: Mapping[Where, Window]
) -> dict[Where, bytes]:
    """What the city was told of each window when it was published last."""

    def find(kid: bytes, starts: Collection[int]) -> dict[int, Window]:
        return {start: windows[kid, start] for start in starts if (kid, start) in windows}

    said = Inspector(catalogue(), find).published(windows.values())
    return {(one.kid, one.start): native.window(names[one.kid], one)[2] for one in said}


def same(said: bytes, own: bytes) -> bool:
    """But for what is of more than the window: the settings of its hour, and the weeks before it."""
    return _bare(said) == _bare(own)


def _bare(payload: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(payload)
    content.pop("fill", None)
    for channel in content["channels"].values():
        channel.pop("expected", None)
        channel.pop("robust", None)
    return content


def native(database: Database) -> Native:
    return Native(SITE, window_rows.generation(database), catalogue())


def waiting(database: Database) -> list[dict[str, Any]]:
    """What is in the outbox, beside the results of commands."""
    found = [json.loads(whole(payload)) for (payload,) in rows(database, "SELECT payload FROM outbox")]
    return [content for content in found if "result" not in content]


def revisions(database: Database) -> dict[Where, int]:
    """What waits in the outbox."""
    return {where(content): content["revision"] for content in waiting(database) if "revision" in content}


def event(content: dict[str, Any]) -> tuple[str, int, int]:
    return content["kid"], content["epoch"], content["number"]


def where(content: dict[str, Any]) -> Where:
    return bytes.fromhex(content["kid"]), int(datetime.fromisoformat(content["start"]).timestamp())


def named(where: Where) -> str:
    return f"window {where[1]} of {where[0].hex()}"


def numbers(totals: dict[int, Total]) -> Counted:
    return {number: (t.count, t.total, t.lowest, t.highest, t.last) for number, t in totals.items()}
