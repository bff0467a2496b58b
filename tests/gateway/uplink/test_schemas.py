"""What is published has a schema of its own time, and nobody's code of yesterday is broken by that of today."""

import copy
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import meta

import published
from gateway_chain import Chain
from gateway_rig import MORNING, PlayedNode, TurnedClock, sample
from schema_breaks import breaks
from stoep.downlink.trail import Said
from stoep.listen.checking import Checker
from stoep.refine.timeline import Moment
from stoep.store.windows import Summary, TimeQuality, Total
from stoep.uplink import contract
from stoep.uplink.dialects.native import Native
from stoep.wire.channels import catalogue
from stoep.wire.messages import Alarm

Edit = Callable[[dict[str, Any], dict[str, Any]], Any]  # of the schemas and the AsyncAPI document


def test_each_schema_is_one() -> None:
    for schema in contract.schemas().values():
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        meta.validate(schema)


def test_each_schema_has_an_id_of_the_topics_version() -> None:
    for name, schema in contract.schemas().items():
        assert schema["$id"] == f"https://stoep.example/schema/1/{name}.json"
    assert contract.asyncapi()["info"]["version"].startswith("1.")
    assert all(topic.address.startswith("stoep/1/") for topic in contract.topics())


def test_what_we_own_takes_nothing_else() -> None:
    loose = [
        f"{name}: {path}"
        for name, schema in contract.schemas().items()
        for path, part in _objects(schema, "")
        if "properties" in part and part.get("type") == "object" and "additionalProperties" not in part
    ]
    assert loose == []


def _objects(schema: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list):
        return [found for at, part in enumerate(schema) for found in _objects(part, f"{path}/{at}")]
    if not isinstance(schema, dict):
        return []
    return [(path, schema), *(found for name, part in schema.items() for found in _objects(part, f"{path}/{name}"))]


def test_units_are_those_of_the_catalogue() -> None:
    """Read from the gateway's own catalogue, while the generator reads the file by itself."""
    told = contract.schemas()["catalogue"]["$defs"]
    known = {channel.name: channel for channel in catalogue().channels.values()}
    for form, leaves in (("windowChannels", {"reading", "sum"}), ("sampleChannels", {"reading"})):
        units = {name: one["properties"]["unit"]["const"] for name, one in told[form]["properties"].items()}
        assert units == {name: channel.unit for name, channel in known.items() if channel.leaves in leaves}
    assert told["alarm"]["enum"] == [kind.name for kind in catalogue().alarms.values()]
    assert told["sensor"]["enum"] == catalogue().sensors
    limits = {name: (one["minimum"], one["maximum"]) for name, one in told["settings"]["properties"].items()}
    assert limits == {name: (one.lowest, one.highest) for name, one in catalogue().settings.items()}


def test_the_asyncapi_document_is_one() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its models have fields that are called like pydantic's
        from asyncapi3.models.asyncapi import AsyncAPI3
    AsyncAPI3.model_validate(contract.asyncapi())
    spoiled = copy.deepcopy(contract.asyncapi())
    spoiled["operations"]["sendWindow"]["action"] = "publish"
    with pytest.raises(ValueError, match="sendWindow"):
        AsyncAPI3.model_validate(spoiled)


def test_every_reference_leads_somewhere() -> None:
    document = contract.asyncapi()
    for path, part in _objects(document, ""):
        if "$ref" not in part:
            continue
        where = part["$ref"]
        if where.startswith("./"):
            assert where.removeprefix("./") in contract.files(), path
            continue
        there = document
        for step in where.removeprefix("#/").split("/"):
            there = there[step]
    used = {message.message for message in contract.topics()}
    assert used | {"common", "catalogue"} == contract.schemas().keys()


def test_every_channel_has_one_operation() -> None:
    document = contract.asyncapi()
    of = [operation["channel"]["$ref"] for operation in document["operations"].values()]
    assert sorted(of) == sorted(f"#/channels/{name}" for name in document["channels"])
    received = [one["channel"]["$ref"] for one in document["operations"].values() if one["action"] == "receive"]
    assert received == ["#/channels/set"]


