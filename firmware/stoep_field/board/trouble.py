"""What goes wrong between a laptop and a board, in plain words with the remedy."""

import errno
import os

from stoep_field.errors import BoardError

GONE = "was unplugged"
_CABLE = "look at plug and cable, plug it in again, and say the same command once more"


def port(name: str, error: OSError) -> BoardError:
    """Why a port cannot be used."""
    code = error.errno
    if code in {errno.EACCES, errno.EPERM}:
        who = os.environ.get("USER", "$USER")
        return BoardError(
            f"{name} may not be opened by you", f"say: sudo usermod -aG dialout {who}, then log out and in again"
        )
    if code in {errno.EBUSY, errno.EAGAIN} or "exclusively lock" in str(error):
        return BoardError(
            f"{name} is in use",
            "close the other program (a monitor, an IDE, the gateway: systemctl stop stoep-gateway)",
        )
    return BoardError(f"{name} {GONE}", _CABLE)


def silent(name: str) -> BoardError:
    """Nobody answers as a ROM loader."""
    remedy = (
        "hold the button BOOT while you press EN, and say the command again; if that does not help, GPIO 0, 2 or 12 is "
        "held by something that is wired to it, or this is no ESP32"
    )
    return BoardError(f"nobody answers at {name}", remedy)


def cut_off(name: str, doing: str) -> BoardError:
    """The line ended in the middle of something."""
    return BoardError(f"{name} {GONE} while it was {doing}", _CABLE)


def wrong_chip(name: str, chip: str) -> BoardError:
    return BoardError(f"the chip at {name} is an {chip}", "take a board with an ESP32 (module ESP32-WROOM-32E)")


def small_flash(name: str, size: str) -> BoardError:
    return BoardError(f"the flash at {name} has {size}", "take a board with 4 MB or more (ESP32-WROOM-32E-N4)")


def brown_out(name: str) -> BoardError:
    remedy = "use a shorter cable or a port with more current, not a hub; with a battery: charge it"
    return BoardError(f"the board at {name} starts again and again: its voltage breaks down (brown-out)", remedy)


def strapped(name: str) -> BoardError:
    remedy = "let go of BOOT, and free GPIO 0 from whatever pulls it low; then press EN"
    return BoardError(f"the board at {name} waits to be flashed instead of starting: GPIO 0 is held low", remedy)


def no_program(name: str) -> BoardError:
    return BoardError(f"the board at {name} has no program", "commission it: stoep node commission")
