"""A node that takes a sample each quarter of an hour, and what the ledger says of its days."""

import json
from typing import Any

from gateway_chain import Chain
from gateway_rig import MORNING, WIRE, sample
from stoep.ledger import books
from stoep.ledger.account import UNEXPLAINED, Account
from stoep.ledger.days import Line, ledger
from stoep.ledger.receipts import Receipts, cause_word
from stoep.refine.days import DAY
from stoep.store.windows import SECONDS
from stoep.wire.channels import catalogue
from stoep.wire.messages import Lost, Place

FIRST = int(MORNING // DAY)
QUARTER = SECONDS
MIDNIGHT = int((FIRST + 1) * DAY - MORNING)  # the node's tick at the end of the first day


def look(chain: Chain, intervals: dict[bytes, int]) -> dict[int, list[Line]]:
    with books.opened(chain.database.file) as read:
        return ledger(read, intervals, chain.clock.utc())


def days(chain: Chain, *, interval: int | None = QUARTER) -> dict[int, Account]:
    """By day from the first; what is in the file and nothing else."""
    found = look(chain, {} if interval is None else {chain.node.kid: interval})
    accounts = {day - FIRST: lines[0].account for day, lines in found.items()}
    for account in accounts.values():
        assert account.expected == account.delivered + account.kept + sum(account.lost.values()) + account.owed
        assert UNEXPLAINED not in account.lost
    return accounts


def report(chain: Chain, *seqs: int, tick: int, floor: int = 1, lost: tuple[Lost, ...] = (), epoch: int = 1) -> None:
    """Samples are taken each quarter of an hour: seq n at tick n × 900."""
    chain.clock.now = 1000.0 + tick
    taken = [sample(seq, seq * QUARTER, epoch, _lively(seq)) for seq in seqs]
    for some in [taken[at : at + 4] for at in range(0, len(taken), 4)] or [[]]:
        chain.ask(*some, tick=tick, back=1, floor=Place(epoch, floor), lost=lost, epoch=epoch)
    chain.commit()
    chain.turn()


def _lively(seq: int) -> tuple[int, ...]:
    """Readings that stand still are told of once more, as suspect."""
    return tuple(value + seq % 3 for value in WIRE)


def start(chain: Chain) -> None:
    chain.ask(tick=0)
    chain.clock.now += 30
    chain.ask(tick=30, back=1)
    chain.commit()


def confirm(chain: Chain) -> list[dict[str, Any]]:
    """The city takes what waits."""
    messages = chain.outbox.next(1000, ())
    chain.outbox.confirmed([message.id for message in messages])
    return [json.loads(message.payload) for message in messages]


def word(cause: int) -> str:
    return cause_word(catalogue().causes, cause)


def publish(chain: Chain) -> int:
    receipts = Receipts(chain.database, chain.outbox, chain.native, word)
    now = chain.clock.utc()
    return receipts.publish(look(chain, {}), now)
