"""The text of a generated MicroPython module: constants that cost no more RAM than they must."""

import re
from pathlib import Path

from stoep_field.tables import Table

_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")


class Module:
    """Collects the lines of one generated module and refuses a name given twice."""

    def __init__(self, source: Path) -> None:
        self._lines = [f"# Generated from {source.as_posix()} by `make generate`; do not edit.", ""]
        self._names: set[str] = set()

    def constant(self, name: str, value: int, table: Table, key: str, remark: str = "") -> None:
        """`table` and `key` say where the name comes from, for the error when it cannot be used."""
        if not _CONSTANT.fullmatch(name):
            raise table.error(key, f"would become the constant {name!r}", "use letters, digits and underscores only")
        if name in self._names:
            raise table.error(key, f"would become the constant {name}, which exists already", "choose another name")
        self._names.add(name)
        self._lines.append(f"{name} = const({value}){'  # ' + remark if remark else ''}")

    def gap(self, comment: str = "") -> None:
        self._lines += ["", f"# {comment}"] if comment else [""]

    def dictionary(self, name: str, entries: dict[int, str]) -> None:
        self._names.add(name)
        self._lines += [f"{name} = {{", *(f"    {key}: {value}," for key, value in entries.items()), "}"]

    def text(self) -> str:
        head, rest = self._lines[:2], self._lines[2:]
        if any("= const(" in line for line in rest):
            head += ["from micropython import const", ""]
        if not rest[0]:
            rest = rest[1:]
        return "\n".join(head + rest) + "\n"
