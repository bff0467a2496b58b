"""Who may do what at the local broker, for mosquitto, out of the registry.

A node's name there is its kid and its password follows from its newest secret, as its firmware derives it: there is
nothing to hand over. It may only tell `stoep/up/<its kid>` and hear `stoep/down/<its kid>`; the gateway's account the
reverse.
"""

import base64
import hashlib
import hmac
import logging
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stoep.registry import atomic
from stoep.registry.registry import Entry

_log = logging.getLogger(__name__)
_ROUNDS = 101  # mosquitto's own; a password here is 128 random bits, not a word
_SALT = 12
_PASSWORD = 16
_OWNERS, _GROUPS = 0o600, 0o640
_NODES = """\
pattern write stoep/up/%u
pattern read stoep/down/%u
"""
_GATEWAY = """\
user {name}
topic read stoep/up/+
topic write stoep/down/+

"""

Account = tuple[str, str]  # name and password


def password(secret: bytes) -> str:
    """Of the node with this secret; the firmware's `node/links/account.py` comes to the same."""
    return HKDF(hashes.SHA256(), _PASSWORD, None, b"broker").derive(secret).hex()


def of_nodes(entries: Iterable[Entry]) -> list[Account]:
    """Those of the lampposts: no other node has Wi-Fi."""
    return [(node.kid.hex(), password(node.secret)) for node in entries if node.kind == "lamppost"]


def _line(account: Account, salt: bytes) -> str:
    """A line of mosquitto's password file: PBKDF2-HMAC-SHA-512."""
    name, known = account[0], hashlib.pbkdf2_hmac("sha512", account[1].encode(), salt, _ROUNDS)
    return f"{name}:$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(known).decode()}\n"


def passwords(accounts: Iterable[Account]) -> str:
    return "".join(_line(account, secrets.token_bytes(_SALT)) for account in accounts)


def _say_so(text: str, accounts: list[Account]) -> bool:
    """Whether the password file `text` is of these accounts."""
    lines = text.splitlines(keepends=True)
    if len(lines) != len(accounts):
        return False
    try:
        salts = [base64.b64decode(line.split("$")[3]) for line in lines]
    except (IndexError, ValueError):
        return False
    return all(
        hmac.compare_digest(line, _line(account, salt))
        for line, account, salt in zip(lines, accounts, salts, strict=True)
    )


def write(folder: Path, gateway: Account, entries: Iterable[Entry]) -> bool:
    """Brings `passwords` and `acl` in `folder` up to date; whether they were not. Raises OSError.

    They are only the owner's, or also the group's where the folder gives its group to what is in it (set-group-ID):
    so mosquitto may read what the gateway writes.
    """
    atomic.make_folder(folder)
    mode = _GROUPS if folder.stat().st_mode & stat.S_ISGID else _OWNERS
    accounts = [gateway, *of_nodes(entries)]
    acl = _GATEWAY.format(name=gateway[0]) + _NODES
    changed = False
    if _read(folder / "acl") != acl:
        atomic.replace(folder / "acl", acl.encode(), mode)
        changed = True
    if not _say_so(_read(folder / "passwords"), accounts):
        atomic.replace(folder / "passwords", passwords(accounts).encode(), mode)
        changed = True
    return changed


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


class Keeper:
    """Keeps the files in `folder` as the registry is, for a running gateway."""

    def __init__(self, folder: Path, gateway: Account) -> None:
        self._folder = folder
        self._gateway = gateway
        self.problem: str | None = None

    def keep(self, entries: Iterable[Entry]) -> None:
        """Never raises: what could not be written is `problem`."""
        try:
            if write(self._folder, self._gateway, entries):
                _log.info("the local broker's accounts in %s are new: it has to read them again", self._folder)
            self.problem = None
        except OSError as error:
            what = f"the local broker's accounts in {self._folder} cannot be written ({error.strerror})"
            self.problem = f"{what}: a retired lamppost keeps its account; make the folder writable for the gateway"
            _log.error("%s", self.problem)