def test_the_asyncapi_document_names_every_topic_and_nothing_else(tmp_path: Path) -> None:
    """Everything that the dialect can say and hears; in every other test the spies refuse any other topic."""
    chain = Chain(tmp_path / "stoep.db", TurnedClock(), PlayedNode())
    native, who, moment = chain.native, chain.identity, Moment(MORNING, TimeQuality.SYNCED)
    taken = sample(1, 10)
    readings = list(chain.refiner._readings(taken))
    total = Total()
    total.add(1853, (0, 1, 1), 1, 0)
    account = dict.fromkeys(("expected", "delivered", "kept", "owed", "presumed"), 0)
    account |= dict.fromkeys(("published", "late", "duplicate"), 0)
    gateway = {"time": None, "instance": "01020304", "clock_trusted": True, "counters": {"outbox": 0}, "bridges": []}
    said: dict[str, Any] = {
        "window": native.window(who, Summary(who.kid, round(MORNING), 1, False, {1: total}))[1],
        "sample": (native.sample(who, taken, readings, moment) or ("", ""))[1],
        "event": native.event(who, Alarm(1, 1, 1, 10, True, 90), moment)[1],
        "state": native.state(who, None, None, None)[0],
        "result": native.result(Said(1, "bin-1", None, "a", "refused", "no", None, None))[1],
        "ledger": native.ledger("2026-06-01", 1, {"total": {**account, "lost": {}}, "nodes": []})[1],
        "gateway": native.gateway({**gateway, "nodes": 1, "uplink": {"connected": True}}) and native.gateway_topic,
        "offline": native.offline() and native.gateway_topic,
        "mark": native.set_topic.replace("+", "bin-1"),  # marks a payload; what is heard is named here
    }
    assert said.keys() == {name for name in vars(Native) if not name.startswith("_")}
    addresses = {known.address for topic in said.values() if (known := contract.topic_of(topic))}
    assert addresses == {channel["address"] for channel in contract.asyncapi()["channels"].values()}
    chain.database.close()


def test_a_misfit_is_told_with_topic_and_field() -> None:
    (told,) = published.misfits("stoep/1/a/gateway", b'{"site":"a","status":"offline","since":1}')
    assert told == "stoep/1/a/gateway: since: is not in the schema"
    (told,) = published.misfits("stoep/1/a/b/mood", b"{}")
    assert told == "stoep/1/a/b/mood: is no topic of asyncapi.json"
    (told,) = published.misfits("stoep/1/b/gateway", b'{"site":"a","status":"offline"}')
    assert told == "stoep/1/b/gateway: site: is 'a', the topic says 'b'"
    with pytest.raises(published.Misfit, match="is no JSON"):
        published.validate("stoep/1/a/gateway", b"\xff")


def test_an_opened_schema_takes_what_is_added_and_nothing_wrong() -> None:
    checker = Checker({name: contract.opened(schema) for name, schema in contract.schemas().items()})
    assert checker.flaws("gateway", {"site": "a", "status": "offline", "since": 1}) == []
    assert [flaw.field for flaw in checker.flaws("gateway", {"site": 1, "status": "offline"})] == ["site"]
    event = json.loads(
        '{"site": "a", "node": "b", "kid": "c0ffee01", "kind": "fountain", "alarm": "dry", "raised": true, "value": 1, '
        '"unit": "l", "traceback": null, "epoch": 1, "number": 1, "time": null, "time_quality": null}'
    )
    assert checker.flaws("event", event) == []
    assert {flaw.field for flaw in checker.flaws("event", {**event, "alarm": "full"})} == {"unit"}


# -- yesterday's consumers and senders ---------------------------------------------------------------------------------


@pytest.mark.parametrize("file", published.RELEASED, ids=lambda file: file.stem)
def test_nothing_that_was_released_is_broken(file: Path) -> None:
    assert breaks(json.loads(file.read_text(encoding="utf-8")), contract.bundle()) == []


def test_what_was_released_under_a_number_stays_under_it() -> None:
    """After a release the next change raises `info.version` in asyncapi.json."""
    for file in published.RELEASED:
        released = json.loads(file.read_text(encoding="utf-8"))
        assert released["version"].startswith(f"{file.stem}.")
        if released["version"] == contract.bundle()["version"]:
            assert released == contract.bundle()


