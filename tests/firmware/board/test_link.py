"""Which link a lamppost talks by, what speaks against it, and what is kept of the network it was commissioned for."""

from nor import Nor

from node import cbor, commission, desired, flash, settings
from node.generated import refusals
from node.life import Life
from node.links import account, choice
from node.memory import HEALTH, Memory

INTERVAL, LINK = 1, 9
SITE = 6


def board():
    device = Nor(4)
    life = Life(device)
    life.begin()
    life.keep_settings(cbor.encode({INTERVAL: 600}))
    memory = Memory()
    memory.untold = 0
    return device, life, memory


def refused(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except ValueError:
        return True
    return False


def test_a_lamp_that_follows_needs_the_sites_channel_and_no_power_save():
    assert choice.unfit(True, SITE, (SITE, True)) == 0
    assert choice.unfit(True, SITE, (11, True)) == refusals.CHANNEL
    assert choice.unfit(True, SITE, (SITE, False)) == refusals.POWER_SAVE
    assert choice.unfit(True, SITE, (11, False)) == refusals.CHANNEL


def test_a_lamp_alone_may_be_on_any_access_point():
    assert choice.unfit(False, SITE, (11, False)) == 0


def test_where_there_is_no_access_point_yet_nothing_speaks_against_it():
    assert choice.unfit(True, SITE, None) == 0


def test_only_a_lamppost_takes_the_link_by_wifi():
    for kind in ("bin", "bench", None):
        _, life, memory = board()
        desired.take(life, memory, {INTERVAL: 300, LINK: 1}, kind)
        assert settings.load(life).interval == 600 and memory.flaw == LINK
    _, life, memory = board()
    desired.take(life, memory, {INTERVAL: 300, LINK: 1}, "lamppost")
    assert settings.load(life).link == 1 and life.good(), "on probation"


def test_what_cannot_be_is_given_up_with_its_reason():
    device, life, memory = board()
    wanted = {INTERVAL: 600, LINK: 1}
    desired.take(life, memory, wanted, "lamppost")
    memory.untold = 0
    desired.give_up(life, memory, refusals.CHANNEL)
    assert settings.kept(Life(device)) == {INTERVAL: 600} and not Life(device).good()
    assert (memory.refused, memory.flaw) == (desired.fingerprint(cbor.encode(wanted)), refusals.CHANNEL)
    assert memory.untold == HEALTH


def test_a_reason_that_comes_up_later_is_told_once_and_leaves_the_link():
    _, life, memory = board()
    programs = Life(board()[0]) and life.settings()
    for untold in (HEALTH, 0):
        memory.untold = 0
        desired.give_up(life, memory, refusals.POWER_SAVE)
        assert memory.untold == untold and memory.flaw == refusals.POWER_SAVE
        assert life.settings() == programs


def test_an_account_survives_and_goes_with_the_next_identity():
    device = Nor(4)
    real, flash.partition = flash.partition, lambda: device
    try:
        wifi = {"network": "x" * 32, "key": "y" * 63, "host": "192.168.100.100", "port": 65535}
        commission.write("lamppost", SITE, b"\xc0\xff\xee\x01", bytes(32), wifi)
        known = account.read(device)
        assert (known.network, known.key, known.host, known.port) == ("x" * 32, "y" * 63, "192.168.100.100", 65535)
        assert refused(commission.write, "bin", SITE, b"\xc0\xff\xee\x01", bytes(32), wifi)
        commission.write("lamppost", SITE, b"\xc0\xff\xee\x01", bytes(32))
        assert account.read(device) is None
    finally:
        flash.partition = real


def test_an_account_that_cannot_be_is_refused():
    for wrong in (
        {"network": "", "key": "12345678", "host": "10.0.0.1"},
        {"network": "street", "key": "1234567", "host": "10.0.0.1"},
        {"network": "street", "key": "12345678", "host": "broker.local"},
        {"network": "street", "key": "12345678", "host": "10.0.0.256"},
        {"network": "street", "key": "12345678", "host": "10.0.0.1", "port": 0},
    ):
        assert refused(account.Account, **wrong)


def test_the_password_follows_from_the_secret():
    assert account.password(bytes(range(32))) == "7e08aa9fe7d370cb60b4fcb3e065f4be"
