"""What `gateway.toml` may say: its tables, their keys, and the values that hold when a key is left out."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from stoep.settings import credentials
from stoep.settings.reader import Strict

AUTO = "auto"  # in the place of a port: any adapter of a board
Positive = Annotated[float, msgspec.Meta(gt=0)]
Forwarded = Literal["window", "event", "state", "sample"]
TimeOfDay = Annotated[
    str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description='a time of day such as "22:00"')
]
Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="up to 64 letters, digits, dots, dashes, underscores, the first a letter or digit",
    ),
]
UsbIds = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$",
        description='vendor and product as lsusb shows them, such as "10c4:ea60"',
    ),
]


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
    key: str = "handover.key"
    old_secret_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 14


class StoreSettings(Strict, frozen=True):
    path: str = "stoep.db"
    commit_seconds: Positive = 10.0  # nobody waits for it, and each commit is four pages of the card
    commit_samples: Annotated[int, msgspec.Meta(ge=1)] = 500
    max_mb: Annotated[int, msgspec.Meta(ge=16)] = 2000
    max_days: Annotated[int, msgspec.Meta(ge=36)] = 365  # a late reading finds its window for 36 days


class BridgeSettings(Strict, frozen=True):
    """Where a bridge is: a `port` by its path, or what its USB adapter says of itself, or "auto": any known adapter."""

    port: Annotated[str, msgspec.Meta(min_length=1, description='the path of a serial port, or "auto"')] | None = None
    usb: UsbIds | None = None
    serial: Annotated[str, msgspec.Meta(min_length=1)] | None = None  # number, of the adapter


class MqttSettings(Strict, frozen=True):
    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883
    tls: bool = True
    ca_file: str | None = None
    username: str | None = None
    password_file: str | None = None
    cert_file: str | None = None  # ours, and its key
    key_file: str | None = None
    client_id: str | None = None
    keepalive: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 30
    forward: Annotated[frozenset[Forwarded], msgspec.Meta(min_length=1)] = frozenset({"window", "event", "state"})
    backlog_per_second: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 50.0


class LocalBrokerSettings(Strict, frozen=True):
    """The broker on the street's own network, for nodes on Wi-Fi; no table: there are none."""

    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    tls: bool = False  # what it carries is sealed already
    ca_file: str | None = None
    username: str | None = None
    password_file: str | None = None
    accounts: str | None = None  # the folder in which the gateway keeps the broker's accounts


class CalibrationSettings(Strict, frozen=True):
    """What readings are corrected by, and what of both the city gets; `particles`: where no calibration holds."""

    file: str = "calibration.toml"
    publish: Literal["raw", "corrected", "both"] = "both"
    particles: Literal["nilson-2022", "none"] = "nilson-2022"


class CabinetSettings(Strict, frozen=True):
    """The Pi's own sensor, on I2C bus 1."""

    bme280: bool = False
    address: Literal[0x76, 0x77] = 0x76


class MetricsSettings(Strict, frozen=True):
    """For Prometheus, on loopback only; no table: nobody listens."""

    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 9468


class Privacy(Strict, frozen=True):
    """`smallest_count`: of movements in a window that are fewer the number is not told; 0: each is."""

    smallest_count: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0


class ClockSettings(Strict, frozen=True):
    source: Literal["system", "twin"] = "system"
    file: str | None = None


class LogSettings(Strict, frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Strict, frozen=True):
    """The whole of gateway.toml, which is `file`; relative paths start beside it."""

    INNER = frozenset({"file"})

    site: Site
    mqtt: MqttSettings
    bridge: tuple[BridgeSettings, ...] = ()
    registry: RegistryFiles = RegistryFiles()
    store: StoreSettings = StoreSettings()
    clock: ClockSettings = ClockSettings()
    lighting: Lighting = Lighting()
    local_broker: LocalBrokerSettings | None = None
    cabinet: CabinetSettings = CabinetSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    metrics: MetricsSettings | None = None
    privacy: Privacy = Privacy()
    log: LogSettings = LogSettings()
    file: Path = Path("gateway.toml")

    def path(self, name: str) -> Path:
        return self.file.resolve().parent / Path(name).expanduser()

    def secret(self, name: str) -> Path:
        """The same for a file with secrets, but a bare name is first looked for among systemd's credentials."""
        return credentials.find(name) or self.path(name)
