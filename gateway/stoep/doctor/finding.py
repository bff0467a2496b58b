"""One thing that was looked at: how it is, and what to do if it is not well."""

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    GOOD = "ok"
    UNKNOWN = "?"  # it could not be looked at here
    WARNING = "!"
    TROUBLE = "!!"


class Finding(NamedTuple):
    """`remedy`: what to do, in plain words; None where nothing is to be done."""

    about: str
    level: Level
    words: str
    remedy: str | None = None


def good(about: str, words: str) -> Finding:
    return Finding(about, Level.GOOD, words)


def unknown(about: str, words: str, remedy: str | None = None) -> Finding:
    return Finding(about, Level.UNKNOWN, words, remedy)


def warning(about: str, words: str, remedy: str) -> Finding:
    return Finding(about, Level.WARNING, words, remedy)


def trouble(about: str, words: str, remedy: str) -> Finding:
    return Finding(about, Level.TROUBLE, words, remedy)
