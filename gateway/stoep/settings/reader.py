"""A TOML file as typed tables, or an error that names the file, the key, the value and the remedy."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stoep.errors import SettingsError

Form = TypeVar("Form", bound=msgspec.Struct)
_AT = re.compile(r" - at `\$\.?(?P<key>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`")


class Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A table that knows all its keys."""

def read_toml(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except FileNotFoundError:
        raise SettingsError(file, "", "is not there", "create it, or name another one") from None
    except OSError as error:
        raise SettingsError(file, "", f"cannot be read ({error.strerror})", "look at its permissions") from error
    except UnicodeDecodeError as error:
        raise SettingsError(file, "", "is not UTF-8 text", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(file, "", f"is not TOML ({error})", "correct that line") from error

def convert(file: Path, raw: dict[str, Any], form: type[Form], *, secret: bool = False) -> Form:
    """`raw` as a `form`, or an error that tells where in the file and what would be right."""
    try:
        return msgspec.convert(raw, form, strict=True)
    except msgspec.ValidationError as error:
        text = str(error)
        at = _AT.search(text)
        key = at["key"] if at else ""
        problem = _AT.sub("", text)
        raise _explained(file, raw, key, problem, form, secret=secret) from None


def _explained(
    file: Path, raw: dict[str, Any], key: str, problem: str, form: type[Any], *, secret: bool
) -> SettingsError:
    if unknown := _UNKNOWN.search(problem):
        field = unknown["field"]
        known = sorted(_fields(form))
        close = difflib.get_close_matches(field, known, 1)
        full = f"{key}.{field}" if key else field
        return SettingsError(file, full, "is not a setting", f"did you mean `{close[0]}`?" if close else "remove it")
    if "missing required field" in problem:
        field = problem.split("`")[1]
        return SettingsError(file, f"{key}.{field}" if key else field, "is missing", "add it")
    value = "" if secret else f" = {_value(raw, key)!r}"
    return SettingsError(file, f"{key}{value}", problem.lower(), "correct the value")


def _fields(form: type[Any]) -> set[str]:
    """Every key of `form` and of the tables in it."""
    names: set[str] = set()
    for field in msgspec.structs.fields(form):
        names.add(field.name)
        for inner in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                names |= _fields(inner)
    return names - {"folder"}


def _value(raw: Any, key: str) -> Any:
    for part in re.findall(r"[^.\[\]]+", key):
        try:
            raw = raw[int(part) if isinstance(raw, list) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return raw
