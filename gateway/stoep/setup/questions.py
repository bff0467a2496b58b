"""The five questions: what no option says is asked, with what is there already as an offer, until it can be right."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import typer
from rich.console import Console

from stoep import settings
from stoep.doctor.finding import Finding, Level
from stoep.doctor.showing import show
from stoep.errors import SettingsError
from stoep.setup import trials
from stoep.setup.answers import AnswerError, Answers, City, Credentials, Position, broker, place
from stoep.setup.document import known

_NOWHERE = City("broker.invalid", 8883)
_Answer = TypeVar("_Answer")


class Given(NamedTuple):
    """What the options say; None: ask."""

    site: str | None = None
    position: str | None = None
    timezone: str | None = None
    city: str | None = None
    ca: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    bridge: str | None = None
    untried: bool = False


class Questions:
    """What `config` says already is offered."""

    def __init__(self, given: Given, config: Path) -> None:
        self._given = given
        self._config = config
        self._before = known(config)
        self._console = Console(highlight=False)
        self._may_ask = sys.stdin.isatty()

    def all(self) -> Answers:
        """Raises AnswerError, SettingsError, OSError."""
        answers = Answers(self._site(), None, _NOWHERE, Credentials())
        answers = self._let_in(self._placed(answers))
        return Answers(answers.site, answers.position, answers.city, answers.credentials, self._bridge())

    def _site(self) -> str:
        def read(text: str) -> str:
            _refuse(trials.read(Answers(text, None, _NOWHERE, Credentials()), frozenset({"site"})))
            return text

        return self._answer("What is the site called?", "--site", self._given.site, self._old("site", "name"), read)

    def _placed(self, answers: Answers) -> Answers:
        old = [self._old("site", key) for key in ("latitude", "longitude")]
        offered = "" if None in old else f"{old[0]}, {old[1]}"
        question = "Where is it, in degrees north and east (empty: it has no lamps)?"
        spot = self._answer(question, "--position", self._given.position, offered, place)
        if spot is None:
            return answers

        def read(zone: str) -> Answers:
            found = Answers(answers.site, Position(*spot, zone), answers.city, answers.credentials)
            _refuse(trials.read(found, frozenset({"site"})))
            return found

        offered = self._old("site", "timezone") or _own_zone()
        return self._answer("In which time zone?", "--timezone", self._given.timezone, offered, read)

    def _let_in(self, answers: Answers) -> Answers:
        """Broker and credentials together: only together they can be tried."""
        while True:
            question = "Where is the city's broker?"
            where = self._answer(question, "--broker", self._given.city, self._old_broker(), broker)
            where = City(where.host, where.port, where.tls, self._given.ca or self._old_file("ca_file"))
            credentials = self._credentials()
            found = Answers(answers.site, answers.position, where, credentials)
            _refuse(trials.read(found, frozenset({"mqtt"})))
            self._console.print("trying the broker…")
            finding = trials.reach(found)
            show(self._console, finding)
            if self._settled(finding, again=self._given.city is None):
                return found

    def _credentials(self) -> Credentials:
        certificate = (
            self._given.cert or self._old_file("cert_file"),
            self._given.key or self._old_file("key_file"),
        )
        name = self._given.username
        if name is None and (self._may_ask or certificate[0] is None):
            offered = self._old("mqtt", "username") or ""
            name = self._answer("What is our name there (empty: none)?", "--username", None, offered, str.strip)
        if not name:
            return Credentials(None, None, *certificate)
        return Credentials(name, self._password(), *certificate)

    def _password(self) -> str | None:
        file = self._given.password_file
        if file is not None:
            settings.require_private(file)
            lines = file.read_text(encoding="utf-8").splitlines()
            if not lines or not lines[0]:
                raise SettingsError(file, "", "holds no password", "write it into the first line")
            return lines[0]
        if self._given.cert is not None and not self._may_ask:
            return None
        if not self._may_ask:
            raise AnswerError("the password is missing: name its file, --password-file FILE")
        return str(typer.prompt("And the password (it is not shown)?", hide_input=True))

    def _bridge(self) -> str:
        old = self._before.get("bridge")
        offered = (old[0].get("port") if isinstance(old, list) and old and isinstance(old[0], dict) else None) or "auto"
        while True:
            question = 'At which port is the bridge ("auto": look for it)?'
            port = self._answer(question, "--bridge", self._given.bridge, offered, str.strip)
            self._console.print("listening for the bridge, some seconds…")
            findings = list(trials.hear(port))
            for finding in findings:
                show(self._console, finding)
            best = min(findings, key=lambda finding: finding.level is not Level.GOOD)
            if self._settled(best, again=self._given.bridge is None):
                return port

    def _settled(self, finding: Finding, *, again: bool) -> bool:
        """Whether to go on with it; whoever sits there is asked, a script must have said so."""
        if finding.level is Level.GOOD or self._given.untried:
            return True
        if not self._may_ask:
            raise AnswerError(f"{finding.words}; {finding.remedy}. To write it all the same: --untried")
        if typer.confirm("Take it all the same?", default=False):
            return True
        if not again:
            raise AnswerError(f"{finding.words}; {finding.remedy}")
        return False

    def _old_broker(self) -> str | None:
        host = self._old("mqtt", "host")
        if host is None:
            return None
        tls = self._old("mqtt", "tls") is not False
        return f"{'mqtts' if tls else 'mqtt'}://{host}:{self._old('mqtt', 'port') or 8883}"

    def _old_file(self, key: str) -> Path | None:
        named = self._old("mqtt", key)
        return (self._config.parent / Path(named).expanduser()) if isinstance(named, str) else None

    def _old(self, table: str, key: str) -> Any:
        found = self._before.get(table)
        return found.get(key) if isinstance(found, dict) else None

    def _answer(
        self, question: str, option: str, said: str | None, offered: Any, read: Callable[[str], _Answer]
    ) -> _Answer:
        """The option's value, or what is typed, until it can be read."""
        if said is not None:
            return read(said)
        if not self._may_ask:
            raise AnswerError(f"{option} is missing, and nobody is there to ask")
        while True:
            try:
                return read(str(typer.prompt(question, default=offered)))
            except (AnswerError, SettingsError) as error:
                self._console.print(str(error), style="red", markup=False)


def _refuse(errors: list[SettingsError]) -> None:
    if errors:
        error = errors[0]
        raise AnswerError(f"{error.key} {error.problem}; {error.remedy}")


def _own_zone() -> str:
    """This machine's, as Debian writes it down."""
    try:
        return Path("/etc/timezone").read_text(encoding="ascii").strip() or "UTC"
    except (OSError, UnicodeDecodeError):
        return "UTC"
