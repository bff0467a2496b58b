"""The calibrations in force: read at the start and on SIGHUP; a file that turned wrong leaves the last good ones."""

import logging
from collections.abc import Mapping
from typing import Any

from stoep.errors import SettingsError
from stoep.refine.calibration.file import load
from stoep.settings import Settings

_log = logging.getLogger(__name__)


class Calibrations:
    """Raises SettingsError where the file is wrong from the beginning."""

    def __init__(self, chosen: Settings) -> None:
        self._file = chosen.path(chosen.calibration.file)
        self._chosen = chosen.calibration
        self._problem: str | None = None
        self.book = load(self._file, self._chosen)
        _log.info("%d calibrations are in force", len(self.book.calibrations))

    def again(self) -> bool:
        """Reads the file again; True when something else is in force."""
        try:
            book = load(self._file, self._chosen)
        except SettingsError as error:
            self._problem = str(error)
            _log.error("the calibrations stay as they were: %s", error)
            return False
        self._problem = None
        changed = book.calibrations != self.book.calibrations
        if changed:
            _log.info("the calibrations were read again, there are %d", len(book.calibrations))
            self.book = book
        return changed

    def status(self) -> Mapping[str, Any]:
        """For the gateway's message."""
        return {} if self._problem is None else {"calibration_problem": self._problem}
