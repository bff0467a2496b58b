"""All that is wrong with the files somebody wrote, gathered, so that nobody has to find it one by one."""

from collections.abc import Iterator
from contextlib import contextmanager

from stoep.errors import SettingsError


class Findings:
    def __init__(self) -> None:
        self.errors: list[SettingsError] = []

    @contextmanager
    def noting(self) -> Iterator[None]:
        """What goes wrong in here is kept for later."""
        try:
            yield
        except SettingsError as error:
            self.errors += error.every

    def settle(self) -> None:
        """Raises the first error with the others in it, if there was any."""
        if self.errors:
            first, *others = self.errors
            first.others = tuple(others)
            raise first
