"""The gateway's own errors: one tree, every leaf says what is wrong and what to do about it.

The permanent branch ends the process with a message and no traceback; the transient one is waited out.
"""

from pathlib import Path


class StoepError(Exception):
    """Anything the gateway knows how to explain."""


class PermanentError(StoepError):
    """Waiting does not help: somebody has to change something. `exit_code` is the process's."""

    exit_code = 1


class TransientError(StoepError):
    """It may pass by itself: counted, logged, tried again."""


class SettingsError(PermanentError):
    """A file somebody wrote is wrong: which, where in it, and what would be right.

    `others` are what else was found wrong in the same reading.
    """

    exit_code = 2
    others: tuple["SettingsError", ...] = ()

    def __init__(self, file: Path, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {key}: {problem}; {remedy}" if key else f"{file}: {problem}; {remedy}")
        self.file = file
        self.key = key
        self.problem = problem
        self.remedy = remedy

    @property
    def every(self) -> tuple["SettingsError", ...]:
        return (self, *self.others)


class RegistryError(PermanentError):
    """What was asked of the registry cannot be done: nothing of it was."""


class CalibrationError(PermanentError):
    """What was asked of the calibrations cannot be done: nothing of it was."""


class StoreError(PermanentError):
    """The store cannot be used as it is."""


class CorruptError(StoreError):
    """Bytes of the store are not those that were written. The next start quarantines the file and salvages the rest."""

    exit_code = 74  # EX_IOERR


class StoreFullError(TransientError):
    """There is no room for this transaction: nothing of it was done, and nothing may be acknowledged for it."""

    exit_code = 75  # EX_TEMPFAIL, for a start


class MalformedError(StoepError):
    """Bytes that are not what the wire's contract says; raised and caught within the gateway, counted, dropped."""


class UnplacedError(MalformedError):
    """A usual report that counts from an exchange we do not know: the node is asked to say it in full."""
