"""The working folder, and what holds for every board of a site: `field.toml` in it, which a field kit brings along.

site = "grote-markt"
channel = 6                     # of the radio
gateway_key = "age1…"           # `stoep registry key` on the gateway prints it
image = "ESP32_GENERIC-….bin"   # beside this file
[settings]                      # of the nodes, where they are not the default
interval = 900

Where lampposts use Wi-Fi, `wifi.toml` beside it, mode 0600, which no kit brings along:

network = "grote-markt"
key = "…"
host = "192.168.4.1"            # the local broker
"""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from stoep.errors import SettingsError
from stoep.settings import Name, Strict, convert, read_toml
from stoep.settings.private import require_private

_SSID = 32  # bytes, IEEE 802.11
SETTINGS = "field.toml"
WIFI = "wifi.toml"
_VARIABLE = "STOEP_FIELD"
_IPV4 = r"^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(?=.)|$)){4}$"


class Site(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Options on the command line take precedence."""

    site: Name | None = None
    channel: Annotated[int, msgspec.Meta(ge=1, le=13)] | None = None
    gateway_key: Annotated[str, msgspec.Meta(pattern="^age1[0-9a-z]+$")] | None = None
    gateway: str | None = None  # for SSH
    image: str | None = None
    settings: dict[str, int] = {}  # noqa: RUF012 -- msgspec copies a default


class Wifi(Strict, frozen=True, kw_only=True):
    """Access point and local broker of a lamppost, in the limits of `node/links/account.py`."""

    network: Annotated[str, msgspec.Meta(min_length=1, max_length=_SSID)]
    key: Annotated[str, msgspec.Meta(pattern="^(|.{8,63})$")]  # "": an open network
    host: Annotated[str, msgspec.Meta(pattern=_IPV4)]  # no name: to look one up would keep the lamp waiting
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883

    def __repr__(self) -> str:
        return f"<Wi-Fi {self.network}>"


def default() -> Path:
    """$STOEP_FIELD, or stoep-field in the home folder."""
    return Path(os.environ.get(_VARIABLE) or Path.home() / "stoep-field")


def site(folder: Path) -> Site:
    """What `field.toml` says; nothing when there is none. Raises SettingsError."""
    file = folder / SETTINGS
    return convert(file, read_toml(file), Site) if file.exists() else Site()


def wifi(folder: Path) -> Wifi | None:
    """What `wifi.toml` says; None when there is none. Raises SettingsError, also when others may read it."""
    file = folder / WIFI
    if not file.exists():
        return None
    require_private(file)
    found = convert(file, read_toml(file), Wifi, secret=True)
    if len(found.network.encode()) > _SSID:
        raise SettingsError(file, "network", f"is longer than {_SSID} bytes", "give it as the access point has it")
    return found