def measured(schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas["common"]["$defs"]["measured"]
    return found


def reading(schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas["common"]["$defs"]["single"]
    return found


def quality(schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas["common"]["$defs"]["quality"]
    return found


def interval(schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas["catalogue"]["$defs"]["settings"]["properties"]["interval"]
    return found


def alarm(schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas["catalogue"]["$defs"]["alarmUnits"]["allOf"][0]
    return found


def channels(schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas["catalogue"]["$defs"]["windowChannels"]["properties"]
    return found


def _rename(shape: dict[str, Any], old: str, new: str) -> None:
    shape["properties"][new] = shape["properties"].pop(old)
    shape["required"] = [new if name == old else name for name in shape["required"]]


BREAKING: dict[str, Edit] = {
    "a field goes": lambda s, _: s["window"]["properties"].pop("partial"),
    "a field that may be left out goes": lambda s, _: s["sample"]["properties"].pop("backlog"),
    "a field has another name": lambda s, _: _rename(measured(s), "mean", "average"),
    "what was always there is not": lambda s, _: s["event"]["required"].remove("value"),
    "what was always there within another is not": lambda s, _: quality(s)["required"].remove("reason"),
    "a number becomes a text": lambda s, _: s["common"]["$defs"]["revision"].update(type="string"),
    "a whole number becomes any": lambda s, _: measured(s)["properties"]["count"].update(type="number"),
    "null comes where there was none": lambda s, _: reading(s)["properties"]["value"].update(type=["number", "null"]),
    "another unit": lambda s, _: channels(s)["temperature"]["properties"].update(unit={"const": "K"}),
    "a channel goes": lambda s, _: channels(s).pop("co2"),
    "a value goes": lambda s, _: s["set-result"]["properties"]["result"]["enum"].remove("expired"),
    "a value is added that nobody awaits": lambda s, _: s["common"]["$defs"]["timeQuality"]["enum"].append("guessed"),
    "an alarm goes": lambda s, _: s["catalogue"]["$defs"]["alarm"]["enum"].remove("fire"),
    "an alarm in another unit": lambda s, _: alarm(s)["then"]["properties"].update(unit={"const": "mm"}),
    "times are written otherwise": lambda s, _: s["common"]["$defs"]["time"].update(pattern="^[0-9]+$"),
    "a limit goes": lambda s, _: s["common"]["$defs"]["count"].pop("minimum"),
    "a window is of another length": lambda s, _: s["window"]["properties"].update(seconds={"const": 600}),
    "the last will says something else": lambda s, _: _rename(s["gateway"]["$defs"]["offline"], "status", "state"),
    "a schema has another name": lambda s, _: s["window"].update({"$id": "https://stoep.example/schema/2/window.json"}),
    "a topic goes": lambda _, a: a["channels"].pop("ledger"),
    "a topic moves": lambda _, a: a["channels"]["event"].update(address="stoep/1/{site}/{node}/alarm"),
    "what was retained is not": lambda _, a: a["operations"]["sendState"]["bindings"]["mqtt"].update(retain=False),
    "what was sent is awaited": lambda _, a: a["operations"]["sendLedger"].update(action="receive"),
    "a command must say more": lambda s, _: s["set"]["required"].append("by"),
    "a command may not say who": lambda s, _: s["set"]["properties"].pop("by"),
    "a setting goes": lambda s, _: s["catalogue"]["$defs"]["settings"]["properties"].pop("full_mm"),
    "a setting takes less": lambda s, _: interval(s).update(minimum=60),
    "a setting cannot be given back": lambda s, _: interval(s).update(type="integer"),
    "ids of commands are shorter": lambda s, _: s["set"]["properties"]["id"].update(pattern="^[a-z]{8}$"),
}
HARMLESS: dict[str, Edit] = {
    "a field more": lambda s, _: s["window"]["properties"].update(sunshine={"type": "number"}),
    "a field more that is always there": lambda s, _: (
        measured(s)["properties"].update(sigma={"type": "number"}),
        measured(s)["required"].append("sigma"),
    ),
    "what could be left out is always there": lambda s, _: s["event"]["required"].append("backlog"),
    "a channel more": lambda s, _: channels(s).update(noise={"$ref": "common.json#/$defs/measured"}),
    "an alarm more": lambda s, _: s["catalogue"]["$defs"]["alarm"]["enum"].append("flooded"),
    "whole numbers only": lambda s, _: measured(s)["properties"]["last"].update(type="integer"),
    "null no more": lambda s, _: s["event"]["properties"]["traceback"].update(type="string"),
    "a setting takes more": lambda s, _: interval(s).update(minimum=1),
    "a setting more": lambda s, _: s["catalogue"]["$defs"]["settings"]["properties"].update(bell={"type": "integer"}),
    "a topic more": lambda _, a: a["channels"].update(noise=a["channels"]["event"]),
}


def edited(edit: Edit) -> dict[str, Any]:
    bundle = copy.deepcopy(contract.bundle())
    edit(bundle["schemas"], bundle["asyncapi"])
    return bundle


@pytest.mark.parametrize("edit", BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_found(edit: Edit) -> None:
    assert breaks(contract.bundle(), edited(edit)) != []


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS)
def test_what_is_only_added_breaks_nobody(edit: Edit) -> None:
    assert breaks(contract.bundle(), edited(edit)) == []


def test_a_break_is_told_with_message_and_field() -> None:
    found = breaks(contract.bundle(), edited(BREAKING["a field has another name"]))
    assert "window.channels.temperature.mean: is gone" in found
    assert "window.channels.temperature.mean: not always there now" in found
