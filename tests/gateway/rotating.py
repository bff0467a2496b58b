"""A gateway whose node has two secrets."""

from pathlib import Path

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock, sample
from stoep.registry.registry import Entry
from stoep.service.members import Members
from stoep.service.service import restore
from stoep.wire.replies import Answer

DAY = 86_400
OLD_DAYS = 14


class Rotating(Chain):
    """A gateway whose nodes come from the registry, where `entry` has an old secret and a new one."""

    def __init__(self, file: Path, clock: TurnedClock, old: PlayedNode, new: PlayedNode) -> None:
        self.entry = Entry(new.kid, new.name, "bin", new.secret, old=old.secret)
        super().__init__(file, clock, old)

    def _open(self, instance: bytes) -> None:
        super()._open(instance)
        self.members = Members(
            self.database, self.clock, self.intake, self.refiner, restore(self.database), old_days=OLD_DAYS
        )
        self.members.apply([self.entry])

    def settle(self) -> None:
        self.members.look()

    def hears(self, node: PlayedNode, seq: int, tick: int) -> Answer | None:
        """The answer to a sample of the node, after a challenge; None when it gets nothing."""
        for _ in range(2):
            reply = self.say(node.report(sample(seq, tick)))
            if reply is None:
                return None
            answer = node.open(reply)
            if isinstance(answer, Answer):
                return answer
        raise AssertionError("challenged twice")
