"""A TOML file as typed tables, or errors that name the file, the key, the value and the remedy: all of them at once.

msgspec judges each value; the walk through the tables is ours, because msgspec stops at the first thing it dislikes.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin

import msgspec

from stoep.errors import SettingsError
from stoep.settings.findings import Findings

Form = TypeVar("Form", bound=msgspec.Struct)
_AT = re.compile(r" - at `\$(?P<key>[^`]*)`$")
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}


class Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A table that knows all its keys; those in `INNER` are ours, no file may say them."""

    INNER: ClassVar[frozenset[str]] = frozenset()


def read_toml(file: Path, number: Callable[[str], Any] = float) -> dict[str, Any]:
    """`number`: what becomes of one with a point in it. Raises SettingsError."""
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened, parse_float=number)
    except FileNotFoundError:
        raise SettingsError(file, "", "is not there", "create it, or name another one") from None
    except OSError as error:
        raise SettingsError(file, "", f"cannot be read ({error.strerror})", "look at its permissions") from error
    except UnicodeDecodeError as error:
        raise SettingsError(file, "", "is not UTF-8 text", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(file, "", f"is not TOML ({error})", "correct that line") from error


def convert(file: Path, raw: dict[str, Any], form: type[Form], *, secret: bool = False) -> Form:
    """`raw` as a `form`; `secret`: no value is shown. Raises SettingsError."""
    reading = Reading(file, form, secret=secret)
    parts = reading.parts(raw, form)
    reading.findings.settle()
    return form(**parts)


class Reading:
    """One walk through a document whose whole is a `root`; what it dislikes is in `findings`."""

    def __init__(self, file: Path, root: type[msgspec.Struct], *, secret: bool = False) -> None:
        self.findings = Findings()
        self._file = file
        self._root = root
        self._secret = secret

    def parts(self, raw: Mapping[str, Any], form: type[msgspec.Struct], at: str = "") -> dict[str, Any]:
        """The fields of `form` that are said and right."""
        fields = _fields(form)
        for name in raw:
            if name not in fields:
                self._note(_join(at, name), "is not a setting", self._meant(name, fields))
        found: dict[str, Any] = {}
        for name, field in fields.items():
            if name in raw:
                with self.findings.noting():
                    found[name] = self._value(raw[name], field.type, _join(at, name))
            elif field.required:
                self._note(_join(at, name), "is missing", "add it")
        return found

    def _note(self, key: str, problem: str, remedy: str) -> None:
        self.findings.errors.append(SettingsError(self._file, key, problem, remedy))

    def _meant(self, name: str, fields: Mapping[str, Any]) -> str:
        close = difflib.get_close_matches(name, sorted(fields), 1)
        if close:
            return f"did you mean `{close[0]}`?"
        homes = [
            table
            for table, field in _fields(self._root).items()
            if (form := _struct(field.type)) is not None and name in _fields(form)
        ]
        return f"it belongs under [{homes[0]}]" if homes else "remove it"

    def _value(self, raw: Any, kind: Any, key: str) -> Any:
        """Raises SettingsError."""
        form = _struct(kind)
        if form is not None:
            return self._table(raw, form, key)
        bare = _bare(kind)
        item = get_args(bare)[0] if get_origin(bare) is tuple else None
        if item is not None and _struct(item) is not None:
            tables = self._leaf(raw, _retyped(kind, tuple[Any, ...]), key)
            return self._each((f"{key}[{index}]", one, item) for index, one in enumerate(tables))
        if get_origin(bare) is dict:
            entries = self._leaf(raw, dict[str, Any], key)
            values = self._each((_join(key, name), one, get_args(bare)[1]) for name, one in entries.items())
            return dict(zip(entries, values, strict=True))
        return self._leaf(raw, kind, key)

    def _table(self, raw: Any, form: type[msgspec.Struct], key: str) -> Any:
        found = Reading(self._file, self._root, secret=self._secret)
        parts = found.parts(self._leaf(raw, dict[str, Any], key), form, key)
        found.findings.settle()
        return form(**parts)

    def _each(self, items: Any) -> tuple[Any, ...]:
        findings, values = Findings(), []
        for key, raw, kind in items:
            with findings.noting():
                values.append(self._value(raw, kind, key))
        findings.settle()
        return tuple(values)

    def _leaf(self, raw: Any, kind: Any, key: str) -> Any:
        try:
            return msgspec.convert(raw, kind, strict=True)
        except msgspec.ValidationError as error:
            text = str(error)
            at = _AT.search(text)
            value = "" if self._secret else f" = {raw!r}"
            problem = _AT.sub("", text).replace(" | null", "")
            where = key + (at["key"] if at else "")
            raise SettingsError(self._file, where + value, problem[0].lower() + problem[1:], _remedy(kind)) from None


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _fields(form: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    inner: frozenset[str] = getattr(form, "INNER", frozenset())
    return {field.name: field for field in msgspec.structs.fields(form) if field.name not in inner}


def _bare(kind: Any) -> Any:
    """Without `Annotated` and `| None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    some = [one for one in get_args(kind) if one is not NoneType]
    return _bare(some[0]) if NoneType in get_args(kind) and len(some) == 1 else kind


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    bare = _bare(kind)
    return bare if isinstance(bare, type) and issubclass(bare, msgspec.Struct) else None


def _metas(kind: Any) -> list[msgspec.Meta]:
    metas = [one for one in get_args(kind) if isinstance(one, msgspec.Meta)]
    return metas + [meta for one in get_args(kind) for meta in _metas(one)]


def _retyped(kind: Any, bare: Any) -> Any:
    """`bare` under the bounds of `kind`."""
    for meta in _metas(kind):
        bare = Annotated[bare, meta]
    return bare


def _remedy(kind: Any) -> str:
    """What would be right: as the type's `Meta(description=…)` says it, or as its bounds do."""
    bare, metas = _bare(kind), _metas(kind)
    described = [meta.description for meta in metas if meta.description]
    if described:
        return f"write {described[0]}"
    if get_origin(bare) is Literal:
        return f"write one of {', '.join(map(repr, get_args(bare)))}"
    if bare not in _WORDS:
        return "correct the value"
    bounds = [
        f"{word} {bound:g}"
        for name, word in (("gt", "above"), ("ge", "from"), ("lt", "below"), ("le", "to"))
        for meta in metas
        if (bound := getattr(meta, name)) is not None
    ]
    return " ".join([f"write {_WORDS[bare]}", *bounds])
