"""A consistent copy of the store, sealed with age, taken while the service runs; and its way back.

For a public key the file is a plain age file. For a passphrase it begins with a key of its own, sealed with that: age
would take the whole store into memory otherwise.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

import pyrage

from stoep.errors import CorruptError, StoreError
from stoep.store import gap, opening
from stoep.store.database import claim
from stoep.store.migrate import migrate
from stoep.store.quarantine import sync_folder

_MAGIC = b"stoep backup 1\n"
_END = b"-----END AGE ENCRYPTED FILE-----\n"
_PLAIN = b"age-encryption.org/"
_LONGEST_HEAD = 4096
_PARTS = ("", "-wal", "-shm")

Secret = Callable[[], str]  # asked only when it is needed


def take(store: Path, to: Path, *, passphrase: Secret | None = None, recipient: str | None = None) -> int:
    """Writes the backup of `store` to `to`, readable by its owner only; its size in bytes. Raises StoreError."""
    if not store.is_file():
        raise StoreError(f"there is no store at {store}; look at store.path in the settings")
    with _explained(to, "name another place"):
        key = None if recipient is None else _recipient(recipient)
        own = pyrage.x25519.Identity.generate()
        head = b""
        if key is None:
            assert passphrase is not None
            sealed = pyrage.passphrase.encrypt(str(own).encode(), passphrase(), armored=True)
            head = _MAGIC + (sealed if sealed.endswith(b"\n") else sealed + b"\n")
        new = to.with_name(to.name + ".new")
        with _private(store.with_name(store.name + ".copy")) as copy:
            _copy(store, copy)
            try:
                with copy.open("rb") as plain, _made(new) as opened:
                    opened.write(head)
                    pyrage.encrypt_io(plain, opened, [own.to_public() if key is None else key])
                    opened.flush()
                    os.fsync(opened.fileno())
                new.replace(to)
                sync_folder(to.parent)
            finally:
                new.unlink(missing_ok=True)
        return to.stat().st_size


def restore(source: Path, store: Path, *, passphrase: Secret, identity: str | None = None) -> Path | None:
    """Puts the backup in the store's place; where the store that was there is now. Raises StoreError.

    The generation rises, no window counted so far is taken for whole any more, and no command that waited fires again:
    see gap.py. A secret that is dead by the store that was there stays dead; where that cannot be read, as on a new
    card, one that died after the backup lives until its successor is heard.
    """
    descriptor = claim(store)
    try:
        with _explained(source, "name a file that `stoep backup` wrote"), _private(_named(store, ".restored")) as new:
            with source.open("rb") as sealed, new.open("wb") as plain:
                pyrage.decrypt_io(sealed, plain, [_key(source, sealed, passphrase, identity)])
            _prepare(source, new, _present(store))
            replaced = _step_aside(store)
            _adopt(new, store.parent)
            new.replace(store)
            sync_folder(store.parent)
            return replaced
    finally:
        os.close(descriptor)


def _recipient(text: str) -> "pyrage.x25519.Recipient":
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise StoreError(f"{text} is no public key of age; make a pair with age-keygen, it begins with age1") from None


def _key(source: Path, sealed: BinaryIO, passphrase: Secret, identity: str | None) -> "pyrage.x25519.Identity":
    """What opens the rest of `sealed`."""
    start = sealed.read(len(_MAGIC))
    if start == _MAGIC:
        head = b""
        while not head.endswith(_END) and len(head) < _LONGEST_HEAD:
            head += sealed.readline(_LONGEST_HEAD)
        try:
            return pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(head, passphrase()).decode())
        except pyrage.DecryptError:
            raise StoreError(f"{source} does not open with this passphrase; give the one it was made with") from None
    if not start.startswith(_PLAIN[: len(start)]):
        raise StoreError(f"{source} is no backup of a store; name a file that `stoep backup` wrote")
    sealed.seek(0)
    if identity is None:
        raise StoreError(f"{source} was made for a public key; give the file with its identity: --identity FILE")
    try:
        return pyrage.x25519.Identity.from_str(identity)
    except pyrage.IdentityError:
        raise StoreError("the identity file holds no AGE-SECRET-KEY; give the one age-keygen made") from None


def _copy(store: Path, copy: Path) -> None:
    source = _reading(store)
    try:
        target = sqlite3.connect(copy)
        try:
            source.backup(target)
            opening.check(target)
        finally:
            target.close()
    finally:
        source.close()


def _prepare(source: Path, new: Path, present: "_Present") -> None:
    connection = opening.connect(new)
    try:
        opening.check(connection)
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        gap.open_gap(connection, present.generation)
        _bury(connection, present.dead)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except CorruptError as error:
        raise StoreError(f"{source} holds a store that is not whole ({error}); take an older backup") from error
    finally:
        connection.close()


class _Dead(NamedTuple):
    """A secret that opens nothing any more: a row of `identity`."""

    kid: bytes
    fingerprint: bytes
    name: str
    kind: str


class _Present(NamedTuple):
    """What must not be forgotten of the store that is there now."""

    generation: int
    dead: list[_Dead]


def _present(store: Path) -> _Present:
    """As far as it can be read."""
    generation, dead = 0, []
    query = "SELECT kid, fingerprint, name, kind FROM superseded JOIN identity ON id = identity WHERE dead = 1"
    with contextlib.suppress(sqlite3.Error, TypeError), contextlib.closing(_reading(store)) as connection:
        (found,) = connection.execute("SELECT generation FROM store").fetchone()
        generation = found if isinstance(found, int) else 0
        dead = [_Dead(*row) for row in connection.execute(query)]
    return _Present(generation, dead)


def _bury(connection: sqlite3.Connection, dead: Iterable[_Dead]) -> None:
    for one in dead:
        connection.execute("INSERT OR IGNORE INTO identity (kid, fingerprint, name, kind) VALUES (?, ?, ?, ?)", one)
        query = "SELECT id, 1 FROM identity WHERE kid = ? AND fingerprint = ?"
        connection.execute(f"INSERT OR REPLACE INTO superseded (identity, dead) {query}", one[:2])


def _reading(store: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(store))}?mode=ro", uri=True)


def _step_aside(store: Path) -> Path | None:
    """The store that is there gets a second name, and its write-ahead log must not be read into the next one."""
    if not store.exists():
        return None
    with contextlib.suppress(sqlite3.Error):
        connection = opening.connect(store)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
    replaced = _named(store, datetime.now(UTC).strftime(".replaced-%Y%m%dT%H%M%S%fZ"))
    for part in ("-wal", "-shm"):
        left = _named(store, part)
        if left.exists():
            left.rename(_named(replaced, part))
    _named(store, ".suspect").unlink(missing_ok=True)
    os.link(store, replaced)
    sync_folder(store.parent)
    return replaced


def _named(file: Path, end: str) -> Path:
    return file.with_name(file.name + end)


def _made(file: Path) -> BinaryIO:
    file.unlink(missing_ok=True)
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


@contextlib.contextmanager
def _private(file: Path) -> Iterator[Path]:
    """An empty file that only its owner may read, and that is gone afterwards."""
    _made(file).close()
    try:
        yield file
    finally:
        for part in _PARTS:
            _named(file, part).unlink(missing_ok=True)


def _adopt(file: Path, folder: Path) -> None:
    """What root restores belongs to whom the folder belongs to: the service must be able to write it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        for part in ("", *_PARTS[1:]):
            if _named(file, part).exists():
                os.chown(_named(file, part), owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def _explained(file: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except CorruptError as error:
        raise StoreError(f"the store is corrupt ({error}); start the gateway, it salvages what can be read") from error
    except pyrage.DecryptError as error:
        raise StoreError(f"{file} cannot be decrypted ({error}); it is damaged, or made for another key") from error
    except sqlite3.Error as error:
        raise StoreError(f"the store cannot be copied ({error}); look at its disk") from error
    except OSError as error:
        raise StoreError(f"{error.filename or file}: {error.strerror or error}; {remedy}") from error
