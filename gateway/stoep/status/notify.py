"""sd_notify(3) in a few lines: tells systemd that we are ready, alive, going."""

import os
import socket


def notify(message: str) -> None:
    """Does nothing when nobody asked to be told. A supervisor that is gone is no reason to fail."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)
        try:
            channel.sendto(message.encode(), address)
        except OSError:
            return
