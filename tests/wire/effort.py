"""How long the searching tests search.

STOEP_EXAMPLES=200000 pytest tests/wire      so many examples each, without a limit of time
STOEP_FIRST=1000000 …                        and other ones: example n is always the same
"""

import os

import pytest
from hypothesis import HealthCheck, settings

_ASKED = int(os.environ.get("STOEP_EXAMPLES", "0"))
_FIRST = int(os.environ.get("STOEP_FIRST", "0"))

unlimited = pytest.mark.timeout(0 if _ASKED else 120)


def numbers(usual: int) -> range:
    """The numbers of the examples to try; each is the seed of its own."""
    return range(_FIRST, _FIRST + (_ASKED or usual))


def searching(usual: int) -> settings:
    """The same for hypothesis, which draws anew only in the long form."""
    return settings(
        max_examples=_ASKED or usual,
        derandomize=not _ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
