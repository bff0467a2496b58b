"""What the tests of both sides share."""

from collections.abc import Iterator

import pytest

from board_node import BoardNode


@pytest.fixture(scope="session")
def board_node() -> Iterator[BoardNode]:
    """The node's side, in MicroPython."""
    node = BoardNode()
    yield node
    node.close()
