"""Answers as `gateway.toml`: the commented example, or what somebody has written already, with these values in it."""

import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from stoep.errors import SettingsError
from stoep.resources import example_settings
from stoep.setup.answers import Answers

PASSWORD = "password"  # noqa: S105 -- the file's name


def compose(config: Path, answers: Answers) -> str:
    """The whole text. What was in `config` stays, but for what was asked. Raises SettingsError."""
    document = _begun(config)
    site, mqtt = _table(config, document, "site"), _table(config, document, "mqtt")
    position = answers.position
    _set(site, "name", answers.site)
    _set(site, "latitude", None if position is None else position.latitude)
    _set(site, "longitude", None if position is None else position.longitude)
    _set(site, "timezone", None if position is None else position.timezone)
    city, known = answers.city, answers.credentials
    _set(mqtt, "host", city.host)
    _set(mqtt, "port", city.port)
    _set(mqtt, "tls", None if city.tls else False)
    _set(mqtt, "ca_file", _named(city.ca_file))
    _set(mqtt, "username", known.username)
    _set(mqtt, "password_file", None if known.password is None else PASSWORD)
    _set(mqtt, "cert_file", _named(known.cert_file))
    _set(mqtt, "key_file", _named(known.key_file))
    _bridge(document, answers.bridge)
    if position is None and not document.get("lighting", True):
        document.remove("lighting")  # the example's, which says nothing: a site without lamps need not say where it is
    return document.as_string()


def known(config: Path) -> dict[str, Any]:
    """What is in `config` already, as far as it can be read; nothing where there is none."""
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _begun(config: Path) -> tomlkit.TOMLDocument:
    file = config if config.exists() else example_settings()
    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, TOMLKitError) as error:
        raise SettingsError(file, "", f"cannot be used ({error})", "correct it, or move it away") from error


def _table(config: Path, document: tomlkit.TOMLDocument, name: str) -> Table:
    table = document.setdefault(name, tomlkit.table())
    if not isinstance(table, Table):
        raise SettingsError(config, name, "is no table", f"write [{name}] above its keys, or move the file away")
    return table


def _set(table: Table, key: str, value: object) -> None:
    if value is not None:
        table[key] = value
    elif key in table:
        table.remove(key)


def _named(file: Path | None) -> str | None:
    return None if file is None else str(file.expanduser().absolute())


def _bridge(document: tomlkit.TOMLDocument, port: str) -> None:
    """The first of the bridges; any others stay."""
    bridges = document.get("bridge")
    if not isinstance(bridges, AoT) or not bridges:
        document.pop("bridge", None)
        document.append("bridge", tomlkit.aot())
        bridges = document["bridge"]
        assert isinstance(bridges, AoT)
        bridges.append(tomlkit.table())
    first = bridges[0]
    for key in ("usb", "serial"):
        _set(first, key, None)
    _set(first, "port", port)
