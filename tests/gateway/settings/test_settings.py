"""Wrong settings name the file, the key, the value and what would be right, and show no secret."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway_rig import PlayedNode
from stoep import cli, settings
from stoep.errors import SettingsError
from stoep.registry import registry

GOOD = '[site]\nname = "grote-markt"\n[[bridge]]\nport = "/dev/ttyUSB0"\n[mqtt]\nhost = "city.example"\n'

PLACED = GOOD.replace("[[bridge]]", 'latitude = 50.85\nlongitude = 4.35\ntimezone = "Europe/Brussels"\n[[bridge]]')


def write(folder: Path, text: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text)
    return file


def test_little_needs_to_be_said_and_tls_is_on(tmp_path: Path) -> None:
    chosen = settings.load(write(tmp_path, GOOD))
    assert (chosen.mqtt.tls, chosen.mqtt.port, chosen.mqtt.keepalive) == (True, 8883, 30)
    assert (chosen.store.commit_seconds, chosen.store.commit_samples) == (10.0, 500)
    assert chosen.clock.source == "system"
    assert chosen.mqtt.forward == {"window", "event", "state"}
    assert chosen.mqtt.backlog_per_second == 50
    assert chosen.path("stoep.db") == tmp_path / "stoep.db"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "prot = 1\n", r"mqtt\.prot: is not a setting; did you mean `port`\?"),
        (GOOD + "flux = 1\n", r"mqtt\.flux: is not a setting; remove it"),
        (GOOD + "port = 70000\n", r"mqtt\.port = 70000: expected `int` <= 65535; write a whole number from 1 to 65535"),
        (GOOD + 'tls = "yes"\n', r"mqtt\.tls = 'yes': expected `bool`, got `str`"),
        (GOOD.replace('host = "city.example"\n', ""), r"mqtt\.host: is missing; add it"),
        (GOOD.replace("[[bridge]]\nport", "[x]\nport"), r"x: is not a setting"),
        (GOOD.replace('[[bridge]]\nport = "/dev/ttyUSB0"\n', ""), r"bridge: is missing, and so is local_broker.*Wi-Fi"),
        (GOOD.replace("grote-markt", "grote/markt"), r"site\.name = 'grote/markt'"),
        (GOOD + "[store]\ncommit_seconds = 0\n", r"store\.commit_seconds = 0: expected `float` > 0"),
        (GOOD + "[store]\nmax_mb = 8\n", r"store\.max_mb = 8: expected `int` >= 16"),
        (GOOD + "[store]\nmax_days = 35\n", r"store\.max_days = 35: expected `int` >= 36"),
        (GOOD + '[clock]\nsource = "sundial"\n', r"clock\.source = 'sundial'"),
        (GOOD + '[clock]\nsource = "twin"\n', r"clock\.file: is missing"),
        (GOOD + 'ca_file = "nowhere.pem"\n', r"mqtt\.ca_file = 'nowhere.pem': is not there"),
        (GOOD + 'tls = false\nca_file = "x"\n', r"mqtt\.ca_file = 'x': means nothing"),
        (GOOD + 'cert_file = "a.pem"\n', r"mqtt\.cert_file = 'a\.pem': is not there; name the file with our cert"),
        (GOOD + 'key_file = "a.key"\n', r"mqtt\.key_file = 'a\.key': is not there; name the file with our private key"),
        (GOOD + 'cert_file = "gateway.toml"\n', r"mqtt\.key_file: is missing beside mqtt\.cert_file; add it"),
        (GOOD + 'key_file = "gateway.toml"\n', r"mqtt\.cert_file: is missing beside mqtt\.key_file; add it"),
        (GOOD + 'tls = false\nkey_file = "x"\n', r"mqtt\.key_file = 'x': means nothing while mqtt\.tls = false"),
        (GOOD + 'forward = ["windows"]\n', r"mqtt\.forward.*: invalid enum value 'windows'"),
        (GOOD + "forward = []\n", r"mqtt\.forward = \[\]: expected `array` of length >= 1"),
        (GOOD + "backlog_per_second = 0\n", r"mqtt\.backlog_per_second = 0: expected `float` > 0"),
        (GOOD + "backlog_per_second = 5000\n", r"mqtt\.backlog_per_second = 5000: expected `float` <= 1000"),
        (GOOD + 'password_file = "x"\n', r"mqtt\.username: is missing"),
        ("this is not TOML", r"is not TOML \(.*line 1"),
        (PLACED.replace("50.85", "91"), r"site\.latitude = 91: expected `float` <= 90"),
        (PLACED.replace("latitude = 50.85\n", ""), r"site\.latitude: is missing: belongs to latitude"),
        (PLACED.replace("Brussels", "Brussel"), r"site\.timezone = 'Europe/Brussel': is.* mean 'Europe/Brussels'\?"),
        (PLACED.replace("Europe/Brussels", "+01:00"), r"site\.timezone = '\+01:00': is no time zone; write one such"),
        (GOOD + "[lighting]\nbase = 90\n", r"site\.latitude: is missing: lighting needs latitude, longitude"),
        (PLACED + "[lighting]\nbase = 0\n", r"lighting\.base = 0: expected `int` >= 1"),
        (PLACED + "[lighting]\nbase = 20\n", r"lighting\.dim = 30: is brighter than base"),
        (PLACED + "[lighting]\ndusk = 9\n", r"lighting\.dusk = 9: expected `float` <= 6"),
        (PLACED + '[lighting]\ndim_from = "24:00"\n', r"lighting\.dim_from = '24:00'"),
        (PLACED + '[lighting]\ndim_to = "21:30"\n', r"lighting\.dim_to = '21:30': is before dim_from = '22:00',"),
        (PLACED + "[lighting]\ndmi = 1\n", r"lighting\.dmi: is not a setting; did you mean `dim`\?"),
        ('folder = "x"\n' + GOOD, r"folder: is not a setting"),
        (GOOD.replace('"/dev/ttyUSB0"', "7"), r"bridge\[0\]\.port = 7|bridge\[\.\.\.\]\.port"),
    ],
)
def test_what_is_wrong_is_named(text: str, expected: str, tmp_path: Path) -> None:
    file = write(tmp_path, text)
    with pytest.raises(SettingsError, match=expected) as caught:
        settings.load(file)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_site_that_knows_where_it_is_has_a_lighting(tmp_path: Path) -> None:
    chosen = settings.load(write(tmp_path, PLACED))
    assert (chosen.site.latitude, chosen.site.timezone, chosen.site.placed) == (50.85, "Europe/Brussels", True)
    usual = chosen.lighting
    assert (usual.base, usual.dim, usual.dim_from, usual.dim_to, usual.dusk) == (100, 30, "22:00", "06:00", 3.0)
    later = '[lighting]\ndim_from = "23:30"\ndim_to = "05:00"\ndim = 0\n'
    assert settings.load(write(tmp_path, PLACED + later)).lighting.dim == 0
    assert not settings.load(write(tmp_path, GOOD)).site.placed


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gateway\.toml: is not there; create it"):
        settings.load(tmp_path / "gateway.toml")


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD + 'username = "stoep"\npassword_file = "password"\n')
    (tmp_path / "password").write_text("hush-hush\n")
    (tmp_path / "password").chmod(0o640)
    with pytest.raises(SettingsError, match=r"may be read by others \(mode 0640\); say: chmod 600") as caught:
        settings.password(settings.load(file), "password")
    assert "hush" not in str(caught.value)
    (tmp_path / "password").chmod(0o400)
    assert settings.password(settings.load(file), "password") == "hush-hush"


@pytest.fixture
def files(tmp_path: Path, site: Callable[..., Path]) -> tuple[Path, Path]:
    site()
    return tmp_path / "nodes.toml", tmp_path / "secrets.toml"


def test_the_registry_joins_names_and_secrets(files: tuple[Path, Path], node: PlayedNode) -> None:
    entry = registry.load(*files).nodes[node.kid]
    assert (entry.name, entry.kind, entry.secret) == ("bin-1", "bin", node.secret)
    assert node.secret.hex() not in repr(entry)
    assert repr(node.secret) not in repr(entry)


def test_secrets_that_others_can_read_are_refused(files: tuple[Path, Path]) -> None:
    files[1].chmod(0o644)
    with pytest.raises(SettingsError, match=r"secrets\.toml.*mode 0644.*chmod 600"):
        registry.load(*files)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ('[[node]]\nkid = "C0FFEE01"\nname = "a"\nkind = "bin"\n', r"node\[0\]\.kid = 'C0FFEE01': is not a kid"),
        ('[[node]]\nkid = "c0ffee01"\nname = "a/b"\nkind = "bin"\n', "does not match|matching regex"),
        ('[[node]]\nkid = "c0ffee01"\nname = "a"\nkind = "cow"\n', "kind = 'cow'|invalid enum value"),
        (
            '[[node]]\nkid = "c0ffee01"\nname = "a"\nkind = "bin"\nsettings = {colour = 1}\n',
            r"node\[0\].settings.colour: is no setting of a node; use some of interval",
        ),
        (
            '[[node]]\nkid = "c0ffee01"\nname = "a"\nkind = "bin"\nsettings = {interval = 4}\n',
            r"interval = 4: is not within 5 and 86400",
        ),
        ('[[node]]\nkid = "c0ffee02"\nname = "a"\nkind = "bin"\n', r"a has no secret in .*; commission the node"),
        ('[[node]]\nkid = "c0ffee01"\nname = "a"\nkind = "bin"\n' * 2, "is there twice"),
    ],
)
def test_a_wrong_registry_is_named(nodes: str, expected: str, files: tuple[Path, Path]) -> None:
    files[0].write_text(nodes)
    with pytest.raises(SettingsError, match=expected):
        registry.load(*files)


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ('c0ffee01 = "{a}"\nc0ffee02 = "{a}"\n', "secrets.c0ffee02: has the secret of c0ffee01; commission the node"),
        ('c0ffee01 = ["{a}", "{a}"]\n', "secrets.c0ffee01: has a secret twice; commission the node again"),
        ('c0ffee01 = ["{b}", "{a}"]\nc0ffee02 = "{a}"\n', "secrets.c0ffee02: has the secret of c0ffee01"),
        (
            'c0ffee01 = ["{a}", "{b}", "{c}"]\n',
            "secrets.c0ffee01: has 3 secrets; write the new one, or",
        ),
        ("c0ffee01 = []\n", "secrets.c0ffee01: has 0 secrets"),
        ("c0ffee01 = 7\n", "secrets.*: expected `str | array`, got `int`"),
    ],
)
def test_secrets_that_cannot_be_are_named_and_not_shown(secrets: str, expected: str, files: tuple[Path, Path]) -> None:
    values = {"a": "aa" * 32, "b": "bb" * 32, "c": "cc" * 32}
    files[1].write_text("[secrets]\n" + secrets.format(**values))
    with pytest.raises(SettingsError) as caught:
        registry.load(*files)
    assert re.search(expected.replace("|", r"\|"), str(caught.value)), str(caught.value)
    assert not any(value in str(caught.value) for value in values.values())


def test_a_node_in_rotation_has_a_new_secret_and_an_old_one(files: tuple[Path, Path], node: PlayedNode) -> None:
    files[1].write_text(f'[secrets]\n{node.kid.hex()} = ["{"ab" * 32}", "{node.secret.hex()}"]\n')
    entry = registry.load(*files).nodes[node.kid]
    assert (entry.secret, entry.old) == (b"\xab" * 32, node.secret)
    assert repr(node.secret) not in repr(entry)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("at = [50.8]", "at"),
        ("at = [91.0, 4.3]", "expected `float` <= 90"),
        ('place = "a\\nb"', "place"),
        ("made_at = 2026-06-01T08:00:00", "made_at.*timezone"),
    ],
)
def test_where_a_node_stands_is_checked(more: str, expected: str, files: tuple[Path, Path]) -> None:
    good = '[[node]]\nkid = "c0ffee01"\nname = "a"\nkind = "bin"\nat = [50.8467, 4.3525]\nplace = "by the fountain"\n'
    files[0].write_text(good)
    entry = registry.load(*files).nodes[bytes.fromhex("c0ffee01")]
    assert (entry.at, entry.place) == ((50.8467, 4.3525), "by the fountain")
    files[0].write_text(f'[[node]]\nkid = "c0ffee01"\nname = "a"\nkind = "bin"\n{more}\n')
    with pytest.raises(SettingsError, match=expected):
        registry.load(*files)


STREET = [f"lamppost-{number}" for number in range(1, 4)]


@pytest.fixture
def street(files: tuple[Path, Path]) -> Callable[[str], tuple[Path, Path]]:
    """Writes a site with a bin, three lampposts and these groups."""

    def write_groups(groups: str) -> tuple[Path, Path]:
        kids = [f"1a3b000{number}" for number in range(1, 4)]
        posts = "".join(
            f'[[node]]\nkid = "{kid}"\nname = "{name}"\nkind = "lamppost"\n'
            for kid, name in zip(kids, STREET, strict=True)
        )
        files[0].write_text('[[node]]\nkid = "c0ffee01"\nname = "bin-1"\nkind = "bin"\n' + posts + groups)
        of_nodes = "".join(f'{kid} = "{kid * 8}"\n' for kid in ("c0ffee01", *kids))
        of_groups = f'[groups]\nstreet = "{"cd" * 32}"\nother = "{"ef" * 32}"\n'
        files[1].write_text(f"[secrets]\n{of_nodes}{of_groups}")
        return files

    return write_groups


def group(*lamps: tuple[str, float], name: str = "street") -> str:
    tables = ", ".join(f'{{ node = "{node}", metres = {metres} }}' for node, metres in lamps)
    return f'[[group]]\nname = "{name}"\nlamps = [{tables}]\n'


GOOD_GROUP = group((STREET[2], 0), (STREET[0], 24.96), (STREET[1], 51))


def test_a_group_is_its_lamps_in_the_order_of_the_street(street: Callable[[str], tuple[Path, Path]]) -> None:
    known = registry.load(*street(GOOD_GROUP))
    lamps = [(known.nodes[lamp.kid].name, lamp.position) for lamp in known.groups["street"].lamps]
    assert lamps == [("lamppost-3", 0), ("lamppost-1", 250), ("lamppost-2", 510)]
    assert known.groups["street"].secret == b"\xcd" * 32
    assert "cdcd" not in repr(known)
    assert registry.load(*street("")).groups == {}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (group((STREET[0], 0)), r"group\[0\]\.lamps: has 1 lamps; name 2 to 32 of the street's lampposts"),
        (group(*[(STREET[0], n) for n in range(33)]), r"group\[0\]\.lamps: has 33 lamps"),
        (group((STREET[0], 0), ("bin-1", 9)), r"group\[0\]\.lamps\[1\]\.node = 'bin-1': is a bin; name lampposts only"),
        (group((STREET[0], 0), ("post", 9)), r"lamps\[1\]\.node = 'post': is no node of this site; commission it"),
        (group((STREET[0], 0), (STREET[1], 0.9)), r"lamps\[1\]\.metres = 0\.9: is not beyond the lamp before it; name"),
        (group((STREET[0], 9), (STREET[1], 2)), r"lamps\[1\]\.metres = 2: is not beyond the lamp before it"),
        (group((STREET[0], 0), (STREET[0], 9)), r"lamps\[1\]\.node = 'lamppost-1': is a lamp of street already"),
        (GOOD_GROUP + group((STREET[0], 0), (STREET[1], 9), name="other"), r"group\[1\].*'lamppost-1': is a lamp of"),
        (GOOD_GROUP * 2, r"group\[1\]\.name = 'street': is the name of another; give it another"),
        (group((STREET[0], 0), (STREET[1], 9), name="lane"), r"'lane': has no secret; add lane = \"…\" under"),
        (GOOD_GROUP.replace("metres", "meters"), r"meters: is not a setting; did you mean `metres`\?"),
        (GOOD_GROUP.replace("24.96", "-1"), "metres = -1: expected `float` >= 0"),
    ],
)
def test_a_wrong_group_is_named(groups: str, expected: str, street: Callable[[str], tuple[Path, Path]]) -> None:
    with pytest.raises(SettingsError, match=expected):
        registry.load(*street(groups))


def test_groups_need_a_site_that_knows_when_it_is_dark(street: Callable[[str], tuple[Path, Path]]) -> None:
    with pytest.raises(SettingsError, match=r"group\[0\]: needs to know when it is dark; add latitude, longitude and"):
        registry.load(*street(GOOD_GROUP), placed=False)
    assert registry.load(*street(""), placed=False).groups == {}


def test_a_groups_wrong_secret_does_not_show(street: Callable[[str], tuple[Path, Path]]) -> None:
    files = street(GOOD_GROUP)
    files[1].write_text(files[1].read_text().replace("cd" * 32, "cd" * 31))
    with pytest.raises(SettingsError, match=r"groups\.street: is not a secret of 64 hex digits") as caught:
        registry.load(*files)
    assert "cdcd" not in str(caught.value)


def test_a_lamp_that_leaves_its_group_is_news(street: Callable[[str], tuple[Path, Path]]) -> None:
    watched = registry.Registry(*street(GOOD_GROUP))
    street(group((STREET[2], 0), (STREET[0], 24.96)))
    assert watched.refresh()
    assert len(watched.groups["street"].lamps) == 2


def test_a_wrong_secret_does_not_show(files: tuple[Path, Path], node: PlayedNode) -> None:
    short = node.secret.hex()[:-2]
    files[1].write_text(f'[secrets]\n{node.kid.hex()} = "{short}"\n')
    with pytest.raises(SettingsError, match="64 hex digits") as caught:
        registry.load(*files)
    assert short not in str(caught.value)
    files[1].write_text(f"[secrets]\n{node.kid.hex()} = 12345678901234\n")
    with pytest.raises(SettingsError) as caught:
        registry.load(*files)
    assert "12345678901234" not in str(caught.value)


def test_the_registry_is_read_again_and_a_wrong_one_changes_nothing(files: tuple[Path, Path]) -> None:
    watched = registry.Registry(*files)
    assert not watched.refresh()
    good = files[0].read_text()
    files[0].write_text(good.replace("bin-1", "bin-one"))
    assert watched.refresh()
    assert [entry.name for entry in watched.entries.values()] == ["bin-one"]
    files[0].write_text("nonsense")
    assert not watched.refresh()
    assert watched.problem is not None
    assert [entry.name for entry in watched.entries.values()] == ["bin-one"]
    files[0].write_text("# nobody\n")
    assert watched.refresh()
    assert watched.entries == {}
    assert watched.problem is None


def test_the_command_says_what_is_wrong_and_ends_with_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.build(), ["gateway", "--config", str(write(tmp_path, GOOD + "prot = 1\n"))])
    assert result.exit_code == 2
    assert "mqtt.prot: is not a setting" in result.output
    assert "Traceback" not in result.output


def test_a_command_whose_packages_are_missing_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    points = [EntryPoint("twin", "there_is_no_such_module:register", cli.GROUP)]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points if group == cli.GROUP else [])
    result = CliRunner().invoke(cli.build(), ["twin", "--bins", "3"])
    assert result.exit_code == 2
    assert "pip install 'stoep[twin]'" in result.output
    assert CliRunner().invoke(cli.build(), ["gateway", "--help"]).exit_code == 0
