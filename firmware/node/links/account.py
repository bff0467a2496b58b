"""Where a node finds its network and broker: a secret of commissioning, beside the identity and as little ever shown.

Name and password at the broker need no room: the name is the kid, the password follows from the node's secret.
"""

from binascii import hexlify

from micropython import const

from node import cbor, flash
from node.cells import Cells

_ACCOUNT = const(2)  # the cell beside the identity's
_PASSWORD = const(16)  # bytes
_PORT = const(1883)


class Account:
    """`network` and `key` of the access point; `host` (IPv4: to look up a name would keep the lamp waiting), `port`."""

    def __init__(self, network, key, host, port=_PORT):
        if not 1 <= len(network) <= 32 or not (not key or 8 <= len(key) <= 63):
            raise ValueError("a Wi-Fi network has a name of 1 to 32 bytes and a key of 8 to 63, or none")
        numbers = host.split(".")
        if len(numbers) != 4 or not all(number.isdigit() and int(number) < 256 for number in numbers):
            raise ValueError("the broker's host must be an IPv4 address such as 192.168.4.1")
        if not 1 <= port <= 65535:
            raise ValueError("the broker's port must be 1 to 65535")
        self.network, self.key, self.host, self.port = network, key, host, port


def read(device):
    """The board's account, or None when it was commissioned without one."""
    value = Cells(device, flash.IDENTITY).get(_ACCOUNT)
    if value is None:
        return None
    try:
        network, key, host, port = cbor.decode(value)
        return Account(network.decode(), key.decode(), host.decode(), port)
    except ValueError:
        return None


def write(device, account):
    """Keep it beside the identity; commissioning anew forgets it."""
    value = [account.network.encode(), account.key.encode(), account.host.encode(), account.port]
    Cells(device, flash.IDENTITY).put(_ACCOUNT, cbor.encode(value))


def password(secret):
    """The password at the broker of the node with this secret; it tells nothing of the secret."""
    from node.kdf import hkdf

    return hexlify(hkdf(secret, b"broker", _PASSWORD)).decode()
