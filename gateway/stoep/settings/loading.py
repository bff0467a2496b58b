"""`gateway.toml` from the disk: as far as it is right, and with all that is wrong with it."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from stoep.settings import rules
from stoep.settings.findings import Findings
from stoep.settings.reader import Reading, read_toml
from stoep.settings.tables import Settings

_REQUIRED = {field.name for field in msgspec.structs.fields(Settings) if field.required}


class Draft(NamedTuple):
    """`settings` are good for the tables in `intact`; nobody may look at the others."""

    settings: Settings
    intact: frozenset[str]
    findings: Findings


def examine(file: Path) -> Draft:
    """Everything in `file` that can be judged by itself. Raises SettingsError when it cannot be read at all."""
    said = read_toml(file)
    reading = Reading(file, Settings)
    parts: dict[str, Any] = reading.parts(said, Settings)
    known = set(Settings.__struct_fields__) - Settings.INNER
    broken = {name: None for name in known if name not in parts and (name in said or name in _REQUIRED)}
    settings = Settings(**{**broken, **parts, "file": file})
    intact = frozenset(known - set(broken))
    rules.look(settings, said, intact, reading.findings)
    return Draft(settings, intact, reading.findings)


def load(file: Path) -> Settings:
    """The settings in `file`, checked as far as they can be without opening anything. Raises SettingsError."""
    draft = examine(file)
    draft.findings.settle()
    return draft.settings
