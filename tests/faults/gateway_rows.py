"""The store of a disk after a power cut, as rows and as what the city would be told of them."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from gateway_load import SITE

from stoep.refine.calibration.book import Book
from stoep.refine.summary import summarise
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


def payload(native: Native, identity: nodes.Identity, window: Window, said: bytes) -> bytes:
    """As it has to be where `said` is; how many readings were expected is of the settings of that hour.

    Nor is a bin's forecast held against anything here: it is of the weeks before.
    """
    content = json.loads(said)
    expected = next(iter(content["channels"].values())).get("expected")
    found = native.window(identity, summarise(window, catalogue(), Book())._replace(expected=expected))[2]
    if "fill" not in content:
        return found
    own = json.loads(found)
    own["channels"]["fill_level"]["robust"] = content["channels"]["fill_level"]["robust"]
    return msgspec.json.encode({**own, "fill": content["fill"]})


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
