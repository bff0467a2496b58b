"""What of a new set of schemas would break those who wrote their code by an older one.

Who reads our messages may rely on: each field's name, type, unit, pattern and limits, that what was always there is
always there, and that no new value comes where the schema does not say that values are added (`x-grows`). Who sends us
messages may rely on: what was taken is taken.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Bundle = dict[str, Any]
_ANY = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_WHOLE = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
_EXACT = ("pattern", "format", "propertyNames", "patternProperties", "dependentRequired", "uniqueItems")
_LEAST, _MOST = ("minimum", "minLength", "minItems", "minProperties"), ("maximum", "maxLength", "maxItems")


def breaks(old: Bundle, new: Bundle) -> list[str]:
    """In words, each with message and field; none: yesterday's consumers and senders go on."""
    found = []
    for name, channel in old["asyncapi"]["channels"].items():
        there = new["asyncapi"]["channels"].get(name)
        if there is None or there["address"] != channel["address"]:
            found.append(f"the topic {channel['address']} is gone")
            continue
        before, after = _operation(old, name), _operation(new, name)
        if before != after:
            found.append(f"{channel['address']}: {before} has become {after}")
        message, moved = (bundle["asyncapi"]["components"]["messages"][name]["name"] for bundle in (old, new))
        if moved not in new["schemas"] or old["schemas"][message]["$id"] != new["schemas"][moved]["$id"]:
            found.append(f"{message}: the schema has another name")
            continue
        pair = _Shape.of(old, message), _Shape.of(new, moved)
        found += _compare(*pair, message, outwards=before[0] == "send")
    return found


def _operation(bundle: Bundle, channel: str) -> tuple[str, Any]:
    for operation in bundle["asyncapi"]["operations"].values():
        if operation["channel"]["$ref"] == f"#/channels/{channel}":
            return operation["action"], operation["bindings"]["mqtt"]
    return "nothing", None


@dataclass
class _Shape:
    """What several schemas that hold at once say together; `parts` are (file, schema)."""

    bundle: Bundle
    parts: list[tuple[str, Any]]
    types: frozenset[str] = _ANY
    values: frozenset[str] | None = None  # as JSON
    grows: bool = False
    required: set[str] = field(default_factory=set)
    exact: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    inner: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)  # by how the step down is called

    @classmethod
    def of(cls, bundle: Bundle, name: str) -> "_Shape":
        return cls.joined(bundle, [(name, bundle["schemas"][name])])

    @classmethod
    def joined(cls, bundle: Bundle, parts: list[tuple[str, Any]]) -> "_Shape":
        shape = cls(bundle, parts)
        for file, schema in parts:
            shape.take(file, schema)
        return shape

    def take(self, file: str, schema: Any) -> None:
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            self.take(*_resolved(self.bundle, file, schema["$ref"]))
        if "anyOf" in schema:  # "this, or null"
            this, null = schema["anyOf"]
            assert null == {"type": "null"}, schema
            before = self.types
            self.types = _ANY
            self.take(file, this)
            self.types = before & (self.types | {"null"})
        told = schema.get("type", list(_ANY))
        self.types &= frozenset([told] if isinstance(told, str) else told)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if values is not None:
            self.values = frozenset(map(json.dumps, values)) & (self.values or frozenset(map(json.dumps, values)))
            self.types &= frozenset(_WHOLE[type(value)] for value in values)
        self.grows |= schema.get("x-grows", False)
        self.required |= set(schema.get("required", ()))
        self.exact |= {word: json.dumps(schema[word], sort_keys=True) for word in _EXACT if word in schema}
        self.limits |= {word: schema[word] for word in (*_LEAST, *_MOST) if word in schema}
        for word, step in _steps(schema):
            self.inner.setdefault(word, []).append((file, step))


def _steps(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from schema.get("properties", {}).items()
    yield from ((f"({word})", schema[word]) for word in ("then", "else") if word in schema)
    yield from (("[]", schema[word]) for word in ("items",) if word in schema)
    if isinstance(schema.get("additionalProperties"), dict):
        yield "*", schema["additionalProperties"]
    for rule in schema.get("allOf", ()):  # "for these alarms, this unit"
        for name in rule["if"]["properties"]["alarm"]["enum"]:
            yield f"({name})", rule["then"]


def _resolved(bundle: Bundle, file: str, reference: str) -> tuple[str, Any]:
    there, _, pointer = reference.partition("#")
    name = there.removesuffix(".json") or file
    schema = bundle["schemas"][name]
    for step in pointer.split("/")[1:]:
        schema = schema[step]
    return name, schema


def _compare(old: _Shape, new: _Shape, at: str, *, outwards: bool) -> Iterator[str]:
    said, read = (new, old) if outwards else (old, new)  # whoever reads must understand all that is said
    surprising = {one for one in said.types - read.types if (one, "number") != ("integer", "number")}
    surprising -= {"integer"} if "number" in read.types else set()
    if surprising:
        yield f"{at}: {' or '.join(sorted(surprising))} {'may come' if outwards else 'is not taken'} now"
    yield from _compare_values(old, new, at, outwards=outwards)
    yield from (f"{at}: another {word}" for word, text in old.exact.items() if new.exact.get(word) != text)
    if not outwards:
        yield from (f"{at}: {word} is new" for word in new.exact.keys() - old.exact.keys())
    yield from (
        f"{at}: another {word}"
        for word in {*said.limits, *read.limits}
        if word in read.limits and _wider(word, said.limits.get(word), read.limits[word])
    )
    missing = read.required - said.required
    yield from (f"{at}.{name}: {'not always there' if outwards else 'required'} now" for name in sorted(missing))
    for name, parts in old.inner.items():
        if name not in new.inner:
            yield f"{at}.{name}: is gone"
        else:
            pair = _Shape.joined(old.bundle, parts), _Shape.joined(new.bundle, new.inner[name])
            yield from _compare(*pair, f"{at}.{name}", outwards=outwards)


def _compare_values(old: _Shape, new: _Shape, at: str, *, outwards: bool) -> Iterator[str]:
    if old.values is None:
        if new.values is not None:
            yield f"{at}: only {', '.join(sorted(new.values))} now"
        return
    if new.values is None:
        yield f"{at}: any value now"
        return
    yield from (f"{at}: no {value} any more" for value in sorted(old.values - new.values))
    if outwards and not old.grows:
        yield from (f"{at}: {value} is new" for value in sorted(new.values - old.values))


def _wider(word: str, said: float | None, read: float) -> bool:
    if said is None:
        return True
    return said < read if word in _LEAST else said > read
