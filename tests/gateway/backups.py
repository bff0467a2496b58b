"""A backup taken and put back."""

from pathlib import Path

import pyrage

from gateway_chain import Chain
from stoep.store import backup

OWN = pyrage.x25519.Identity.generate()


def taken(folder: Path) -> Path:
    """For a public key: stretching a passphrase takes its second on purpose."""
    to = folder / "stoep.backup"
    backup.take(folder / "stoep.db", to, recipient=str(OWN.to_public()))
    return to


def put_back(chain: Chain, source: Path, folder: Path) -> None:
    chain.database.close()
    backup.restore(source, folder / "stoep.db", passphrase=str, identity=str(OWN))
    chain._open((int.from_bytes(chain.met._instance, "big") + 1).to_bytes(4, "big"))
