"""Published vectors, on the node in MicroPython and on the gateway: NIST CAVP's AES-CCM, RFC 3610, RFC 5869."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

NIST = Path(str(cryptography_vectors.__file__)).parent
TAG, NONCE = 8, 13

ON_THE_NODE = """
import json, sys
from binascii import unhexlify as raw
from node import ccm
from node.kdf import hkdf

cases = json.load(open(sys.argv[1]))
for number, case in enumerate(cases["ccm"]):
    key, nonce, aad, sealed = raw(case["key"]), raw(case["nonce"]), raw(case["aad"]), raw(case["sealed"])
    assert ccm.seal(key, nonce, aad, raw(case["plain"])) == sealed, number
    assert ccm.unseal(key, nonce, aad, sealed) == raw(case["plain"]), number
for case in cases["hkdf"]:
    okm = raw(case["okm"])
    assert hkdf(raw(case["ikm"]), raw(case["info"]), len(okm), raw(case["salt"])) == okm
print("all", len(cases["ccm"]), len(cases["hkdf"]))
"""


def nist() -> list[dict[str, Any]]:
    """Every encryption case of the suite with a 128-bit key, a 13-byte nonce and an 8-byte tag."""
    found = []
    for path in sorted((NIST / "ciphers" / "AES" / "CCM").glob("V*128.rsp")):
        state: dict[str, str] = {}  # what the lines so far say; a case is whole when its CT is there
        for line in path.read_text().splitlines():
            name, is_setting, value = line.strip("[]").partition(" = ")
            if is_setting:
                state[name] = value
            if name == "CT" and state["Tlen"] == str(TAG) and len(state["Nonce"]) == 2 * NONCE:
                found.append({"key": state["Key"], "nonce": state["Nonce"], "aad": state["Adata"],
                              "plain": state["Payload"], "sealed": value})  # fmt: skip
    return found


def rfc3610() -> list[dict[str, Any]]:
    """RFC 3610 section 8: the packet vectors whose tag has 8 bytes."""
    cases: list[dict[str, Any]] = json.loads((Path(__file__).parent / "rfc3610.json").read_text())
    return cases


def rfc5869() -> list[dict[str, str]]:
    cases: list[dict[str, str]] = []
    for line in (NIST / "KDF" / "rfc-5869-HKDF-SHA256.txt").read_text().splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "COUNT":
            cases.append({})
        elif name.strip() in {"IKM", "salt", "info", "OKM"}:
            cases[-1][name.strip().lower()] = value.strip()
    return cases


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"ccm": nist() + rfc3610(), "hkdf": rfc5869()}))
    return file


def test_the_node_gives_every_published_result(run_micropython: Callable[..., str], cases: Path) -> None:
    said = run_micropython(ON_THE_NODE, str(cases), heap="1M")
    assert said.split() == ["all", str(len(nist()) + len(rfc3610())), str(len(rfc5869()))]
    assert len(nist()) >= 10
    assert len(rfc5869()) == 3


def test_the_gateways_library_gives_every_published_result() -> None:
    for case in nist() + rfc3610():
        cipher = AESCCM(bytes.fromhex(case["key"]), tag_length=TAG)
        nonce, aad = bytes.fromhex(case["nonce"]), bytes.fromhex(case["aad"])
        assert cipher.encrypt(nonce, bytes.fromhex(case["plain"]), aad).hex() == case["sealed"]
