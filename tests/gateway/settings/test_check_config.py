"""`stoep check-config`: all that is wrong, each with file, key, value and remedy; and an example that is right."""

import dataclasses
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from stoep import cli, settings
from stoep.resources import example_settings

SECRET = "ab" * 32


def run(config: Path) -> Result:
    return CliRunner().invoke(cli.build(), ["check-config", "--config", str(config)])


@dataclasses.dataclass
class Street:
    """The files of a site that is right, until a test changes them."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "ttyUSB0").touch()
        self.say(
            "gateway.toml",
            '[site]\nname = "grote-markt"\nlatitude = 50.85\nlongitude = 4.35\ntimezone = "Europe/Brussels"\n'
            f'[[bridge]]\nport = "{self.folder}/ttyUSB0"\n'
            '[mqtt]\nhost = "city.example"\nusername = "stoep"\npassword_file = "password"\n'
            '[store]\npath = "stoep.db"\n[lighting]\n',
        )
        self.say("password", "hush-hush\n")
        posts = "".join(f'[[node]]\nkid = "1a3b000{n}"\nname = "post-{n}"\nkind = "lamppost"\n' for n in (1, 2, 3))
        lamps = ", ".join(f'{{ node = "post-{n}", metres = {25 * n} }}' for n in (1, 2, 3))
        self.say("nodes.toml", f'{posts}[[group]]\nname = "lane"\nlamps = [{lamps}]\n')
        secrets = "".join(f'1a3b000{n} = "{n}{SECRET[1:]}"\n' for n in (1, 2, 3))
        self.say("secrets.toml", f'[secrets]\n{secrets}[groups]\nlane = "{SECRET}"\n')

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    def say(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o600)

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.say(name, text.replace(old, new))


@pytest.fixture
def street(tmp_path: Path) -> Street:
    return Street(tmp_path)


def test_what_is_right_is_said_to_be_right(street: Street) -> None:
    done = run(street.config)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "is right: 3 nodes, 1 lamp groups" in done.stdout


# what is there, what stands there instead → the error's key and value, and its remedy
Case = tuple[str, str, str, str]
SETTINGS: dict[str, Case] = {
    "no TOML": ('name = "grote', 'name = "grote\n', "Illegal character '\\n' (at line 2", "correct that"),
    "a key misspelt": ("username", "usrname", "mqtt.usrname: is not a setting", "mean `username`?"),
    "a key in the wrong table": ("[store]", "[store]\nkeepalive = 9", "store.keepalive", "under [mqtt]"),
    "a table misspelt": ("[lighting]", "[lightning]", "lightning: is not a", "mean `lighting`?"),
    "the wrong type": ('"stoep"', "7", "mqtt.username = 7: expected `str`", "write text in quotes"),
    "no truth": ("[mqtt]", '[mqtt]\ntls = "yes"', "mqtt.tls = 'yes'", "write true or false"),
    "no port": ("[mqtt]", "[mqtt]\nport = 0", "mqtt.port = 0", "whole number from 1 to 65535"),
    "too little": ("[store]", "[store]\ncommit_seconds = 0", "store.commit_seconds = 0", "number above 0"),
    "a host missing": ('host = "city.example"\n', "", "mqtt.host: is missing", "add it"),
    "a topic's level": ('"grote-', '"grote/', "site.name = 'grote/markt'", "letters, digits, dots"),
    "half a place": ("longitude = 4.35\n", "", "site.longitude: is missing", "or remove the others"),
    "off the globe": ("50.85", "508.5", "site.latitude = 508.5", "a number from -90 to 90"),
    "no time zone": ("Brussels", "Brugge", "site.timezone = 'Europe/Brugge'", "did you mean 'Europe/"),
    "no time of day": ("[lighting]", '[lighting]\ndim_from = "24:00"', "= '24:00'", 'such as "22:00"'),
    "more than all": ("[lighting]", "[lighting]\nbase = 20", "lighting.dim = 30: is", "at most 20"),
    "no level": ("[store]", '[log]\nlevel = "loud"\n[store]', "log.level = 'loud'", "one of 'debug', 'info'"),
    "a bridge nowhere": ("[mqtt]", "[[bridge]]\n[mqtt]", "bridge[1]: does not say", 'write port = "auto"'),
    "a bridge twice": (
        "[mqtt]",
        '[[bridge]]\nport = "{folder}/../{name}/ttyUSB0"\n[mqtt]',
        "is the port of bridge[0] already",
        "remove one of the two",
    ),
    "two ways to a bridge": ("[mqtt]", 'usb = "10c4:ea60"\n[mqtt]', "and so do usb", "keep one"),
    "no USB identity": ("[mqtt]", '[[bridge]]\nusb = "cp2102"\n[mqtt]', "bridge[1].usb = 'cp2102'", "lsusb"),
    "a password in the clear": ("[mqtt]", "[mqtt]\ntls = false", "mqtt.tls = False", "turn TLS on, or"),
    "no account": ('username = "stoep"\n', "", "mqtt.username: is missing", "add it"),
    "no such authority": ("[mqtt]", '[mqtt]\nca_file = "ca"', "mqtt.ca_file = 'ca'", "certificate file"),
    "no certificate": ("[mqtt]", '[mqtt]\nca_file = "nodes.toml"', "holds no certificate", "name a PEM"),
    "no folder": ('"stoep.db"', '"there/stoep.db"', "store.path = 'there/stoep.db'", "make that folder"),
    "no such registry": ("[store]", '[registry]\nnodes = "no"\n[store]', "no: is not there", "create it"),
}
NODES: dict[str, Case] = {
    "no kid": ('"1a3b0001"', '"1A3B0001"', "node[0].kid = '1A3B0001'", "8 hex digits, lower case"),
    "a kid twice": ('"1a3b0002"', '"1a3b0001"', "node[1].kid = '1a3b0001': is there twice", "remove one"),
    "a name twice": ('name = "post-2"', 'name = "post-1"', "node[1].name = 'post-1'", "give it another"),
    "no kind": ('"post-1"\nkind = "lamppost"', '"post-1"\nkind = "cow"', "kind = 'cow'", "of 'bench', 'bin'"),
    "no setting of a node": (
        'name = "post-1"',
        'name = "post-1"\nsettings = { hue = 1 }',
        "node[0].settings.hue: is no setting of a node",
        "use some of interval",
    ),
    "a setting out of range": (
        'name = "post-1"',
        'name = "post-1"\nsettings = { interval = 1 }',
        "node[0].settings.interval = 1: is not within 5",
        "write a number that is",
    ),
    "no such lamp": ('node = "post-2"', 'node = "past-2"', "lamps[1].node = 'past-2'", "out of the group"),
    "lamps out of order": ("metres = 50", "metres = 500", "lamps[2].metres = 75", "order of the street"),
    "lamps too close": ("metres = 50", "metres = 25.5", "lamps[1].metres = 25.5", "rise by at least 1"),
}
SECRETS: dict[str, Case] = {
    "never commissioned": ("1a3b0003 =", "1a3b0009 =", "post-3 has no secret", "commission the node"),
    "a short secret": (f'"1{SECRET[1:]}"', f'"{SECRET[2:]}"', "secrets.1a3b0001: is not a", "commission the"),
    "a group without secret": ("lane", "line", "group[0].name = 'lane': has no secret", "openssl rand -hex 32"),
}
FILES = {
    "gateway.toml": SETTINGS,
    "nodes.toml": NODES,
    "secrets.toml": SECRETS,
    "password": {"no password in it": ("hush-hush\n", "", "password: holds no password", "into the first line")},
}
WRONG = {what: (name, *case) for name, cases in FILES.items() for what, case in cases.items()}


@pytest.mark.parametrize(("name", "old", "new", "found", "remedy"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_remedy(
    name: str, old: str, new: str, found: str, remedy: str, street: Street
) -> None:
    street.change(name, old, new.replace("{folder}", str(street.folder)).replace("{name}", street.folder.name))
    done = run(street.config)
    assert done.exit_code == 2
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    at, _, _ = error.removeprefix("error: ").partition(": ")
    assert Path(at).parent == street.folder
    assert found in error
    assert remedy in error.rpartition("; ")[2], error
    assert "hush" not in done.output
    assert not re.search("[0-9a-f]{60}", done.output), "no secret shows"


@pytest.mark.parametrize("name", ["password", "secrets.toml"])
def test_a_secret_that_others_can_read_is_refused(name: str, street: Street) -> None:
    (street.folder / name).chmod(0o644)
    done = run(street.config)
    assert done.exit_code == 2
    assert f"{name}: may be read by others (mode 0644); say: chmod 600 " in done.stderr


@pytest.mark.parametrize("name", ["gateway.toml", "nodes.toml", "secrets.toml", "password"])
def test_a_file_that_is_not_there_is_named(name: str, street: Street) -> None:
    (street.folder / name).unlink()
    done = run(street.config)
    assert done.exit_code == 2
    assert f"{street.folder / name}: is not there; " in done.stderr


def test_all_that_is_wrong_is_told_at_once(street: Street) -> None:
    street.change("gateway.toml", "[mqtt]", '[mqtt]\nport = 0\ntls = "yes"\nflux = 1')
    street.change("gateway.toml", "Brussels", "Brugge")
    street.change("gateway.toml", '"stoep.db"', '"there/stoep.db"')
    street.change("nodes.toml", '"1a3b0002"', '"1a3b0001"')
    street.change("nodes.toml", '"1a3b0003"', '"1a3b0009"')
    done = run(street.config)
    expected = ["mqtt.flux", "mqtt.port", "mqtt.tls", "site.timezone", "store.path", "node[1].kid", "node[2].kid"]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert [next((key for key in expected if key in error), error) for error in errors] == expected


def test_what_may_come_later_is_only_a_warning(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    (street.folder / "ttyUSB0").unlink()
    street.change("gateway.toml", "[mqtt]", '[[bridge]]\nserial = "0001"\n[mqtt]\ntls = false')
    street.change("gateway.toml", 'username = "stoep"\npassword_file = "password"\n', "")
    street.change(
        "gateway.toml",
        "[store]",
        '[local_broker]\nhost = "10.0.0.2"\nusername = "x"\npassword_file = "password"\n[store]',
    )
    done = run(street.config)
    assert done.exit_code == 0, done.output
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    for warning, said in zip(warnings, ("ttyUSB0'", "(serial 0001)", "mqtt.tls", "local_broker.tls"), strict=True):
        assert said in warning


CALIBRATION = """\
[[calibration]]
kid = "1a3b0001"
channel = "pm2_5"
version = 1
name = "beside the station"
valid_from = 2026-05-01T00:00:00Z
gain = 0.7
"""


def test_calibrations_that_are_wrong_keep_the_service_from_starting(street: Street) -> None:
    street.say("calibration.toml", CALIBRATION)
    assert run(street.config).exit_code == 0
    later = CALIBRATION.replace("version = 1", "version = 2").replace("2026-05-01", "2026-05-09")
    street.say("calibration.toml", CALIBRATION + later)
    done = run(street.config)
    assert done.exit_code == 2
    said = f"error: {street.folder}/calibration.toml: calibration[1] (version 2): holds while calibration[0]"
    assert said in done.stderr
    street.say("calibration.toml", CALIBRATION.replace("pm2_5", "pm25").replace("gain = 0.7", "gain = 0.0"))
    assert "channel = 'pm25': is no channel" in run(street.config).stderr


def test_a_calibration_of_a_node_that_was_retired_is_only_a_warning(street: Street) -> None:
    street.say("calibration.toml", CALIBRATION.replace("1a3b0001", "1a3b0009"))
    done = run(street.config)
    assert done.exit_code == 0
    assert "warning: " in done.stderr
    assert "calibration[0].kid = '1a3b0009': is no node of this site" in done.stderr


# -- secrets from systemd ----------------------------------------------------------------------------------------------


def test_secrets_may_be_systemds_credentials(street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    for name in ("password", "secrets.toml"):
        (tmp_path / name).rename(given / name)
        (given / name).chmod(0o440)  # systemd's way: the group's bits show an access list's mask
    assert run(street.config).exit_code == 2
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert run(street.config).exit_code == 0
    assert settings.password(settings.load(street.config), "password") == "hush-hush"


def test_a_path_is_never_a_credential(street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "password").write_text("of somebody else\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    chosen = settings.load(street.config)
    assert settings.password(chosen, "./password") == "hush-hush"
    assert chosen.secret("../credentials/password") == chosen.path("../credentials/password")
    assert settings.password(chosen, "password") == "of somebody else"


# -- the example -------------------------------------------------------------------------------------------------------


@pytest.fixture
def example(site: Callable[..., Path], tmp_path: Path) -> Path:
    """The example's text where the files it names are, but for the store's folder, which is the service's."""
    config = site()
    config.write_text(example_settings().read_text().replace("/var/lib/stoep/", ""))
    (tmp_path / "password").write_text("hush-hush\n")
    (tmp_path / "password").chmod(0o600)
    return config


