"""What must be known of a site before its gateway can run: five answers."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stoep.errors import PermanentError

_PORTS = {"mqtts": 8883, "mqtt": 1883}


class AnswerError(PermanentError):
    """An answer that cannot be right; the message says what one looks like."""

    exit_code = 2


@dataclass(frozen=True)
class Position:
    """Degrees north and east, and IANA's name of the time zone."""

    latitude: float
    longitude: float
    timezone: str


@dataclass(frozen=True)
class City:
    """The city's broker; `ca_file` None: the system's certificates."""

    host: str
    port: int
    tls: bool = True
    ca_file: Path | None = None


@dataclass(frozen=True)
class Credentials:
    """How the city's broker knows us: by name and password, by certificate, by both; with neither as anybody."""

    username: str | None = None
    password: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, cert_file={self.cert_file!r})"


@dataclass(frozen=True)
class Answers:
    """`bridge`: a port, or "auto"; `position` None: a site without lampposts need not say where it is."""

    site: str
    position: Position | None
    city: City
    credentials: Credentials
    bridge: str = "auto"


def place(text: str) -> tuple[float, float] | None:
    """ "50.847, 4.352" in degrees; None for an empty text. Raises AnswerError."""
    if not text.strip():
        return None
    parts = text.replace(",", " ").split()
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError:
        raise AnswerError(f"{text!r} is no position: write degrees north and east, such as 50.847, 4.352") from None
    return latitude, longitude


def broker(text: str) -> City:
    """ "mqtts://broker.city.example:8883", or only the host. Raises AnswerError."""
    parts = urlsplit(text.strip() if "://" in text else f"mqtts://{text.strip()}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in _PORTS or not parts.hostname or port == -1 or parts.path not in {"", "/"}:
        raise AnswerError(f"{text!r} is no broker: write its host, or mqtts://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        raise AnswerError("leave name and password out of the address: they are asked for by themselves")
    return City(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "mqtts")
