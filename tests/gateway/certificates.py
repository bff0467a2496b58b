"""A city's certification authority in a folder: what a broker and its gateways show each other."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

PASSPHRASE = b"hush-hush"


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


class Authority:
    """`ca.pem` in its folder; `issue` adds NAME.pem and NAME.key there."""

    def __init__(self, folder: Path, name: str = "the city") -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "ca.pem"
        built = self._builder(self._name, self._key.public_key(), timedelta(days=3650))
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta) -> x509.CertificateBuilder:
        """Valid from `life` ago at the latest, for `life` from now: negative, and it has expired."""
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3650))
            .not_valid_after(now + life)
        )

    def issue(
        self, name: str, *, days: float = 365, host: str = "127.0.0.1", locked: bool = False
    ) -> tuple[Path, Path]:
        """(certificate, key); `locked`: the key has a passphrase."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = self._builder(_named(name), key.public_key(), timedelta(days=days))
        built = built.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        certificate, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        lock: KeySerializationEncryption = BestAvailableEncryption(PASSPHRASE) if locked else NoEncryption()
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        key_file.chmod(0o600)
        return certificate, key_file
