"""Of each retained topic the newest waits, and comes out as it was put, whatever its size."""

import json

import pytest

from stoep.uplink.retained import Retained

SMALL = json.dumps({"status": "online"}).encode()
LARGE = json.dumps({"channels": [{"count": n, "unit": "°C"} for n in range(200)]}).encode()


@pytest.mark.parametrize("payload", [b"", SMALL, LARGE])
def test_what_was_put_comes_out_once_and_again_on_a_new_connection(payload: bytes) -> None:
    retained = Retained()
    retained.put("topic", payload)
    assert retained.take() == ("topic", payload)
    retained.put("topic", payload)
    assert retained.take() is None  # nothing new
    retained.again()
    assert retained.take() == ("topic", payload)


def test_the_newest_takes_the_place_of_what_still_waits() -> None:
    retained = Retained()
    for payload in (SMALL, LARGE):
        retained.put("topic", payload)
    retained.put("other", SMALL)
    assert [retained.take(), retained.take(), retained.take()] == [("topic", LARGE), ("other", SMALL), None]


def test_what_did_not_go_goes_again() -> None:
    retained = Retained()
    retained.put("topic", LARGE)
    retained.take()
    retained.defer("topic")
    assert retained.take() == ("topic", LARGE)
