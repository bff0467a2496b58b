"""RFC 8949's own examples: both sides read and spell alike what lies in the wire's subset of CBOR, and refuse the rest.

`rfc8949.json` is appendix A, the malformed items of appendix F, and what is well-formed but has a shorter spelling.
The node has a decoder for just the subset. The gateway has a general library, so there a foreign item must be refused
by the readers of messages, wherever in a message it stands.
"""

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest

import second_reader
from board_node import BoardNode
from stoep.errors import MalformedError
from stoep.wire import messages, replies, shape
from stoep.wire.channels import catalogue

LIST = json.loads((Path(__file__).parent / "rfc8949.json").read_text())
SUBSET: list[dict[str, Any]] = LIST["subset"]
GROUPS: dict[str, list[str]] = {group["why"]: group["bytes"] for group in LIST["refused"]}
BEFORE = messages.Origin(1, 3)

# Where in a message an item can stand; always last, so that a cut item cannot borrow what follows it.
IN_REPLIES = {
    "the whole": "",
    "durable": "a101",
    "the seq of durable": "a1018201",
    "received": "a20182010102",
    "the first range received": "a2018201010281",
    "the end of a range": "a2018201010281830101",
    "alarms": "a20182010103",
    "an alarm's number": "a20182010103818201",
    "the time": "a20182010104",
    "a key": "a1",
}
IN_UPLINKS = {
    "the whole": "",
    "the last value of a usual report": "8b44a1b2c3d4000301000101010101",
    "the parts of a report": "8544a1b2c3d4010301",
    "how many counters back": "8544a1b2c3d4010301a101",
    "the samples": "8544a1b2c3d4010301a102",
    "a sample": "8544a1b2c3d4010301a10281",
    "the last value of a sample": "8544a1b2c3d4010301a10281890001000101010101",
    "an earlier epoch's samples": "8544a1b2c3d4010301a103818200",
    "the cause of a loss": "8544a1b2c3d4010301a1048184010101",
    "the value of an alarm": "8544a1b2c3d4010301a10581860101010301",
    "the earlier floor": "8544a1b2c3d4010300a106",
    "a key": "8544a1b2c3d4010301a1",
    "a message of nothing else": "81",
}


def plain(thing: Any) -> Any:
    """What cbor2 makes of what the list shows."""
    if isinstance(thing, dict):
        return bytes.fromhex(thing["bytes"]) if "bytes" in thing else {key: plain(value) for key, value in thing["map"]}
    return [plain(item) for item in thing] if isinstance(thing, list) else thing


def test_the_node_reads_and_spells_the_subset(board_node: BoardNode) -> None:
    spelled = [bytes.fromhex(case["bytes"]) for case in SUBSET]
    assert board_node.decode(spelled) == [case["thing"] for case in SUBSET]
    assert board_node.encode([case["thing"] for case in SUBSET]) == spelled


def test_the_gateway_reads_and_spells_the_subset() -> None:
    for case in SUBSET:
        spelled = bytes.fromhex(case["bytes"])
        assert shape.decode(spelled) == plain(case["thing"])
        assert cbor2.dumps(plain(case["thing"])) == spelled


@pytest.mark.parametrize("why", GROUPS)
def test_the_nodes_decoder_refuses_the_rest(board_node: BoardNode, why: str) -> None:
    verdicts = board_node.decode([bytes.fromhex(spelled) for spelled in GROUPS[why]])
    assert {spelled: said for spelled, said in zip(GROUPS[why], verdicts, strict=True) if said != "malformed"} == {}


@pytest.mark.parametrize("where", IN_REPLIES)
def test_no_reply_holds_any_of_it(board_node: BoardNode, where: str) -> None:
    foreign = [bytes.fromhex(IN_REPLIES[where] + spelled) for group in GROUPS.values() for spelled in group]
    assert board_node.read(foreign) == [None] * len(foreign)
    for one in foreign:
        with pytest.raises(MalformedError):
            pytest.fail(f"{one.hex()}: {replies.read_reply(one)}")


@pytest.mark.parametrize("where", IN_UPLINKS)
def test_no_uplink_holds_any_of_it(where: str) -> None:
    for group in GROUPS.values():
        for spelled in group:
            one = bytes.fromhex(IN_UPLINKS[where] + spelled)
            with pytest.raises(MalformedError):
                pytest.fail(f"{one.hex()}: {messages.Uplink.from_bytes(one, catalogue(), BEFORE)}")


TAKES_A_ONE = {
    "the seq of durable", "the end of a range", "an alarm's number", "the time", "the last value of a usual report",
    "how many counters back", "the last value of a sample", "the cause of a loss", "the value of an alarm",
}  # fmt: skip


@pytest.mark.parametrize("where", IN_REPLIES)
def test_an_item_of_the_subset_in_a_reply_is_judged_alike(board_node: BoardNode, where: str) -> None:
    replies = [bytes.fromhex(IN_REPLIES[where] + case["bytes"]) for case in SUBSET]
    taken = [verdict is not None for verdict in board_node.read(replies)]
    assert taken == [reads(one) for one in replies]
    assert taken[1] is (where in TAKES_A_ONE)


@pytest.mark.parametrize("where", IN_UPLINKS)
def test_an_item_of_the_subset_in_an_uplink_is_judged_by_the_letter(where: str) -> None:
    uplinks = [bytes.fromhex(IN_UPLINKS[where] + case["bytes"]) for case in SUBSET]
    taken = [understands(one) for one in uplinks]
    assert taken == [second_reader.read(one, tuple(BEFORE)) is not None for one in uplinks]
    assert taken[1] is (where in TAKES_A_ONE)


def reads(one: bytes) -> bool:
    try:
        replies.read_reply(one)
    except MalformedError:
        return False
    return True


def understands(one: bytes) -> bool:
    try:
        messages.Uplink.from_bytes(one, catalogue(), BEFORE)
    except MalformedError:
        return False
    return True
