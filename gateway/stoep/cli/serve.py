"""The service in the foreground: logging, signals, exit status. It leaves out whatever only a command line needs."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from stoep import settings
from stoep.errors import PermanentError, StoreFullError
from stoep.service.service import Service

_PRIORITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}  # sd-daemon(3)


class _Journald(logging.Formatter):
    """journald adds time and name; the level goes in front."""

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        return "\n".join(f"<{_PRIORITIES.get(record.levelname, 6)}>{line}" for line in lines)


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_Journald("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


def serve(config: Path) -> int:
    """Until SIGTERM or SIGINT; the exit status, with one line on stderr where it is not 0. SIGHUP: settings anew."""
    stop, again = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    signal.signal(signal.SIGHUP, lambda _number, _frame: again.set())
    try:
        chosen = settings.load(config)
        _log_to_stderr(chosen.log.level)
        service = Service(chosen)
    except (PermanentError, StoreFullError) as error:
        print(f"stoep gateway: {error}", file=sys.stderr)
        return error.exit_code
    service.run(stop, again)
    return 0
