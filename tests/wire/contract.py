"""`wire.cddl` as a judge: the one home of the question whether a plaintext is what the contract says.

Two validators, of the shape: pycddl, which looks away where an array of arrays repeats (0.6 passes five of `1*4`, and a
number out of range in the second), and cddl-verifier, which does not. The spelling, which CDDL cannot say, is judged by
encoding anew: shortest form, keys in order, none twice, one item.
"""

import logging
from collections import Counter

import cbor2
import pycddl
from cddl_verifier import Validator

from stoep import resources

CDDL = (resources.wire_dir() / "wire.cddl").read_text()
RULES = ("uplink", "reply", "groupframe")
logging.getLogger("cddl_verifier").disabled = True  # it logs each refusal, and most here are meant

validated: Counter[str] = Counter()  # in this run of the tests, by rule


class Misfit(AssertionError):  # noqa: N818 (it is what a test fails with)
    """A plaintext that is not what the contract says."""


_FIRST_OPINION = {rule: pycddl.Schema(f"start = {rule}\n{CDDL}") for rule in RULES}  # it validates the first rule
_SECOND_OPINION = Validator(CDDL)


def _misfit(rule: str, plain: bytes) -> str | None:
    try:
        _FIRST_OPINION[rule].validate_cbor(plain)
        spelled = cbor2.dumps(cbor2.loads(plain), canonical=True)
    except Exception as error:  # noqa: BLE001 -- whatever a library raises on a stranger's bytes
        return str(error)
    if spelled != plain:
        return "not in the shortest form, or not one item"
    result = _SECOND_OPINION.validate(plain, root_type=rule)
    return None if result.valid else "; ".join(found.message for found in result.diagnostics)


def fits(rule: str, plain: bytes) -> bool:
    """Whether `plain` is what the rule of this name says."""
    return _misfit(rule, plain) is None


def validate(rule: str, plain: bytes) -> None:
    """Raises `Misfit` unless it is; counts it when it is."""
    why = _misfit(rule, plain)
    if why is not None:
        raise Misfit(f"no {rule}: {plain.hex()}: {why}")
    validated[rule] += 1
