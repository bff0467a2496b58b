"""The serial port of a bridge, opened without disturbing the board behind it."""

import contextlib
import errno
import os
import termios

import serial

from stoep.errors import TransientError
from stoep.wire.serial import BAUD

_READ_SECONDS = 0.2
_WRITE_SECONDS = 0.5
_HUPCL = 2  # index of cflag in what tcgetattr returns


class PortError(TransientError):
    """The port cannot be used now; the message says what to do about it."""


class _Port(serial.Serial):
    """DTR and RTS are wired to reset and boot mode. The kernel raises both together, which is harmless."""

    def _update_dtr_state(self) -> None:
        """Leave it alone."""

    def _update_rts_state(self) -> None:
        """Leave it alone."""


def _remedy(port: str, error: OSError) -> str:
    code = error.errno
    if code in {errno.ENOENT, errno.ENXIO, errno.ENODEV}:
        return f"{port} is missing: plug the bridge in, or set the right port (see /dev/serial/by-id)"
    if code in {errno.EACCES, errno.EPERM}:
        return f"{port} may not be opened: add the service's user to the group dialout"
    if code in {errno.EBUSY, errno.EAGAIN} or "exclusively lock" in str(error):
        return f"{port} is busy: stop the other program that has it open"
    return f"{port} cannot be opened ({error.strerror or error}): check cable and port"


def open_port(port: str) -> serial.Serial:
    """Raises PortError."""
    try:
        opened = _Port(port=port, baudrate=BAUD, timeout=_READ_SECONDS, write_timeout=_WRITE_SECONDS, exclusive=True)
    except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError, termios.error is none
        raise PortError(_remedy(port, error if isinstance(error, OSError) else OSError(*error.args))) from error
    descriptor = opened.fileno()
    with contextlib.suppress(termios.error):
        attributes = termios.tcgetattr(descriptor)
        attributes[_HUPCL] &= ~termios.HUPCL  # closing must not drop DTR and reset the board
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    with contextlib.suppress(OSError, ValueError, AttributeError, NotImplementedError):
        if not os.ttyname(descriptor).startswith("/dev/pts/"):
            opened.set_low_latency_mode(True)  # an FTDI adapter would hold bytes back for 16 ms
    return opened
