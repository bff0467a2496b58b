"""How a board's interpreter starts: the facts it finds, and the ends of its console and its link."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from stoep_twin.hostlink import HostLink
from stoep_twin.line import Line
from stoep_twin.nursery import LINK, Child
from stoep_twin.surroundings import Surroundings


def start(
    directory: Path, around: Surroundings, stand_ins: Path, facts: dict[str, Any], line: Line | None, link: HostLink
) -> Child:
    """Start the interpreter of the board in `directory`; `facts` are what is so at this start."""
    where = {
        "link": LINK,
        "clock": str(around.clock.path),
        "flash": str(directory / "flash.bin"),
        "nvs": str(directory / "nvs.json"),
        "rtc": str(directory / "rtc.bin"),
        "stand_ins": str(stand_ins),
        "firmware": str(around.firmware) if around.firmware else None,
    }
    path = directory / "board.json"
    path.write_text(json.dumps(where | facts))
    arguments = ["-X", f"heapsize={around.heap}", str(stand_ins / "board.py"), str(path)]
    raw = os.open(directory / "console.raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    stdin, stdout = line.plug() if line else (os.open(os.devnull, os.O_RDONLY), os.dup(raw))
    try:
        return around.nursery.start(arguments, (stdin, stdout, raw, link.board_end))
    finally:
        for descriptor in (stdin, stdout, raw):
            os.close(descriptor)
        link.handed_over()
