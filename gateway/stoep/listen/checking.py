"""Each message against its schema, with the field that is wrong."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource

from stoep.uplink import contract

_LONGEST = 200  # characters of a sentence about a field


class Flaw(NamedTuple):
    """`field` as "channels.temperature.unit"; `unknown`: it is only not in the schema, as what a newer gateway adds."""

    field: str
    text: str
    unknown: bool = False

    def __str__(self) -> str:
        return f"{self.field}: {self.text}" if self.field else self.text


class Checker:
    """Made once: it reads all schemas."""

    def __init__(self) -> None:
        resources = [(schema["$id"], Resource.from_contents(schema)) for schema in contract.schemas().values()]
        registry: Registry[Any] = Registry().with_resources(resources)
        self._validators = {
            name: Draft202012Validator(schema, registry=registry) for name, schema in contract.schemas().items()
        }

    def read(self, topic: str, payload: bytes) -> tuple[Any, list[Flaw]]:
        """The document, None where there is none, and what is wrong with it."""
        known = contract.topic_of(topic)
        if known is None:
            return None, [Flaw("", "is no topic of asyncapi.json")]
        try:
            document = json.loads(payload)
        except ValueError as error:  # of a bad encoding, too
            return None, [Flaw("", f"is no JSON ({error})")]
        flaws = self.flaws(known.message, document)
        parts = known.parts(topic) or {}
        for name, part in parts.items():
            if not flaws and document.get(name, part) != part:
                flaws.append(Flaw(name, f"is {document[name]!r}, the topic says {part!r}"))
        return document, flaws

    def flaws(self, name: str, document: Any) -> list[Flaw]:
        """Of a document against the schema of this name."""
        return [flaw for error in self._validators[name].iter_errors(document) for flaw in _told(error)]


def _told(error: ValidationError) -> Iterator[Flaw]:
    """What lies beneath, where the schema says "this, or null"."""
    if error.validator == "anyOf" and error.instance is not None:
        for beneath in error.context or ():
            if beneath.schema_path[0] == 0:
                yield from _told(beneath)
        return
    field = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        for name in _unknown(error):
            yield Flaw(f"{field}.{name}" if field else name, "is not in the schema", unknown=True)
        return
    yield Flaw(field, error.message[:_LONGEST])


def _unknown(error: ValidationError) -> list[str]:
    patterns = error.schema.get("patternProperties", {})
    return [
        name
        for name in error.instance
        if name not in error.schema.get("properties", {}) and not any(re.search(one, name) for one in patterns)
    ]
