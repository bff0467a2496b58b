"""One thread of the service. It must not die alone: without one of its parts the service would seem to live."""

import logging
import os
import threading
from collections.abc import Callable

from stoep.errors import PermanentError

_log = logging.getLogger(__name__)
_BROKEN = 70  # EX_SOFTWARE
_JOIN_SECONDS = 4.0


class Stage:
    """`run` is the thread's life, until the event it is given; `wake` ends its waiting."""

    def __init__(
        self, name: str, run: Callable[[threading.Event], None], wake: Callable[[], None] = lambda: None
    ) -> None:
        self.name = name
        self._run = run
        self._wake = wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake()
        self._thread.join(_JOIN_SECONDS)
        if self._thread.is_alive():
            _log.error("%s did not stop in time", self.name)

    def _guarded(self) -> None:
        try:
            self._run(self._stop)
        except PermanentError as error:
            _log.critical("%s cannot go on: %s", self.name, error)
            logging.shutdown()
            os._exit(error.exit_code)
        except Exception:  # noqa: BLE001 -- whatever it is, the process must end, not go on without this stage
            _log.critical("%s failed, ending", self.name, exc_info=True)
            logging.shutdown()
            os._exit(_BROKEN)
