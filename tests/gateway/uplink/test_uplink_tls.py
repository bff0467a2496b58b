"""The city's broker and we know each other by certificates; what is wrong with one is said, with its remedy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certificates import Authority
from gateway_rig import MORNING, eventually, mosquitto, write_clock
from stoep import settings
from stoep.errors import SettingsError
from stoep.service.service import Service
from stoep.uplink import publisher as module
from stoep.uplink.certificate import Certificate
from uplink_rig import Running, needs_mosquitto, running

DAY = 86_400


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "city")


@contextmanager
def city_broker(port: int, folder: Path, authority: Authority, *more: str, **server: object) -> Iterator[None]:
    """mosquitto that lets in only who shows a certificate of the authority."""
    certificate, key = authority.issue("broker", **server)  # type: ignore[arg-type]
    lines = f"cafile {authority.file}", f"certfile {certificate}", f"keyfile {key}", "require_certificate true"
    with mosquitto(port, folder, *lines, "use_identity_as_username true", *more):
        yield


@contextmanager
def known_by(folder: Path, port: int, authority: Authority, own: Certificate | None) -> Iterator[Running]:
    with running(folder, port, tls=True, ca_file=authority.file, certificate=own) as gateway:
        yield gateway


def problem(gateway: Running) -> str:
    eventually(lambda: gateway.publisher.problem is not None)
    return str(gateway.publisher.problem)


@needs_mosquitto
def test_the_broker_knows_us_by_our_certificate(tmp_path: Path, free_port: int, authority: Authority) -> None:
    own = Certificate(*authority.issue("grote-markt"))
    acl = tmp_path / "acl"
    acl.write_text("user grote-markt\ntopic readwrite stoep/1/made-up/#\n")
    acl.chmod(0o600)
    with (
        city_broker(free_port, tmp_path, authority, f"acl_file {acl}"),
        known_by(tmp_path, free_port, authority, own) as gateway,
    ):
        gateway.put(1)
        eventually(lambda: len(gateway.outbox) == 0)
        assert "problem" not in gateway.publisher.status()["certificate"]


@needs_mosquitto
def test_a_certificate_that_is_missing_expired_or_of_another_authority_is_named_with_its_remedy(
    tmp_path: Path, free_port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reset of the connection may overtake what the broker says of it, so it may take a second try."""
    monkeypatch.setattr(module, "_LONGEST_DELAY", 0.2)
    others = Authority(tmp_path / "elsewhere", "somebody else")
    cases = {
        "set mqtt.cert_file and mqtt.key_file": None,
        "our certificate has expired: have the city issue a new one": Certificate(*authority.issue("old", days=-1)),
        "ask the city for one of its own": Certificate(*others.issue("stranger")),
    }
    with city_broker(free_port, tmp_path, authority):
        for number, (expected, own) in enumerate(cases.items()):
            folder = tmp_path / str(number)
            folder.mkdir()
            with known_by(folder, free_port, authority, own) as gateway:
                gateway.put(1)
                assert "mqtt.cert_file" in problem(gateway)
                eventually(lambda expected=expected, gateway=gateway: expected in problem(gateway))
                assert len(gateway.outbox) == 1


@needs_mosquitto
def test_a_renewed_certificate_is_shown_at_the_next_connection(
    tmp_path: Path, free_port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_DELAY", 0.3)
    own = Certificate(*authority.issue("grote-markt", days=-1))
    with (
        city_broker(free_port, tmp_path, authority),
        known_by(tmp_path, free_port, authority, own) as gateway,
    ):
        gateway.put(1)
        assert "mqtt.cert_file" in problem(gateway)
        authority.issue("grote-markt")
        eventually(lambda: len(gateway.outbox) == 0)


@needs_mosquitto
@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"days": -1}, "has expired: the city must renew it; or this machine's clock is wrong"),
        ({"host": "127.0.0.9"}, "is for another address: write in mqtt.host the name it is for"),
    ],
)
def test_a_broker_whose_certificate_is_not_right_is_not_spoken_to(
    server: dict[str, object], expected: str, tmp_path: Path, free_port: int, authority: Authority
) -> None:
    own = Certificate(*authority.issue("grote-markt"))
    with (
        city_broker(free_port, tmp_path, authority, **server),
        known_by(tmp_path, free_port, authority, own) as gateway,
    ):
        assert expected in problem(gateway)


@needs_mosquitto
def test_a_broker_of_an_unknown_authority_is_not_spoken_to(
    tmp_path: Path, free_port: int, authority: Authority
) -> None:
    others = Authority(tmp_path / "elsewhere", "somebody else")
    with city_broker(free_port, tmp_path, authority), known_by(tmp_path, free_port, others, None) as gateway:
        assert "is not one we trust" in problem(gateway)
        assert "set mqtt.ca_file" in problem(gateway)


def test_the_end_of_our_certificate_is_told_weeks_ahead(authority: Authority) -> None:
    own = Certificate(*authority.issue("grote-markt", days=100))
    ends = own.ends()
    assert "problem" not in own.status(ends - 31 * DAY)
    for days in (29, 14, 1):
        assert f"expires in {days} days; have the city issue" in str(own.status(ends - days * DAY - 60)["problem"])
    assert "has expired" in str(own.status(ends + 1)["problem"])
    assert own.status(ends - 14 * DAY - 60)["days_left"] == 14
    assert "days_left" not in own.status(None), "whoever does not know the time does not know what is left"
    own.file.unlink()
    assert "cannot be read (No such file" in str(own.status(ends)["problem"])


def test_files_that_do_not_belong_together_are_refused_at_the_start(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.issue("grote-markt")
    _, other = authority.issue("other")
    _, locked = authority.issue("locked", locked=True)
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("no PEM")
    nonsense.chmod(0o600)
    cases = [
        (certificate, other, "is not the key of the certificate .*grote-markt.pem; name the two files"),
        (certificate, locked, "is locked by a passphrase; store it without"),
        (certificate, nonsense, "is no private key in PEM form; name the right file"),
        (nonsense, key, "is no certificate in PEM form; name the right file"),
        (tmp_path, key, "cannot be read"),
        (certificate, tmp_path / "nowhere", r"cannot be read \(No such file"),
    ]
    for file, key_file, expected in cases:
        with pytest.raises(SettingsError, match=expected):
            Certificate(file, key_file).check()
    key.chmod(0o640)
    with pytest.raises(SettingsError, match=r"may be read by others \(mode 0640\); say: chmod 600"):
        Certificate(certificate, key).check()


def test_a_service_does_not_start_with_a_key_that_is_not_its_own_and_starts_with_an_expired_certificate(
    tmp_path: Path, site: Callable[..., Path], authority: Authority
) -> None:
    write_clock(tmp_path / "clock", utc=MORNING)
    config = site()
    text = config.read_text().replace("tls = false", 'cert_file = "city/a.pem"\nkey_file = "city/b.key"')
    authority.issue("a", days=-1000)
    authority.issue("b")
    config.write_text(text)
    with pytest.raises(SettingsError, match=r"b\.key: is not the key of the certificate"):
        Service(settings.load(config))
    config.write_text(text.replace("b.key", "a.key"))
    service = Service(settings.load(config))
    assert "expire" in service._publisher.status()["certificate"]["problem"]
    service._database.close()
