"""The test record: what was flashed and what the self-test said, signed by the laptop that did it (Ed25519, RFC 8032).

    {"record": {…}, "signer": "<public key, base64>", "signature": "<of the record's canonical JSON, base64>"}

Canonical: keys sorted, no blanks, UTF-8. It proves which laptop's key said so, and that nobody changed it since.
"""

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stoep.registry import atomic
from stoep.settings import require_private
from stoep_field.errors import FolderError


def key(folder: Path) -> Ed25519PrivateKey:
    """This laptop's, made now if there is none. Raises SettingsError when others may read it, FolderError."""
    file = folder / "technician.key"
    try:
        if not file.exists():
            atomic.replace(file, Ed25519PrivateKey.generate().private_bytes_raw())
        require_private(file)
        return Ed25519PrivateKey.from_private_bytes(file.read_bytes())
    except (OSError, ValueError) as error:
        raise FolderError(f"{file} holds no key ({error})", "move it away: a new one is made") from error


def _canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(record: dict[str, Any], signer: Ed25519PrivateKey) -> bytes:
    """The record's file."""
    signed = {
        "record": record,
        "signer": base64.b64encode(signer.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(signer.sign(_canonical(record))).decode(),
    }
    return (json.dumps(signed, ensure_ascii=False, indent=2) + "\n").encode()


def check(file: Path) -> tuple[dict[str, Any], str]:
    """(record, who signed it). Raises FolderError when it is not what was signed."""
    try:
        signed = json.loads(file.read_bytes())
        signer = Ed25519PublicKey.from_public_bytes(base64.b64decode(signed["signer"]))
        signer.verify(base64.b64decode(signed["signature"]), _canonical(signed["record"]))
    except (OSError, ValueError, KeyError, TypeError, InvalidSignature) as error:
        reason = "its signature does not fit" if isinstance(error, InvalidSignature) else str(error)
        raise FolderError(f"{file} is no test record ({reason})", "test the node again") from error
    record: dict[str, Any] = signed["record"]
    return record, str(signed["signer"])
