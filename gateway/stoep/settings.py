"""`gateway.toml`: what it may say, and errors that name the file, the key, the value and the remedy."""

import difflib
import re
import stat
import tomllib
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from stoep.errors import SettingsError

Form = TypeVar("Form", bound=msgspec.Struct)
Positive = Annotated[float, msgspec.Meta(gt=0)]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
_AT = re.compile(r" - at `\$\.?(?P<key>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`")
_WIDER_THAN_OWNER = stat.S_IRWXG | stat.S_IRWXO


class Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A table that knows all its keys."""


class Site(Strict, frozen=True):
    """`latitude`, `longitude` (degrees, north and east) and `timezone` (IANA's name): all three, or none."""

    name: Name
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    timezone: str | None = None

    @property
    def placed(self) -> bool:
        """Whether it is known where the site is."""
        return self.latitude is not None


class Lighting(Strict, frozen=True):
    """When the lamps are lit, and how much, in percent of full light; times are the town's.

    `dusk`: how many degrees below the horizon the sun is when they go on. At 3 a clear sky still gives some seventy lux
    and a sky full of rain a tenth of that, about what a street's lamp gives: nobody waits for it in the dark.
    """

    base: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    dim: Annotated[int, msgspec.Meta(ge=0, le=100)] = 30
    dim_from: TimeOfDay = "22:00"
    dim_to: TimeOfDay = "06:00"
    dusk: Annotated[float, msgspec.Meta(ge=0, le=6)] = 3.0


class RegistryFiles(Strict, frozen=True):
    nodes: str = "nodes.toml"
    secrets: str = "secrets.toml"


class StoreSettings(Strict, frozen=True):
    path: str = "stoep.db"
    commit_seconds: Positive = 10.0
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


class LocalBrokerSettings(Strict, frozen=True):
    """The broker on the street's own network, for nodes on Wi-Fi; no table: there are none."""

    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    tls: bool = False  # what it carries is sealed already
    ca_file: str | None = None
    username: str | None = None
    password_file: str | None = None


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
    lighting: Lighting = Lighting()
    local_broker: LocalBrokerSettings | None = None
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
    _check_light(file, settings, named="lighting" in raw)
    _check_broker(file, settings, "mqtt", settings.mqtt)
    if settings.local_broker is not None:
        _check_broker(file, settings, "local_broker", settings.local_broker)
    return settings


def _check_broker(file: Path, settings: Settings, table: str, broker: MqttSettings | LocalBrokerSettings) -> None:
    ca_file = broker.ca_file
    if ca_file is not None and not broker.tls:
        problem = f"means nothing while {table}.tls = false"
        raise SettingsError(file, f"{table}.ca_file", problem, "remove it, or turn TLS on")
    if ca_file is not None and not settings.path(ca_file).is_file():
        raise SettingsError(file, f"{table}.ca_file = {ca_file!r}", "is not there", "name the CA's certificate file")
    if broker.password_file is not None and broker.username is None:
        raise SettingsError(file, f"{table}.username", f"is missing beside {table}.password_file", "add it")


def after_noon(time: str) -> int:
    """The minutes from noon to the "HH:MM" that follows it: a night's times in their order."""
    hours, minutes = time.split(":")
    return (int(hours) * 60 + int(minutes) - 720) % 1440


def _check_light(file: Path, settings: Settings, *, named: bool) -> None:
    site, lighting = settings.site, settings.lighting
    place = {"latitude": site.latitude, "longitude": site.longitude, "timezone": site.timezone}
    missing = [key for key, value in place.items() if value is None]
    if missing and (named or len(missing) < len(place)):
        why = "lighting needs" if len(missing) == len(place) else "belongs to"
        problem = f"is missing: {why} latitude, longitude and timezone"
        raise SettingsError(file, f"site.{missing[0]}", problem, "add it, or remove the others")
    if site.timezone is not None and site.timezone not in zoneinfo.available_timezones():
        close = difflib.get_close_matches(site.timezone, zoneinfo.available_timezones(), 1)
        remedy = f"did you mean {close[0]!r}?" if close else "write one such as 'Europe/Brussels'"
        raise SettingsError(file, f"site.timezone = {site.timezone!r}", "is no time zone", remedy)
    if lighting.dim > lighting.base:
        raise SettingsError(file, f"lighting.dim = {lighting.dim}", "is brighter than base", "write at most that much")
    if after_noon(lighting.dim_to) < after_noon(lighting.dim_from):
        problem = f"is before dim_from = {lighting.dim_from!r}, counted from noon to noon"
        raise SettingsError(file, f"lighting.dim_to = {lighting.dim_to!r}", problem, "write a later time of the night")


def password(settings: Settings, password_file: str | None) -> str | None:
    """The password in a file that only its owner may read; never logged."""
    if password_file is None:
        return None
    file = settings.path(password_file)
    require_private(file)
    try:
        return file.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise SettingsError(file, "", "holds no password", "write it into the first line") from error
