"""The working folder, and what holds for every board of a site: `field.toml` in it, which a field kit brings along.

site = "grote-markt"
channel = 6                     # of the radio
gateway_key = "age1…"           # `stoep registry key` on the gateway prints it
image = "ESP32_GENERIC-….bin"   # beside this file
[settings]                      # of the nodes, where they are not the default
interval = 900
"""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from stoep.settings import Name, Strict, convert, read_toml

SETTINGS = "field.toml"
_VARIABLE = "STOEP_FIELD"


class Site(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Options on the command line take precedence."""

    site: Name | None = None
    channel: Annotated[int, msgspec.Meta(ge=1, le=13)] | None = None
    gateway_key: Annotated[str, msgspec.Meta(pattern="^age1[0-9a-z]+$")] | None = None
    gateway: str | None = None  # for SSH
    image: str | None = None
    settings: dict[str, int] = {}  # noqa: RUF012 -- msgspec copies a default


def default() -> Path:
    """$STOEP_FIELD, or stoep-field in the home folder."""
    return Path(os.environ.get(_VARIABLE) or Path.home() / "stoep-field")


def site(folder: Path) -> Site:
    """What `field.toml` says; nothing when there is none. Raises SettingsError."""
    file = folder / SETTINGS
    return convert(file, read_toml(file), Site) if file.exists() else Site()
