import struct

from node.sensors.lis3dh import LIS3DH, angle


class Chip:
    """Samples from a list, the last for ever; the self-test adds `force`."""

    def __init__(self, *samples, force=(300, 300, 300), chip_id=0x33, new=0x08):
        self._samples = list(samples)
        self._force = force
        self._new = new
        self.registers = bytearray(128)
        self.registers[0x0F] = chip_id
        self.registers[0x20] = 0x07
        self.registers[0x31] = 0x15
        self.log = []

    def readfrom_mem(self, address, register, count):
        if address != 0x18:
            raise OSError(19)
        self.log.append(register)
        if register == 0x27:
            return bytes((self._new,))
        if register != 0xA8:
            return bytes(self.registers[register : register + count])
        sample = self._samples.pop(0) if len(self._samples) > 1 else self._samples[0]
        if self.registers[0x23] & 0x02:
            sample = [sample[axis] + self._force[axis] for axis in range(3)]
        return struct.pack("<hhh", *[value << 4 for value in sample])

    def writeto_mem(self, address, register, data):
        for at, value in enumerate(data):
            self.registers[(register & 0x7F) + at] = value


def refuses(what, kind, text):
    try:
        got = what()
    except kind as error:
        got = str(error)
        if text in got:
            return
    raise AssertionError("got %r" % (got,))


def test_the_median_ignores_a_knock_and_the_sample_of_before():
    chip = Chip((2000, 0, 0), (1, 2, 1000), (0, 3, 996), (1500, -1500, 2040), (1, 3, 1004), (2, 4, 1000))
    assert LIS3DH(chip, 0x18).read() == (1, 3, 1000)


def test_it_watches_on_after_a_reading_as_before_even_when_that_failed():
    chip = Chip((0, 0, 1000))
    chip.registers[0x20] = 0x2F
    LIS3DH(chip, 0x18).read()
    assert chip.registers[0x20] == 0x2F
    late = Chip((0, 0, 1000), new=0)
    late.registers[0x20] = 0x2F
    refuses(LIS3DH(late, 0x18).read, OSError, "no new sample")
    assert late.registers[0x20] == 0x2F


def test_what_is_not_gravity_is_refused():
    for sample in ((0, 0, 0), (0, 0, 499), (300, 300, 200), (0, 0, 1501), (-1000, 1000, -600)):
        refuses(LIS3DH(Chip(sample), 0x18).read, ValueError, "not gravity")
    for sample in ((0, 0, 500), (0, 0, -1500), (-600, 600, 600)):
        assert LIS3DH(Chip(sample), 0x18).read() == sample


def test_absent():
    for call in ("check", "read", "arm", "source"):
        refuses(getattr(LIS3DH(Chip((0, 0, 1000)), 0x19), call), OSError, "19")


def test_the_self_test_has_limits_either_way():
    assert LIS3DH(Chip((0, 0, 1000), force=(68, -68, 1000)), 0x18).check() == "LIS3DH, self-test 68, 68, 1000 mg"
    for force in ((67, 300, 300), (300, 0, 300), (300, 300, -67), (1441, 300, 300)):
        refuses(LIS3DH(Chip((0, 0, 100), force=force), 0x18).check, ValueError, "self-test")
    refuses(LIS3DH(Chip((0, 0, 1000), chip_id=0x44), 0x18).check, ValueError, "0x44")


def test_the_self_tests_force_is_off_again():
    chip = Chip((0, 0, 1000))
    LIS3DH(chip, 0x18).check()
    assert chip.registers[0x23] == 0x80
    assert chip.registers[0x20] == 0x07


def test_armed_as_the_datasheet_has_it():
    chip = Chip((0, 0, 1000))
    LIS3DH(chip, 0x18).arm()
    # 10 Hz low power; filter for INT1 only; INT1 on its pin; steady ±2 g; latched; high is active
    assert bytes(chip.registers[0x20:0x26]) == b"\x2f\x11\x40\x80\x08\x00"
    assert bytes(chip.registers[0x30:0x34]) == b"\x2a\x15\x10\x00"
    assert 0x26 in chip.log
    assert chip.log[-1] == 0x31


def test_the_source_counts_only_if_it_is_active():
    chip = Chip((0, 0, 1000))
    assert LIS3DH(chip, 0x18).source() == 0
    chip.registers[0x31] = 0x6A
    assert LIS3DH(chip, 0x18).source() == 0x2A


def test_every_whole_degree_within_one():
    # (cosine, sine) of 0 to 45 degrees in mg
    sines = (0, 17, 35, 52, 70, 87, 105, 122, 139, 156, 174, 191, 208, 225, 242, 259, 276, 292, 309, 326, 342, 358, 375)
    sines += (391, 407, 423, 438, 454, 469, 485, 500, 515, 530, 545, 559, 574, 588, 602, 616, 629, 643, 656, 669, 682)
    sines += (695, 707, 719, 731, 743, 755, 766, 777, 788, 799, 809, 819, 829, 839, 848, 857, 866, 875, 883, 891, 899)
    sines += (906, 914, 921, 927, 934, 940, 946, 951, 956, 961, 966, 970, 974, 978, 982, 985, 988, 990, 993, 995, 996)
    sines += (998, 999, 999, 1000, 1000)
    for degrees in range(91):
        sine, cosine = sines[degrees], sines[90 - degrees]
        for got, expected in (
            (angle((sine, 0, cosine), (0, 0, 1)), degrees),
            (angle((0, -sine, cosine), (0, 0, 980)), degrees),
            (angle((sine, 0, -cosine), (0, 0, 1)), 180 - degrees),
            (angle((cosine, sine, 0), (1000, 3, -2)), degrees),
        ):
            assert abs(got - expected) <= 1, (degrees, got, expected)
    assert angle((0, 0, 1000), (0, 0, 1)) == 0
    assert angle((0, 0, -1000), (0, 0, 1)) == 180
    assert angle((1000, 0, 0), (0, 0, 1)) == 90
