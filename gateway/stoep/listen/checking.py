"""Each message against its schema, with the field that is wrong."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema_rs import Draft202012Validator, Registry, ValidationError, ValidationErrorKind

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
    """By the schemas of this release, or others by the same names."""

    def __init__(self, schemas: Mapping[str, dict[str, Any]] | None = None) -> None:
        chosen = contract.schemas() if schemas is None else schemas
        registry = Registry([(schema["$id"], schema) for schema in chosen.values()])
        self._validators = {name: Draft202012Validator(schema, registry=registry) for name, schema in chosen.items()}

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
        for name, part in (known.parts(topic) or {}).items():
            if not flaws and document.get(name, part) != part:
                flaws.append(Flaw(name, f"is {document[name]!r}, the topic says {part!r}"))
        return document, flaws

    def flaws(self, name: str, document: Any) -> list[Flaw]:
        """Of a document against the schema of this name."""
        return [flaw for error in self._validators[name].iter_errors(document) for flaw in _told(error)]


def _told(error: ValidationError) -> Iterator[Flaw]:
    kind, field = error.kind, ".".join(map(str, error.instance_path))
    if isinstance(kind, ValidationErrorKind.AnyOf) and error.instance is not None:  # "this, or null": look into this
        for beneath in kind.context[0]:
            yield from _told(beneath)
    elif isinstance(kind, ValidationErrorKind.AdditionalProperties):
        for name in kind.unexpected:
            yield Flaw(_within(field, name), "is not in the schema", unknown=True)
    elif isinstance(kind, ValidationErrorKind.Required):
        yield Flaw(_within(field, str(kind.property)), "is missing")
    else:
        yield Flaw(field, error.message[:_LONGEST])


def _within(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
