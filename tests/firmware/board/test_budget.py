from node import cbor, frame
from node.generated.spelling import LENGTHS
from node.held import SAMPLE, Record
from node.report import Report
from node.telling import RESERVED

KEYS = frame.Keys(bytes(32), b"up")
INSTANCE = b"\xff\xfe\xfd\xfc"
WIDE = -30000  # three bytes, as wide as a catalogued value gets


def record(seq, tick, readings):
    LENGTHS[20] = readings
    payload = bytearray((20,))
    for _ in range(readings):
        cbor.write(payload, WIDE)
    return Record(SAMPLE, 1, seq, tick, payload)


def sealed(report, counter):
    return len(frame.seal_uplink(KEYS, b"\xc0\xff\xee\x01", counter, report.encode()))


def test_a_usual_frame_costs_40_and_3_for_each_reading():
    # Not of a young board: nearly two years of quarter hours in one epoch, the counter at its last two-byte value.
    for readings in range(3, 13):
        report = Report(INSTANCE, 1, 59_000_000, (1, 65534), 1, 900)
        report.add(record(65535, 59_000_000 - 2, readings))
        assert report.is_usual()
        size = sealed(report, 65535)
        assert size <= 40 + 3 * readings, (readings, size)


def test_a_backlog_drains_at_six_bytes_a_reading():
    for readings in range(3, 13):
        report = Report(INSTANCE, 1, 59_000_000, (1, 60000), 1, 900)
        seq, room = 60000, frame.PLAIN_LONGEST - RESERVED
        while True:
            one = record(seq, 59_000_000 - (65535 - seq) * 900, readings)
            room -= report.cost(one)
            if room < 0:
                break
            report.add(one)
            seq += 1
        size = sealed(report, 65535)
        assert size <= frame.LONGEST
        assert size <= 6 * readings * len(report.samples), (readings, size, len(report.samples))
