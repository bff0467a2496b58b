"""The answers on the disk, and the service started."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stoep.registry import atomic
from stoep.setup.answers import Answers
from stoep.setup.document import PASSWORD, compose

UNIT = "stoep-gateway.service"
_OPEN, _PRIVATE = 0o644, 0o600
_START_SECONDS = 120
_EMPTY = {
    "nodes.toml": "# Which nodes belong to this site. They come by: stoep registry import\n",
    "secrets.toml": "[secrets]\n",
}


def write(config: Path, answers: Answers) -> Iterator[Path]:
    """Whole or not at all, file by file, the settings last: what they name is there by then. Raises OSError."""
    folder = config.parent
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True)
    text = compose(config, answers)
    for name, content in _EMPTY.items():
        if not (folder / name).exists():
            atomic.replace(folder / name, content.encode(), _PRIVATE if name == "secrets.toml" else _OPEN)
            yield folder / name
    if answers.credentials.password is not None:
        atomic.replace(folder / PASSWORD, (answers.credentials.password + "\n").encode(), _PRIVATE)
        yield folder / PASSWORD
    atomic.replace(config, text.encode(), _OPEN)
    yield config


def can_start() -> bool:
    """Whether systemd runs here, knows the service, and we may ask it."""
    if not Path("/run/systemd/system").is_dir() or os.geteuid() != 0 or shutil.which("systemctl") is None:
        return False
    return subprocess.run(["systemctl", "cat", UNIT], capture_output=True, check=False).returncode == 0


def start() -> str | None:
    """Now and at each boot; why not, if it does not."""
    for command in (["enable", UNIT], ["restart", UNIT]):
        try:
            done = subprocess.run(
                ["systemctl", *command],
                capture_output=True,
                text=True,
                timeout=_START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"systemctl {' '.join(command)} took longer than {_START_SECONDS} s"
        if done.returncode:
            return done.stderr.strip() or f"systemctl {' '.join(command)} failed"
    return None
