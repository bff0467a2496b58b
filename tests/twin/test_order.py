"""Whether the alarms of an absence come before its backlog is seen, and when they do not, said."""

from typing import Any

from stoep_twin.order import Order


def _event(number: int) -> dict[str, Any]:
    return {"epoch": 1, "number": number}


def _window(minute: int) -> dict[str, Any]:
    return {"start": f"2026-06-01T12:{minute:02}:00Z", "seconds": 900}


def _away() -> Order:
    """Away from 12:00 to 13:00, with alarm 7 of a bin."""
    now = [1_780_315_200.0]
    order = Order(lambda: now[0])
    order.raise_alarm("bin-1", 1, 6)  # before it
    order.away()
    order.raise_alarm("bin-1", 1, 7)
    now[0] += 3600
    order.back()
    order.raise_alarm("bin-1", 1, 8)  # after it
    return order


def test_an_alarm_before_the_backlog_is_in_order() -> None:
    order = _away()
    order.hear("bin-1", "event", _event(7))
    order.hear("bin-1", "window", _window(15))
    assert (order.raised, order.delivered, order.late) == (1, 1, [])


def test_a_backlog_before_its_alarm_is_said_once_and_the_alarm_is_missing_until_it_comes() -> None:
    order = _away()
    order.hear("bin-2", "window", _window(15))  # another node
    order.hear("bin-1", "window", _window(15))
    order.hear("bin-1", "window", _window(30))
    assert (order.raised, order.delivered, len(order.late)) == (1, 0, 1)
    order.hear("bin-1", "event", _event(7))
    assert order.delivered == 1
