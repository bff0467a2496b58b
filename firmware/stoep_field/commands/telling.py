"""How the commands tell: what is wrong in one line and an exit status, a bar for each board, JSON for programs."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from stoep.errors import PermanentError, StoepError

_Args = ParamSpec("_Args")


def told(command: Callable[_Args, None]) -> Callable[_Args, None]:
    """What is wrong is one line and an exit code, no traceback."""

    @wraps(command)
    def run(*args: _Args.args, **kwargs: _Args.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except StoepError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(error.exit_code if isinstance(error, PermanentError) else 1) from None
        except KeyboardInterrupt:
            typer.echo("stopped; the same command goes on from here", err=True)
            raise typer.Exit(130) from None

    return run


def as_json(document: object) -> None:
    """One document a line."""
    typer.echo(json.dumps(document, ensure_ascii=False, default=str))


class Bars:
    """A line for each port on the terminal's standard error: what is done there, and how much of it."""

    def __init__(self, *, quiet: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[port]:<14}"),
            TextColumn("{task.description:<20}"),
            BarColumn(20),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=quiet or not sys.stderr.isatty(),
        )
        self._quiet = quiet
        self._tasks: dict[str, TaskID] = {}
        self._steps: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, port: str, step: str, share: float | None) -> None:
        name = port.rsplit("/", 1)[-1]
        if not sys.stderr.isatty() and not self._quiet and self._steps.get(port) != step:
            typer.echo(f"{name}: {step}", err=True)  # a log is read line by line
        self._steps[port] = step
        if port not in self._tasks:
            self._tasks[port] = self._progress.add_task(step, total=1.0, port=name)
        self._progress.update(
            self._tasks[port], description=step, completed=share or 0.0, total=None if share is None else 1.0
        )


def shown(document: dict[str, Any]) -> str:
    """A document as lines of `key  value`."""
    width = max(len(key) for key in document)
    return "\n".join(f"{key.replace('_', ' '):<{width}}  {_word(value)}" for key, value in document.items())


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {one}" for key, one in value.items()) or "-"
    return "-" if value in (None, "", (), []) else str(value)
