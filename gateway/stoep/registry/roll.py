"""The files of the registry as text: what a person wrote and remarked stays, whatever a command changes in them."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, InlineTable, Table, Whitespace

from stoep.errors import SettingsError

Content = Mapping[str, Any]


class Roll:
    """One file. `text` is what is to be written."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.before = self._read()
        try:
            self._document = tomlkit.parse(self.before)
        except TOMLKitError as error:
            raise SettingsError(file, "", f"is not TOML ({error})", "correct that line") from error

    def _read(self) -> str:
        try:
            return self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(self.file, "", f"cannot be read ({error})", "look at its permissions") from error

    @property
    def text(self) -> str:
        return self._document.as_string()

    @property
    def content(self) -> dict[str, Any]:
        return tomllib.loads(self.text)

    @property
    def decimals(self) -> dict[str, Any]:
        """The same, with numbers as exact as they are written."""
        return tomllib.loads(self.text, parse_float=Decimal)

    def untouched(self) -> bool:
        """Whether the file still is as it was read."""
        return self._read() == self.before

    def _tables(self, name: str) -> AoT | Array:
        if not self._document.get(name):  # also `node = []`, as which one may write that there is none
            self._document.pop(name, None)
            self._document.append(name, tomlkit.aot())
        tables = self._document[name]
        if not isinstance(tables, AoT | Array):
            raise SettingsError(self.file, name, "is no list of tables", f"write [[{name}]] above each")
        return tables

    def add(self, name: str, content: Content) -> None:
        """One more `[[name]]`."""
        tables = self._tables(name)
        if isinstance(tables, AoT):
            if self.before or len(tables):
                _end_with_blank_line(tables[-1].value if len(tables) else self._document)
            table = tomlkit.table()
            for key, value in content.items():
                table.add(key, _item(value))
            tables.append(table)
        else:
            tables.append(_item(content))

    def change(self, name: str, index: int, content: Content) -> None:
        """What `content` names, in the `[[name]]` at `index`; the rest of it stays."""
        table = self._tables(name)[index]
        for key, value in content.items():
            _set(table, key, _item(value))

    def drop(self, name: str, index: int) -> None:
        """Without the `[[name]]` at `index` and the remarks above it."""
        tables = self._tables(name)
        if isinstance(tables, AoT):
            _hand_remarks_on(tables, index)
        del tables[index]
        if not tables:
            del self._document[name]

    def drop_lamp(self, group: int, lamp: int) -> None:
        del self._tables("group")[group]["lamps"][lamp]

    def put(self, table: str, key: str, value: str | list[str]) -> None:
        """`key = value` under `[table]`."""
        if table not in self._document:
            if self.before:
                _end_with_blank_line(self._document)
            self._document.append(table, tomlkit.table())
        _set(self._document[table], key, value)

    def take(self, table: str, key: str) -> None:
        """Without `key` under `[table]`."""
        within = self._document.get(table)
        if within is not None and key in within:
            del within[key]


def _item(value: Any) -> Any:
    if isinstance(value, Mapping):
        table: InlineTable = tomlkit.inline_table()
        table.update(value)
        return table
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        array = tomlkit.array()
        for one in value:
            array.append(_item(one))
        return array.multiline(True)
    return tomlkit.item(value)


def _set(table: Any, key: str, value: Any) -> None:
    """A new key comes before the remarks at the table's end."""
    if key in table or not isinstance(table, Table):
        table[key] = value
        return
    remarks = _remarks(table)
    body = table.value.body
    del body[len(body) - len(remarks) :]
    table.add(key, value)
    body += remarks


def _remarks(table: Table) -> list[Any]:
    """The comments and blank lines at the table's end: a person meant them for the next one."""
    body = table.value.body
    begin = len(body)
    while begin and body[begin - 1][0] is None and isinstance(body[begin - 1][1], Comment | Whitespace):
        begin -= 1
    return body[begin:]


def _hand_remarks_on(tables: AoT, index: int) -> None:
    """The remarks at the end of a table that goes stand for the next; those above it go with it."""
    if index:
        own = _remarks(tables[index - 1])
        body = tables[index - 1].value.body
        body[len(body) - len(own) :] = _remarks(tables[index])
    elif len(tables) > 1:
        heading = "".join(item.as_string() for _, item in _remarks(tables[0]))
        tables[1].trivia.indent = heading.lstrip("\n") + tables[1].trivia.indent


def _end_with_blank_line(container: Container) -> None:
    text = container.as_string()
    if text and not text.endswith("\n"):
        container.add(tomlkit.nl())
    if text and not text.endswith("\n\n"):
        container.add(tomlkit.nl())
