"""A board's ROM loader, spoken to by esptool: which chip it is, what its flash holds, and a new image into it."""

import contextlib
import threading
from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import serial

from stoep_field.board import trouble
from stoep_field.board.bench import Bench, probe
from stoep_field.errors import BoardError
from stoep_field.image.image import Image, Segment
from stoep_field.image.layout import BLANK, FLASH

CHIP = "ESP32"
BAUD = 460_800  # the adapters' fastest that all of them do
_ROM_BAUD = 115_200
_READ_BACK = 64 * 1024  # up to here byte by byte, beyond by MD5, which the chip computes of its flash
_ATTEMPTS = 3
_T = TypeVar("_T")
_once = threading.Lock()


class Chip(NamedTuple):
    """`flash` in bytes."""

    name: str
    mac: bytes
    flash: int


class Loader:
    """A stay in download mode, as a context. Every method raises BoardError when the board does not play along."""

    def __init__(self, bench: Bench, port: str) -> None:
        self._bench = bench
        self.port = port
        self._esp: Any = None

    def __enter__(self) -> Self:
        from esptool import cmds

        with _once:
            _quiet()
        probe(self.port)
        self._bench.hold_boot(self.port)
        how = "default-reset" if self._bench.has_lines else "no-reset"
        self._esp = self._do("spoken to", lambda: cmds.detect_chip(self.port, _ROM_BAUD, how, False, _ATTEMPTS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._esp is not None:
            with contextlib.suppress(OSError):
                self._esp._port.close()  # noqa: SLF001 -- esptool offers no other way

    def look(self) -> Chip:
        """What is there; raises BoardError too when it cannot be one of our boards."""
        from esptool import cmds

        def ask() -> Chip:
            if self._esp.CHIP_NAME != CHIP:
                raise trouble.wrong_chip(self.port, self._esp.CHIP_NAME)
            mac = bytes(self._esp.read_mac("BASE_MAC"))
            self._esp = cmds.run_stub(self._esp)
            self._esp.WRITE_FLASH_ATTEMPTS = 1  # who begins anew after a cut begins with a new secret
            if not self.port.startswith("rfc2217:"):
                self._esp.change_baud(BAUD)
            cmds.attach_flash(self._esp)
            size = cmds.detect_flash_size(self._esp)
            count = _bytes_of(size)
            if count < FLASH:
                raise trouble.small_flash(self.port, str(size))
            return Chip(self._esp.CHIP_NAME, mac, count)

        return self._do("asked which chip it has", ask)

    def read(self, address: int, size: int) -> bytes:
        return self._do("read", lambda: bytes(self._esp.read_flash(address, size, None)))

    def write(self, image: Image, progress: Callable[[float], None]) -> None:
        """Erases, writes, and compares each part with what the chip then has; `progress` hears 0 to 1."""
        self._do("flashed", lambda: self._write(image, progress))

    def _write(self, image: Image, progress: Callable[[float], None]) -> None:
        from esptool import cmds

        for region in image.erased:
            cmds.erase_region(self._esp, region.address, region.size)
        total, done = sum(len(one.data) for one in image.segments), 0
        for segment in image.segments:
            before = done
            size = len(segment.data)
            _listening.tell = lambda share, before=before, size=size: progress((before + share * size) / total)
            try:
                cmds.write_flash(self._esp, [(segment.address, segment.data)])
            finally:
                _listening.tell = None
            done += size
            progress(done / total)

    def verify(self, image: Image) -> None:
        """Reads all of it back. Raises BoardError naming what differs."""
        self._do("read back", lambda: self._verify(image))

    def _verify(self, image: Image) -> None:
        blanks = [Segment(region.address, BLANK * region.size) for region in image.erased]
        for segment in (*image.segments, *blanks):
            size = len(segment.data)
            if size <= _READ_BACK:
                is_same = bytes(self._esp.read_flash(segment.address, size, None)) == segment.data
            else:
                is_same = self._esp.flash_md5sum(segment.address, size) == segment.digest
            if not is_same:
                raise BoardError(
                    f"the flash at {self.port} does not hold what was written at 0x{segment.address:06x}",
                    "say the command again; if it stays so, the board's flash is worn or its supply too weak",
                )

    def _do(self, doing: str, act: Callable[[], _T]) -> _T:
        from esptool.util import FatalError

        try:
            return act()
        except (serial.SerialException, OSError) as error:
            raise self._lost(error, doing) from error
        except FatalError as error:
            if self._esp is None or not self._is_there():
                raise (trouble.silent(self.port) if self._is_there() else self._gone(doing)) from error
            reason = str(error).splitlines()[0]
            raise BoardError(f"{self.port} stopped while it was {doing} ({reason})", "say the command again") from error

    def _is_there(self) -> bool:
        return any(port == self.port for port, _ in self._bench.ports())

    def _gone(self, doing: str) -> BoardError:
        return trouble.cut_off(self.port, doing)

    def _lost(self, error: OSError, doing: str) -> BoardError:
        return trouble.port(self.port, error) if self._esp is None and self._is_there() else self._gone(doing)


def _bytes_of(size: str | None) -> int:
    from esptool.util import flash_size_bytes

    return int(flash_size_bytes(size) or 0) if size else 0


class _Listening(threading.local):
    """Who in this thread wants to hear of progress."""

    tell: Callable[[float], None] | None = None


_listening = _Listening()


class _Unspelt:
    """In the place of esptool's hexadecimal dump of a packet."""

    def __init__(self, _packet: bytes, _auto_split: bool = True) -> None: ...

    def __str__(self) -> str:
        return "…"


@cache
def _quiet() -> None:
    """From now on esptool talks to nobody but `_listening`: its words are for people at one board."""
    from esptool import loader
    from esptool.logger import TemplateLogger, log

    class Logger(TemplateLogger):  # type: ignore[misc] # its package carries no types
        def print(self, *_args: Any, **_kwargs: Any) -> None: ...

        def note(self, _message: str) -> None: ...

        def warning(self, _message: str) -> None: ...

        def error(self, _message: str) -> None: ...

        def stage(self, finish: bool = False) -> None: ...

        def set_verbosity(self, _verbosity: str) -> None: ...

        def progress_bar(self, cur_iter: int, total_iters: int, *_args: Any, **_kwargs: Any) -> None:
            if _listening.tell is not None and total_iters:
                _listening.tell(cur_iter / total_iters)

    log.set_logger(Logger())
    loader.HexFormatter = _Unspelt  # it spells each packet, also when nobody traces: a third of eight boards' time
