"""`gateway.toml`: what it may say, and errors that name the file, the key, the value and the remedy."""

import difflib
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from stoep.errors import SettingsError

Form = TypeVar("Form", bound=msgspec.Struct)
Positive = Annotated[float, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
_AT = re.compile(r" - at `\$\.?(?P<key>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`")
_WIDER_THAN_OWNER = stat.S_IRWXG | stat.S_IRWXO


class Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A table that knows all its keys."""


class Site(Strict, frozen=True):
    name: Name


class RegistryFiles(Strict, frozen=True):
    nodes: str = "nodes.toml"
    secrets: str = "secrets.toml"


class StoreSettings(Strict, frozen=True):
    path: str = "stoep.db"
    commit_seconds: Positive = 1.0
    commit_samples: Annotated[int, msgspec.Meta(ge=1)] = 500


class BridgeSettings(Strict, frozen=True):
    port: Annotated[str, msgspec.Meta(min_length=1)]


class MqttSettings(Strict, frozen=True):
    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883
    tls: bool = True
    ca_file: str | None = None
    username: str | None = None
    password_file: str | None = None
    client_id: str | None = None
    keepalive: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 30


class ClockSettings(Strict, frozen=True):
    source: Literal["system", "twin"] = "system"
    file: str | None = None


class LogSettings(Strict, frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Strict, frozen=True):
    """The whole of gateway.toml; `folder` is where its relative paths start."""

    site: Site
    bridge: Annotated[tuple[BridgeSettings, ...], msgspec.Meta(min_length=1)]
    mqtt: MqttSettings
    registry: RegistryFiles = RegistryFiles()
    store: StoreSettings = StoreSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()
    folder: Path = Path()

    def path(self, name: str) -> Path:
        return self.folder / Path(name).expanduser()


def read_toml(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except FileNotFoundError:
        raise SettingsError(file, "", "is not there", "create it, or name another one") from None
    except OSError as error:
        raise SettingsError(file, "", f"cannot be read ({error.strerror})", "look at its permissions") from error
    except UnicodeDecodeError as error:
        raise SettingsError(file, "", "is not UTF-8 text", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(file, "", f"is not TOML ({error})", "correct that line") from error


def require_private(file: Path) -> None:
    """Refuses a file with secrets that others may read."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return  # reading it says what is wrong
    if mode & _WIDER_THAN_OWNER:
        wide = f"may be read by others (mode {stat.S_IMODE(mode):04o})"
        raise SettingsError(file, "", wide, f"say: chmod 600 {file}")


def convert(file: Path, raw: dict[str, Any], form: type[Form], *, secret: bool = False) -> Form:
    """`raw` as a `form`, or an error that tells where in the file and what would be right."""
    try:
        return msgspec.convert(raw, form, strict=True)
    except msgspec.ValidationError as error:
        text = str(error)
        at = _AT.search(text)
        key = at["key"] if at else ""
        problem = _AT.sub("", text)
        raise _explained(file, raw, key, problem, form, secret=secret) from None


def _explained(
    file: Path, raw: dict[str, Any], key: str, problem: str, form: type[Any], *, secret: bool
) -> SettingsError:
    if unknown := _UNKNOWN.search(problem):
        field = unknown["field"]
        known = sorted(_fields(form))
        close = difflib.get_close_matches(field, known, 1)
        full = f"{key}.{field}" if key else field
        return SettingsError(file, full, "is not a setting", f"did you mean `{close[0]}`?" if close else "remove it")
    if "missing required field" in problem:
        field = problem.split("`")[1]
        return SettingsError(file, f"{key}.{field}" if key else field, "is missing", "add it")
    value = "" if secret else f" = {_value(raw, key)!r}"
    return SettingsError(file, f"{key}{value}", problem.lower(), "correct the value")


def _fields(form: type[Any]) -> set[str]:
    """Every key of `form` and of the tables in it."""
    names: set[str] = set()
    for field in msgspec.structs.fields(form):
        names.add(field.name)
        for inner in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                names |= _fields(inner)
    return names - {"folder"}


def _value(raw: Any, key: str) -> Any:
    for part in re.findall(r"[^.\[\]]+", key):
        try:
            raw = raw[int(part) if isinstance(raw, list) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return raw


def load(file: Path) -> Settings:
    """The settings in `file`, checked as far as they can be without opening anything."""
    raw = read_toml(file)
    if "folder" in raw:
        raise SettingsError(file, "folder", "is not a setting", "remove it")
    settings = msgspec.structs.replace(convert(file, raw, Settings), folder=file.resolve().parent)
    if settings.clock.source == "twin" and settings.clock.file is None:
        raise SettingsError(file, "clock.file", "is missing", 'add it, or say clock.source = "system"')
    mqtt = settings.mqtt
    if mqtt.ca_file is not None and not mqtt.tls:
        raise SettingsError(file, "mqtt.ca_file", "means nothing while mqtt.tls = false", "remove it, or turn TLS on")
    if mqtt.ca_file is not None and not settings.path(mqtt.ca_file).is_file():
        raise SettingsError(file, f"mqtt.ca_file = {mqtt.ca_file!r}", "is not there", "name the CA's certificate file")
    if mqtt.password_file is not None and mqtt.username is None:
        raise SettingsError(file, "mqtt.username", "is missing beside mqtt.password_file", "add it")
    return settings


def password(settings: Settings) -> str | None:
    """The broker's password; never logged."""
    if settings.mqtt.password_file is None:
        return None
    file = settings.path(settings.mqtt.password_file)
    require_private(file)
    try:
        return file.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise SettingsError(file, "", "holds no password", "write it into the first line") from error
