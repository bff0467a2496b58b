"""What only its owner may read: files with secrets, and passwords out of them; never logged."""

import stat
from pathlib import Path

from stoep.errors import SettingsError
from stoep.settings import credentials
from stoep.settings.tables import Settings

_WIDER_THAN_OWNER = stat.S_IRWXG | stat.S_IRWXO


def require_private(file: Path) -> None:
    """Refuses a file with secrets that others may read."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return  # reading it says what is wrong
    if mode & _WIDER_THAN_OWNER and not credentials.guards(file):
        wide = f"may be read by others (mode {stat.S_IMODE(mode):04o})"
        raise SettingsError(file, "", wide, f"say: chmod 600 {file}")


def broker_account(settings: Settings) -> tuple[str, str] | None:
    """The gateway's own name and password at the local broker, None when it has none there."""
    local = settings.local_broker
    if local is None or local.username is None:
        return None
    own = password(settings, local.password_file)
    return None if own is None else (local.username, own)


def password(settings: Settings, password_file: str | None) -> str | None:
    """As `password_of` a file beside the settings, or of a credential; None where none is named."""
    return None if password_file is None else password_of(settings.secret(password_file))


def password_of(file: Path) -> str:
    """The first line of a file that only its owner may read. Raises SettingsError."""
    require_private(file)
    try:
        first = file.read_text(encoding="utf-8").splitlines()[0]
    except FileNotFoundError:
        raise SettingsError(file, "", "is not there", "write the password into its first line, mode 0600") from None
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise SettingsError(file, "", "holds no password", "write it into the first line") from error
    if not first:
        raise SettingsError(file, "", "holds no password", "write it into the first line")
    return first
