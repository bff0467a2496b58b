"""The part of the city's JSON Schemas that the catalogue decides: units, channels, alarms, settings, causes.

The messages' own schemas beside it are written by hand and refer to this one, so that a channel has one home.
"""

import json
from pathlib import Path
from typing import Any

from stoep_field.tables import Table

ID = "https://stoep.example/schema/1/catalogue.json"
_COMMON = "common.json#/$defs/"
_ONE = "single"  # the form of a reading by itself
_FAILING = "_failing"
_OURS = ("evicted", "unexplained", "unreadable")  # causes that the gateway itself has beside those of the nodes


def render(file: Path, source: Path) -> str:
    """The text of catalogue.json; `source` is how it names `file`. Raises SourceError."""
    root = Table.load(file)
    channels = dict(root.table("channels").tables())
    alarms = dict(root.table("alarms").tables())
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "$comment": f"Generated from {source.as_posix()} by `make generate`; do not edit.",
        "$defs": {
            "windowChannels": _all({name: one for name, one in channels.items() if _leaves(one) != "never"}),
            "sampleChannels": _all({name: one for name, one in channels.items() if _leaves(one) == "reading"}, _ONE),
            "alarm": {"type": "string", "enum": list(alarms), "x-grows": True},
            "alarmUnits": {"allOf": _alarm_units(channels, alarms)},
            "sensor": {"type": "string", "enum": _sensors(alarms), "x-grows": True},
            "failedReadings": _counts(_sensors(alarms), required=True),
            "lost": {
                **_counts([*root.table("lost").content, *_OURS], required=False),
                "patternProperties": {"^cause [0-9]+$": {"$ref": f"{_COMMON}count"}},
            },
            "settings": _settings(root.table("settings")),
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _leaves(channel: Table) -> str:
    return channel.text("leaves") if "leaves" in channel.content else "reading"


def _all(channels: dict[str, Table], form: str | None = None) -> dict[str, Any]:
    """An object of any of these channels, each in its own unit."""
    shapes = {"reading": "measured", "sum": "summed"}
    return {
        "type": "object",
        "properties": {
            name: {
                "description": one.text("meaning"),
                "$ref": _COMMON + (form or shapes[_leaves(one)]),
                "properties": {"unit": {"const": one.text("unit")}},
            }
            for name, one in channels.items()
        },
        "additionalProperties": False,
    }


def _alarm_units(channels: dict[str, Table], alarms: dict[str, Table]) -> list[dict[str, Any]]:
    """Each alarm's value is in the unit of its channel, and null where no reading of that leaves the street."""
    of_channel: dict[str, list[str]] = {}
    for name, alarm in alarms.items():
        of_channel.setdefault(alarm.text("channel"), []).append(name)
    rules = []
    for channel, names in of_channel.items():
        said: dict[str, Any] = {"unit": {"const": channels[channel].text("unit")}}
        if _leaves(channels[channel]) == "never":
            said["value"] = {"type": "null"}
        rules.append({"if": {"properties": {"alarm": {"enum": names}}}, "then": {"properties": said}})
    return rules


def _sensors(alarms: dict[str, Table]) -> list[str]:
    ordered = sorted(alarms, key=lambda name: int(alarms[name].content["id"]))
    return [name.removesuffix(_FAILING) for name in ordered if name.endswith(_FAILING)]


def _counts(names: list[str], *, required: bool) -> dict[str, Any]:
    counts: dict[str, Any] = {"type": "object", "properties": {name: {"$ref": f"{_COMMON}count"} for name in names}}
    return {**counts, **({"required": names} if required else {}), "additionalProperties": False}


def _settings(settings: Table) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {
            name: {
                "description": one.text("meaning"),
                "type": ["integer", "null"],
                "minimum": one.content["lowest"],
                "maximum": one.content["highest"],
            }
            for name, one in settings.tables()
        },
        "additionalProperties": False,
    }
