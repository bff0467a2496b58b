"""Over the gateway's shoulder on the city's side: each message it composes is held against its published schema.

As with `contract_spy`, nothing is raised where it is found; `judge` fails the test at its end, with topic and field.
"""

from collections.abc import Callable
from typing import Any

import pytest

import published
from stoep.downlink import order
from stoep.uplink.dialects.native import Native


class PublishedSpy:
    """Watches this process until `monkeypatch` is undone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.misfits: list[str] = []
        self.seen = 0
        for name in ("window", "sample", "event", "state", "result", "ledger"):
            monkeypatch.setattr(Native, name, self._watched(getattr(Native, name)))
        for name in ("gateway", "offline"):
            monkeypatch.setattr(Native, name, self._watched_gateway(getattr(Native, name)))
        read = order.read

        def understood(payload: bytes, *more: Any) -> order.Order:
            taken = read(payload, *more)
            self._look("stoep/1/any/any/set", payload)
            return taken

        monkeypatch.setattr(order, "read", understood)

    def _watched(self, compose: Callable[..., Any]) -> Callable[..., Any]:
        def composed(native: Native, *told: Any, **more: Any) -> Any:
            message = compose(native, *told, **more)
            if message is not None:
                topic, payload = message[-2:]
                self._look(topic, payload)
                if len(message) == 3:  # it goes through the outbox and may be of the backlog when it leaves
                    self._look(topic, Native.mark(payload))
            return message

        return composed

    def _watched_gateway(self, compose: Callable[..., bytes]) -> Callable[..., bytes]:
        def composed(native: Native, *told: Any) -> bytes:
            payload = compose(native, *told)
            self._look(native.gateway_topic, payload)
            return payload

        return composed

    def _look(self, topic: str, payload: bytes) -> None:
        self.seen += 1
        self.misfits += published.misfits(topic, payload)

    def judge(self) -> None:
        published.judge(self.misfits)
