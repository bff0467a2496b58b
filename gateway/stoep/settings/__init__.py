"""`gateway.toml` and how it is read."""

from stoep.settings.private import password, require_private
from stoep.settings.reader import Strict, convert, read_toml
from stoep.settings.rules import after_noon, load
from stoep.settings.tables import (
    BridgeSettings,
    ClockSettings,
    Lighting,
    LocalBrokerSettings,
    LogSettings,
    MqttSettings,
    Name,
    RegistryFiles,
    Settings,
    Site,
    StoreSettings,
)

__all__ = [
    "BridgeSettings",
    "ClockSettings",
    "Lighting",
    "LocalBrokerSettings",
    "LogSettings",
    "MqttSettings",
    "Name",
    "RegistryFiles",
    "Settings",
    "Site",
    "StoreSettings",
    "Strict",
    "after_noon",
    "convert",
    "load",
    "password",
    "read_toml",
    "require_private",
]
