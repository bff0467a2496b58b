"""Whether a bridge is at each port that the settings name, may be opened, and says hello."""

from collections.abc import Iterator, Mapping
from typing import Any

from serial import SerialException

from stoep.doctor.finding import Finding, good, trouble
from stoep.links import listening
from stoep.links.port import PortError
from stoep.links.usb import identity, matching
from stoep.settings import BridgeSettings

_SILENT = (
    "is it flashed as a bridge (its light blinks)? Is the cable one with data lines? Press its button EN, or plug it "
    "in again; then ask once more"
)
_NONE = "plug the bridge in; a cable that only charges shows nothing: use one with data lines; lsusb lists what is seen"


def running(said: Mapping[str, Any]) -> Iterator[Finding]:
    """As the running service, which holds the ports, has told."""
    for bridge in said.get("bridges", ()):
        if bridge["alive"]:
            channel = f", radio channel {bridge['channel']}" if "channel" in bridge else ""
            yield good("bridge", f"{bridge['port']}: {bridge['state']}{channel}")
        else:
            yield trouble("bridge", f"{bridge['port']}: {bridge['state']}", bridge.get("problem") or _SILENT)


def look(bridges: tuple[BridgeSettings, ...]) -> Iterator[Finding]:
    """Opens each port and listens for some seconds."""
    for bridge in bridges:
        wanted = identity(bridge)
        ports = [bridge.port or ""] if wanted is None else matching(wanted)
        if not ports:
            yield trouble("bridge", f"no USB adapter for {wanted} is there", _NONE)
        for port in ports:
            yield _at(port)


def _at(port: str) -> Finding:
    try:
        hello = listening.hello(port)
    except PortError as error:
        words, _, remedy = str(error).partition(": ")
        return trouble("bridge", words, remedy)
    except SerialException as error:
        return trouble("bridge", f"{port} fell silent while it was read ({error})", _NONE)
    if hello is None:
        return trouble("bridge", f"{port} can be opened, but no bridge says hello", _SILENT)
    return good("bridge", f"{port}: bridge {hello.mac.hex(':')}, radio channel {hello.channel}")
