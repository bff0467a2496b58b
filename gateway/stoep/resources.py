"""Where the firmware's files, the wire's contract and the hardware drawings are.

They travel inside the wheel as `stoep/_shipped/`; in a checkout they are where people edit them.
"""

from functools import cache
from pathlib import Path

from stoep.errors import PermanentError

_PACKAGE = Path(__file__).resolve().parent


@cache
def _find(name: str, witness: str) -> Path:
    tried = (_PACKAGE / "_shipped" / name, _PACKAGE.parents[1] / name)
    for candidate in tried:
        if (candidate / witness).exists():
            return candidate
    raise PermanentError(
        f"the files of {name}/ are missing (looked for {witness} in {' and '.join(map(str, tried))}); "
        "install the package again, or work from a whole checkout"
    )


def firmware_dir() -> Path:
    """boot.py, main.py, node/, bridge/, wire/ as a board carries them."""
    return _find("firmware", "wire/wire.cddl")


def wire_dir() -> Path:
    """wire.cddl, channels.toml and the test vectors."""
    return firmware_dir() / "wire"


def hardware_dir() -> Path:
    """One TOML per kind: parts, pins, wires."""
    return _find("hardware", "bin.toml")


def example_settings() -> Path:
    """A commented gateway.toml."""
    return _find("gateway", "gateway.toml") / "gateway.toml"
