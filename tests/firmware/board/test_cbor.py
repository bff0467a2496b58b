from binascii import unhexlify

from node import cbor

# RFC 8949 appendix A, the items that lie in the subset
VECTORS = (
    (0, "00"), (1, "01"), (10, "0a"), (23, "17"), (24, "1818"), (25, "1819"), (100, "1864"), (1000, "1903e8"),
    (1000000, "1a000f4240"), (1000000000000, "1b000000e8d4a51000"), (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"), (-10, "29"), (-100, "3863"), (-1000, "3903e7"), (-18446744073709551616, "3bffffffffffffffff"),
    (None, "f6"), (b"", "40"), (b"\x01\x02\x03\x04", "4401020304"), ([], "80"), ([1, 2, 3], "83010203"),
    ([1, [2, 3], [4, 5]], "8301820203820405"), ({}, "a0"), ({1: 2, 3: 4}, "a201020304"),
)  # fmt: skip

REFUSED = (
    "", "18", "1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff", "1c", "1f", "5f42010243030405ff",
    "9f018202039f0405ffff", "bf61610161629f0203ffff", "62c3bc", "f4", "f5", "f7", "f818", "f90000",
    "fb3ff199999999999a", "c074", "d74401020304", "0000", "8301", "4401", "a20102", "a203040102", "a201020103",
    "a1200a",
    "9bffffffffffffffff", "5bffffffffffffffff", "81818181818181818100", "ff",
)  # fmt: skip


def test_appendix_a_both_ways():
    for thing, spelled in VECTORS:
        assert cbor.encode(thing) == unhexlify(spelled), spelled
        assert cbor.decode(unhexlify(spelled)) == thing, spelled


def test_malformed_or_foreign_bytes_are_refused():
    for spelled in REFUSED:
        try:
            thing = cbor.decode(unhexlify(spelled))
        except cbor.Malformed:
            continue
        raise AssertionError("%s was taken for %r" % (spelled, thing))
