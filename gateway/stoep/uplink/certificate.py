"""The certificate by which the city's broker knows us: checked at the start, and its end told weeks ahead.

An expired one does not keep the gateway from starting: the street goes on being heard, what is due waits in the outbox.
The files are read for each connection, so a renewed certificate needs no restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from stoep.errors import SettingsError
from stoep.settings import require_private

WARNED_DAYS = 30
_DAY = 86_400


@dataclass(frozen=True)
class Certificate:
    file: Path
    key_file: Path

    def check(self) -> None:
        """Raises SettingsError unless the two files belong together and the key is ours alone."""
        require_private(self.key_file)
        certificate = self._chain()[0]
        try:
            key = load_pem_private_key(self.key_file.read_bytes(), None)
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            raise SettingsError(self.key_file, "", problem, "make its owner the one we run as") from error
        except TypeError:
            remedy = "store it without (openssl pkey), mode 0600"
            raise SettingsError(self.key_file, "", "is locked by a passphrase", remedy) from None
        except Exception:  # noqa: BLE001 -- the library names no end of errors, and some would quote the key
            raise SettingsError(self.key_file, "", "is no private key in PEM form", "name the right file") from None
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
            problem = f"is not the key of the certificate {self.file}"
            raise SettingsError(self.key_file, "", problem, "name the two files that were made together")

    def ends(self) -> float:
        """When the first of the chain expires, Unix seconds; raises SettingsError."""
        return min(one.not_valid_after_utc for one in self._chain()).timestamp()

    def _chain(self) -> list[x509.Certificate]:
        """Our own first."""
        try:
            return x509.load_pem_x509_certificates(self.file.read_bytes())
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            raise SettingsError(self.file, "", problem, "look at its owner and permissions") from error
        except ValueError as error:
            raise SettingsError(self.file, "", "is no certificate in PEM form", "name the right file") from error

    def status(self, now: float | None) -> Mapping[str, object]:
        """For the gateway's health; `now` in Unix seconds, None while the clock is not trusted."""
        try:
            ends = self.ends()
        except SettingsError as error:
            return {"problem": str(error)}
        said: dict[str, object] = {"expires": datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if now is None:
            return said
        said["days_left"] = left = int((ends - now) // _DAY)
        if now >= ends:
            said["problem"] = f"{self.file} has expired; have the city issue a new certificate"
        elif left < WARNED_DAYS:
            said["problem"] = f"{self.file} expires in {left} days; have the city issue a new certificate"
        return said
