"""`stoep listen`: how a city convinces itself of what its street says."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stoep import settings
from stoep.clock import real
from stoep.errors import PermanentError
from stoep.listen import show, table
from stoep.listen.account import Account, Heard
from stoep.listen.broker import Access, AccessError, Came, Subscription, place

_PASSWORD = "STOEP_LISTEN_PASSWORD"  # noqa: S105 -- the variable's name
_RETAINED = ("state", "gateway")
_SAVE_SECONDS = 60.0
_HINT = """
stoep listen --broker mqtts://broker.city.example --username desk --password-file password --csv street.csv

Each message is held against its published schema; numbers of windows may only rise, and mean one thing for good.
Ctrl-C ends it with a summary. It ends with 0 if all was as it must be, 1 if something was wrong, 2 if the broker
could not be had.
"""

Broker = Annotated[str, typer.Option("--broker", "-b", help="mqtts://HOST[:PORT]; mqtt:// is not encrypted.")]
Site = Annotated[str | None, typer.Option("--site", help="Only this site; else all that the broker lets us read.")]
Ca = Annotated[Path | None, typer.Option("--ca", help="The authority of the broker's certificate, PEM.")]
Cert = Annotated[Path | None, typer.Option("--cert", help="Our certificate, PEM, with --key.")]
Key = Annotated[Path | None, typer.Option("--key", help="Our key, PEM, mode 0600.")]
Username = Annotated[str | None, typer.Option("--username", "-u", help="Our name at the broker.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help=f"Its first line is the password; mode 0600. Else ${_PASSWORD}, or asked."),
]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the windows to this file, a row for each channel.")]
Parquet = Annotated[Path | None, typer.Option("--parquet", help="The same as Parquet.")]
For = Annotated[float | None, typer.Option("--for", help="End after so many seconds.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show only what is wrong, and the summary.")]


def _password(username: str | None, file: Path | None) -> str | None:
    if file is not None:
        return settings.password_of(file)
    if username is None:
        return None
    if (told := os.environ.get(_PASSWORD)) is not None:
        return told
    if not sys.stdin.isatty():
        raise AccessError(f"--username {username} needs a password: name --password-file, or set {_PASSWORD}")
    return str(typer.prompt("Password", hide_input=True))


def _own(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise AccessError("--cert and --key belong together; name both")
    settings.require_private(key)
    return certificate, key


class _Desk:
    """Shows, checks and keeps what comes."""

    def __init__(self, console: Console, csv: Path | None, parquet: Path | None, *, quiet: bool) -> None:
        self.account = Account()
        self._console = console
        self._quiet = quiet
        self._shown: dict[str, str] = {}  # topic → its last line
        self._files = [
            (write, file)
            for write, file in ((table.write_csv, csv), (table.write_parquet, parquet))
            if file is not None
        ]
        self._saved = real()
        if parquet is not None:
            table.require_parquet()
        self.save()  # a file that cannot be written is known now, not after a day

    def take(self, came: Came) -> None:
        heard = self.account.take(came.topic, came.payload, retained=came.retained, now=time.time())
        if heard.wrong or (not self._quiet and self._is_news(came.topic, heard)):
            self._console.print(show.line(heard), soft_wrap=True, highlight=False)
        if real() - self._saved >= _SAVE_SECONDS:
            self.save()

    def _is_news(self, topic: str, heard: Heard) -> bool:
        """What is retained comes again with each change of it; most of them no line would show."""
        line = show.line(heard).plain
        known, self._shown[topic] = self._shown.get(topic), line
        return heard.message not in _RETAINED or line != known

    def say(self, words: str) -> None:
        self._console.print(words, style="bold", soft_wrap=True, highlight=False, markup=False)

    def save(self) -> None:
        self._saved = real()
        for write, file in self._files:
            write(file, table.rows(self.account.windows.highest))


@contextmanager
def _enough(seconds: float | None) -> Iterator[Callable[[], bool]]:
    """Says whether it is: after so many seconds, or at the first signal; a second one ends the process at once.

    A flag, for an exception out of a handler may come up where it is swallowed, or where a lock is held.
    """
    end = None if seconds is None else real() + seconds
    asked: list[int] = []

    def ask(number: int, _frame: object) -> None:
        asked.append(number)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked) or (end is not None and real() >= end)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def register(app: typer.Typer) -> None:
    @app.command("listen", epilog=_HINT)
    def command(
        broker: Broker,
        site: Site = None,
        ca: Ca = None,
        cert: Cert = None,
        key: Key = None,
        username: Username = None,
        password_file: PasswordFile = None,
        csv: Csv = None,
        parquet: Parquet = None,
        seconds: For = None,
        *,
        quiet: Quiet = False,
    ) -> None:
        """Print, check and keep what a gateway says to the city's broker."""
        try:
            host, port, tls = place(broker)
            secret = _password(username, password_file)
            access = Access(host, port, tls, ca, _own(cert, key), username, secret)
            console = Console()
            desk = _Desk(console, csv, parquet, quiet=quiet)
            subscription = Subscription(access, site, desk.take, desk.say)
            with _enough(seconds) as enough:
                subscription.run(enough)
            desk.save()
        except PermanentError as error:
            typer.echo(f"stoep listen: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        console.print(show.summary(desk.account))
        if not subscription.connections:
            typer.echo(f"stoep listen: nobody answered at {host}:{port}", err=True)
            raise typer.Exit(2)
        raise typer.Exit(1 if desk.account.wrong else 0)
