"""Each answer is tried before it is written: as the service would read it, and against the broker and the bridge."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from stoep import settings
from stoep.doctor import bridges, city
from stoep.doctor.finding import Finding
from stoep.errors import SettingsError
from stoep.service import brokers
from stoep.settings import BridgeSettings
from stoep.setup.answers import Answers
from stoep.setup.document import PASSWORD, compose


def read(answers: Answers, tables: frozenset[str]) -> list[SettingsError]:
    """What the service would not take of it in these tables. Raises nothing."""
    with tempfile.TemporaryDirectory(prefix="stoep-setup-") as folder:
        try:
            draft = settings.examine(_written(Path(folder), answers))
        except SettingsError as error:
            return list(error.every)
        return [error for error in draft.findings.errors if error.key.split(".")[0].split("[")[0] in tables]


def reach(answers: Answers) -> Finding:
    """Whether the city's broker lets us in."""
    with tempfile.TemporaryDirectory(prefix="stoep-setup-") as folder:
        file = _written(Path(folder), answers)
        return city.look(brokers.city(settings.load(file)))


def hear(bridge: str) -> Iterator[Finding]:
    """Whether one says hello at `bridge`, a port or "auto"."""
    yield from bridges.look((BridgeSettings(port=bridge),))


def _written(folder: Path, answers: Answers) -> Path:
    """As it will be written, in a folder that is only ours."""
    file = folder / "gateway.toml"
    file.write_text(compose(file, answers), encoding="utf-8")
    if answers.credentials.password is not None:
        secret = folder / PASSWORD
        secret.touch(0o600)
        secret.write_text(answers.credentials.password + "\n", encoding="utf-8")
    return file
