"""`stoep gateway`: the service in the foreground, as systemd and developers run it."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from stoep import settings
from stoep.errors import PermanentError, StoreFullError
from stoep.service import Service

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


def register(app: typer.Typer) -> None:
    @app.command("gateway")
    def command(
        config: Annotated[Path, typer.Option("--config", "-c", help="The settings, a TOML file.")],
    ) -> None:
        """Run the gateway's service until SIGTERM or Ctrl-C; SIGHUP reads the settings again."""
        stop, again = threading.Event(), threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stop.set())
        signal.signal(signal.SIGHUP, lambda _number, _frame: again.set())
        try:
            chosen = settings.load(config)
            _log_to_stderr(chosen.log.level)
            service = Service(chosen)
        except (PermanentError, StoreFullError) as error:
            typer.echo(f"stoep gateway: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        service.run(stop, again)
