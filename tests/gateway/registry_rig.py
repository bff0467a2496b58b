"""A site's registry and the commands on it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage
from typer.testing import CliRunner, Result

from stoep.cli import build
from stoep.registry import handover, registry

MADE = datetime(2026, 6, 1, 8, tzinfo=UTC)
NEW = "ab" * 32
GROUP = "cd" * 32
PLACE = 'latitude = 50.85\nlongitude = 4.35\ntimezone = "Europe/Brussels"\n'


def handed(*nodes: dict[str, Any], **more: Any) -> bytes:
    document = {"format": "stoep-handover", "version": 1, "written_at": "2026-06-01T08:00:00Z", "nodes": nodes}
    return json.dumps(document | more).encode()


def one(**more: Any) -> dict[str, Any]:
    told = {"kid": "c0ffee02", "name": "bin-2", "kind": "bin", "secret": NEW, "made_at": "2026-06-01T07:55:00Z"}
    return told | more


class Cabinet:
    """A site's files, and the commands on them."""

    def __init__(self, config: Path) -> None:
        config.write_text(config.read_text().replace("[[bridge]]", PLACE + "[[bridge]]"))
        self.config = config
        self.folder = config.parent
        self.nodes, self.secrets = self.folder / "nodes.toml", self.folder / "secrets.toml"
        self.key = self.folder / "handover.key"

    def say(self, *words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(build(), ["registry", words[0], "-c", str(self.config), *words[1:]], input=typed)

    def known(self) -> registry.Known:
        return registry.load(self.nodes, self.secrets)

    def both(self) -> tuple[bytes, bytes]:
        return self.nodes.read_bytes(), self.secrets.read_bytes()

    def sealed(self, plain: bytes) -> str:
        file = self.folder / "handed.age"
        file.write_bytes(pyrage.encrypt(plain, [handover.load_key(self.key).to_public()]))
        return str(file)

    def take_in(self, *nodes: dict[str, Any], **more: Any) -> Result:
        return self.say("import", self.sealed(handed(*nodes, **more)))
