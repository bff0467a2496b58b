"""Reads the project's TOML so that every mistake names its file, its key and the way out."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class SourceError(Exception):
    """A source file says something that cannot become firmware."""

    def __init__(self, file: Path, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {key}: {problem}; {remedy}")
        self.file, self.key, self.problem, self.remedy = file, key, problem, remedy


class Table:
    """One TOML table that knows in which file and under which key it stands."""

    def __init__(self, file: Path, key: str, content: dict[str, Any]) -> None:
        self.file, self.key, self.content = file, key, content

    @classmethod
    def load(cls, file: Path) -> "Table":
        try:
            return cls(file, "", tomllib.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise SourceError(file, "file", f"cannot be read ({error.strerror})", "bring it back from git") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SourceError(file, "file", f"is not TOML ({error})", "correct that line") from error

    def error(self, key: str, problem: str, remedy: str) -> SourceError:
        return SourceError(self.file, f"{self.key}.{key}" if self.key else key, problem, remedy)

    def _get(self, key: str, expected: str) -> Any:
        if key not in self.content:
            raise self.error(key, "is missing", f"add it as {expected}")
        return self.content[key]

    def table(self, key: str) -> "Table":
        value = self._get(key, "a table")
        if not isinstance(value, dict):
            raise self.error(key, f"is {value!r}", "write a table")
        return Table(self.file, f"{self.key}.{key}" if self.key else key, value)

    def tables(self) -> Iterator[tuple[str, "Table"]]:
        """Every entry, each of which has to be a table."""
        return ((key, self.table(key)) for key in self.content)

    def text(self, key: str) -> str:
        value = self._get(key, "a text")
        if not isinstance(value, str) or not value.isprintable() or not value:
            raise self.error(key, f"is {value!r}", "write one line of text")
        return value

    def texts(self, key: str) -> list[str]:
        value = self._get(key, "a list of texts")
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"is {value!r}", "write a list of one or more texts")
        return value

    def only(self, known: tuple[str, ...]) -> None:
        """Refuses a word that nobody reads: a slip of the pen would be lost silently."""
        for key in self.content:
            if key not in known:
                raise self.error(key, "is no word here", f"use some of {', '.join(known)}")

    def array(self, key: str) -> list[Any]:
        value = self._get(key, "a list")
        if not isinstance(value, list) or not value:
            raise self.error(key, f"is {value!r}", "write a list of one or more")
        return value

    def each(self, key: str) -> "list[Table]":
        """Every table of a list of tables, numbered from 1."""
        tables = self.array(key)
        if not all(isinstance(table, dict) for table in tables):
            raise self.error(key, f"is {tables!r}", f"write [[{key}]]")
        return [Table(self.file, f"{key}[{number}]", table) for number, table in enumerate(tables, 1)]

    def number(self, key: str, lowest: float, highest: float) -> float:
        value = self._get(key, f"a number from {lowest:g} to {highest:g}")
        if not isinstance(value, int | float) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.error(key, f"is {value!r}", f"write a number from {lowest:g} to {highest:g}")
        return float(value)

    def integer(self, key: str, lowest: int, highest: int) -> int:
        value = self._get(key, f"an integer from {lowest} to {highest}")
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.error(key, f"is {value!r}", f"write an integer from {lowest} to {highest}")
        return value

    def boolean(self, key: str) -> bool:
        value = self._get(key, "true or false")
        if not isinstance(value, bool):
            raise self.error(key, f"is {value!r}", "write true or false")
        return value
