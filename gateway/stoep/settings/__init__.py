"""`gateway.toml` and how it is read."""

from stoep.settings.findings import Findings
from stoep.settings.loading import Draft, examine, load
from stoep.settings.private import broker_account, password, password_of, require_private
from stoep.settings.reader import Strict, convert, read_toml
from stoep.settings.rules import after_noon, is_loopback
from stoep.settings.tables import (
    AUTO,
    BridgeSettings,
    CabinetSettings,
    CalibrationSettings,
    ClockSettings,
    Lighting,
    LocalBrokerSettings,
    LogSettings,
    MetricsSettings,
    MqttSettings,
    Name,
    RegistryFiles,
    Settings,
    Site,
    StoreSettings,
)

__all__ = [
    "AUTO",
    "BridgeSettings",
    "CabinetSettings",
    "CalibrationSettings",
    "ClockSettings",
    "Draft",
    "Findings",
    "Lighting",
    "LocalBrokerSettings",
    "LogSettings",
    "MetricsSettings",
    "MqttSettings",
    "Name",
    "RegistryFiles",
    "Settings",
    "Site",
    "StoreSettings",
    "Strict",
    "after_noon",
    "broker_account",
    "convert",
    "examine",
    "is_loopback",
    "load",
    "password",
    "password_of",
    "read_toml",
    "require_private",
]
