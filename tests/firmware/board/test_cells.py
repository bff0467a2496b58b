from nor import SECTOR, Nor, PowerCut

from node.cells import Cells


def test_a_value_is_there_after_put_returned():
    device = Nor(2)
    Cells(device, 0).put(1, b"one")
    assert Cells(device, 0).get(1) == b"one"


def test_the_newest_value_counts_over_many_moves():
    device = Nor(2)
    cells = Cells(device, 0)
    cells.put(9, b"stays")
    for number in range(1500):
        cells.put(1, number.to_bytes(4, "big"))
    again = Cells(device, 0)
    assert again.get(1) == (1499).to_bytes(4, "big")
    assert again.get(9) == b"stays"
    assert device.erases > 4


def test_a_power_cut_at_every_step_keeps_old_or_new():
    for budget in range(420):
        device = Nor(2)
        cells = Cells(device, 0)
        cells.put(7, b"identity")
        kept = -1
        device.budget = budget
        try:
            for number in range(400):
                cells.put(1, number.to_bytes(12, "big"))
                kept = number
        except PowerCut:
            pass
        device.budget = None
        again = Cells(device, 0)
        found = int.from_bytes(again.get(1), "big") if again.get(1) else -1
        assert kept <= found <= kept + 1, (budget, kept, found)
        assert again.get(7) == b"identity", budget


def test_a_torn_record_is_told_and_the_older_value_counts():
    device = Nor(2)
    cells = Cells(device, 0)
    cells.put(1, b"first")
    cells.put(1, b"second")
    device.data[12 + 12 + 5] &= 0x10  # inside the second record
    again = Cells(device, 0)
    assert again.torn and again.get(1) == b"first"
    again.put(1, b"third")
    assert not Cells(device, 0).torn and Cells(device, 0).get(1) == b"third"


def test_bytes_programmed_behind_the_end_are_noticed():
    device = Nor(2)
    Cells(device, 0).put(1, b"first")
    device.data[2000] = 0
    again = Cells(device, 0)
    assert again.torn
    again.put(1, b"second")
    assert Cells(device, 0).get(1) == b"second"


def test_wiped_cells_are_empty_and_usable():
    device = Nor(2)
    cells = Cells(device, 0)
    cells.put(1, b"first")
    cells.wipe()
    assert Cells(device, 0).get(1) is None
    cells.put(2, b"new")
    assert Cells(device, 0).get(2) == b"new" and len(device.data) == 2 * SECTOR