def test_the_example_works_as_it_is(example: Path) -> None:
    done = run(example)
    assert done.exit_code == 0, done.output
    assert "is right: 1 nodes" in done.stdout


def uncommented(text: str) -> str:
    return re.sub(r"^# (?=\w+ = |\[\w+\])", "", text, flags=re.MULTILINE)


def test_the_example_shows_every_setting_with_the_value_that_holds_without_it(example: Path) -> None:
    said = tomllib.loads(uncommented(example.read_text()))

    def usual(form: type[msgspec.Struct], table: dict[str, Any], at: str) -> None:
        for field in msgspec.structs.fields(form):
            if field.name in getattr(form, "INNER", ()) or at == "bridge":
                continue
            assert field.name in table, f"{at}.{field.name} is not in the example"
            inner = [one for one in (field.type, *getattr(field.type, "__args__", ())) if isinstance(one, type)]
            forms = [one for one in inner if issubclass(one, msgspec.Struct)]
            value = table[field.name]
            if forms:
                usual(forms[0], value[0] if isinstance(value, list) else value, field.name)
            elif field.default not in {None, msgspec.NODEFAULT}:
                said_too = frozenset(value) if isinstance(field.default, frozenset) else value
                assert said_too == field.default, f"{at}.{field.name} is {field.default!r} where nothing is said"

    usual(settings.Settings, said, "")


def test_the_example_with_every_line_in_force_is_read(example: Path, tmp_path: Path) -> None:
    text = uncommented(example.read_text())
    example.write_text(re.sub(r"^(ca_file|cert_file|key_file|file) = .*\n", "", text, flags=re.MULTILINE))
    (tmp_path / "broker-password").write_text("hush\n")
    (tmp_path / "broker-password").chmod(0o600)
    done = run(example)
    assert done.exit_code == 0, done.output


def test_the_example_is_at_hand_where_only_the_package_is() -> None:
    shown = CliRunner().invoke(cli.build(), ["check-config", "--example"])
    assert shown.stdout == example_settings().read_text()
    assert CliRunner().invoke(cli.build(), ["check-config"]).exit_code == 2
