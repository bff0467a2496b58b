"""TLS to a broker, with certificate and host name checked."""

import ssl
from pathlib import Path
from typing import Any


class Context(ssl.SSLContext):
    """Remembers its socket: paho forgets to close it when the handshake fails."""

    made: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.made = super().wrap_socket(*args, **options)
        return self.made

    def close(self) -> None:
        if self.made is not None:
            self.made.close()


def context(ca_file: Path | None, own: tuple[Path, Path] | None = None) -> Context:
    """Trusts `ca_file`, or the system's certificates; shows `own` (certificate, key) when asked.

    Raises OSError when a file is not what it should be.
    """
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        made.load_default_certs()
    else:
        made.load_verify_locations(ca_file)
    if own is not None:
        made.load_cert_chain(*own, password="")  # without one, OpenSSL would ask whoever sits at the terminal
    return made
