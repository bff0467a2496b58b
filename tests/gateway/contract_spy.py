"""Over the gateway's shoulder: each reply it seals and each message its readers take is held against the contract.

Nothing is raised where it is found, for the gateway drops what it cannot handle; `judge` fails the test at its end.
"""

from types import ModuleType
from typing import Any

import pytest

import contract
from stoep.intake.node import Node
from stoep.wire import replies
from stoep.wire.messages import Uplink


class Spy:
    """Watches this process until `monkeypatch` is undone; `others` have `read_reply` under a name of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *others: ModuleType) -> None:
        self.misfits: list[str] = []
        self.seen = 0
        seal, from_bytes, read_reply = Node.seal, Uplink.from_bytes.__func__, replies.read_reply  # type: ignore[attr-defined]

        def sealed(node: Node, answered: int, plain: bytes) -> bytes:
            self._look("reply", plain)
            return seal(node, answered, plain)

        def understood(cls: type[Uplink], plain: bytes, *more: Any, **named: Any) -> Uplink:
            uplink: Uplink = from_bytes(cls, plain, *more, **named)
            self._look("uplink", plain)
            return uplink

        def read(plain: bytes) -> Any:
            answer = read_reply(plain)
            self._look("reply", plain)
            return answer

        monkeypatch.setattr(Node, "seal", sealed)
        monkeypatch.setattr(Uplink, "from_bytes", classmethod(understood))
        for module in (replies, *others):
            monkeypatch.setattr(module, "read_reply", read)

    def _look(self, rule: str, plain: bytes) -> None:
        self.seen += 1
        try:
            contract.validate(rule, plain)
        except contract.Misfit as misfit:
            self.misfits.append(str(misfit))

    def judge(self) -> None:
        assert self.misfits == []
