"""What is published, as a contract that others can check: each message's JSON Schema, and the topic that carries it.

The files are under `schemas/`: one for each message, what several have in common (common.json), what the channel
catalogue decides (catalogue.json, generated), and asyncapi.json, which names every topic. This module only finds them.

They are strict: what a release does not publish is in none of them. Within stoep/1 a later release may add fields, and
values where a schema says `x-grows`; a consumer that shall go on then takes the schemas `opened`.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent / "schemas"
_ASYNCAPI = "asyncapi"
_PARAMETER = re.compile(r"\{([a-z]+)\}")


class Topic(NamedTuple):
    """One topic of the contract: its address with {site} and {node}, and the schema of its messages by name."""

    address: str
    message: str

    def parts(self, topic: str) -> Mapping[str, str] | None:
        """`site` and `node` of a topic that is this one, else None."""
        found = re.fullmatch(_PARAMETER.sub(r"(?P<\1>[^/+#]*)", self.address), topic)
        return None if found is None else found.groupdict()

    def filter(self) -> str:
        """To subscribe to it at every site."""
        return _PARAMETER.sub("+", self.address)


@cache
def files() -> Mapping[str, str]:
    """The text of each file by its name, asyncapi.json among them."""
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.json"))}


@cache
def schemas() -> Mapping[str, dict[str, Any]]:
    """By name without ending: the messages', and the two they refer to."""
    names = [name.removesuffix(".json") for name in files()]
    return {name: json.loads(files()[f"{name}.json"]) for name in names if name != _ASYNCAPI}


@cache
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files()[f"{_ASYNCAPI}.json"])
    return document


@cache
def topics() -> tuple[Topic, ...]:
    """Every topic that asyncapi.json names."""
    messages = asyncapi()["components"]["messages"]
    return tuple(
        Topic(channel["address"], messages[name]["name"])
        for channel in asyncapi()["channels"].values()
        for name in channel["messages"]
    )


def topic_of(topic: str) -> Topic | None:
    """The one that a message came on; None: it is not of the contract."""
    return next((known for known in topics() if known.parts(topic) is not None), None)


def opened(schema: Any) -> Any:
    """The same schema for a consumer that takes what it does not know yet: further fields, and values that grow."""
    if isinstance(schema, list):
        return [opened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    grows = {"enum", "x-grows"} if schema.get("x-grows") else set()
    closed = {"additionalProperties"} if schema.get("additionalProperties") is False else set()
    return {name: opened(part) for name, part in schema.items() if name not in grows | closed}


def bundle() -> dict[str, Any]:
    """All of it in one document."""
    return {"version": asyncapi()["info"]["version"], "asyncapi": asyncapi(), "schemas": dict(schemas())}
