from nor import Nor, PowerCut

from node.life import Life
from node.memory import Memory
from node.recall import unpack


def test_epochs_and_counters_only_grow_over_power_cuts():
    for budget in range(60):
        device = Nor(12)
        Life(device).begin()
        highest_epoch = highest_counter = 0
        device.budget = budget
        try:
            while True:
                epoch, free, reserved = Life(device).cold_boot()
                assert epoch > highest_epoch and free > highest_counter and reserved > free
                highest_epoch, highest_counter = epoch, reserved - 1
        except PowerCut:
            device.budget = None
        epoch, free, _ = Life(device).cold_boot()
        assert epoch > highest_epoch and free > highest_counter


def test_a_torn_reservation_is_skipped_past():
    device = Nor(12)
    Life(device).begin()
    _, _, reserved = Life(device).cold_boot()
    life = Life(device)
    life.reserve()
    device.data[2 * 4096 + 12 + 3 * 16 - 2] &= 0  # the last record breaks after it counted
    _, free, _ = Life(device).cold_boot()
    assert free >= reserved + 256


def test_a_life_without_counter_is_no_life():
    assert not Life(Nor(12)).alive


def test_many_losses_are_joined_not_forgotten():
    life = Life(Nor(12))
    life.begin()
    for seq in range(1, 60, 2):
        life.declare(1, seq, seq, 1)
    lost = life.lost()
    assert len(lost) <= 10 and lost[0][1] == 1 and lost[-1][2] == 59
    life.acknowledged(1, 59)
    assert life.lost() == []


def test_the_memory_comes_back_whole_or_not_at_all():
    memory = Memory()
    memory.epoch, memory.seq, memory.counter, memory.reserved = 3, 70000, 0xFF00000001, 0xFF00000100
    memory.durable, memory.received, memory.alarms = (3, 12), [(3, 13, 14), (3, 16, 16)], [(4, 12), (63, 4000)]
    memory.light = 0xF1E4711E
    memory.bridge, memory.instance, memory.heard = b"\x01\x02\x03\x04\x05\x06", b"abcd", 0xFF00000001
    memory.failures, memory.failing, memory.warmth = [1, 2, 3, 0, 0, 0, 0, 9], [0, 3, 1, 0, 0, 0, 0, 2], -1250
    packed = memory.pack()
    again = unpack(packed)
    assert vars_of(again) == vars_of(memory) and len(packed) < 300
    for at in range(len(packed)):
        broken = bytearray(packed)
        broken[at] ^= 4
        assert unpack(broken) is None
    assert unpack(b"") is None


def vars_of(memory):
    return {name: getattr(memory, name) for name in dir(memory) if name[0] != "_" and name != "pack"}
