"""The real gateway service, as a process: settings written for it, started again when it dies, killed on request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stoep_twin import leash, lighting
from stoep_twin.broker import Address

_RESTART_S = 0.5  # as RestartSec in the unit
_STOP_S = 10.0
_TOO_MANY = 5  # deaths by itself within a minute: systemd's start limit
_LIMIT_S = 60.0


@dataclass(frozen=True)
class NodeEntry:
    """One node, as the registry and the secrets file name it."""

    kid: bytes
    name: str
    kind: str
    secret: bytes


@dataclass(frozen=True)
class Group:
    """The lamps of a street, in its order: (node, metres along it)."""

    name: str
    secret: bytes
    lamps: tuple[tuple[str, float], ...]


def write_settings(
    directory: Path,
    site: str,
    nodes: Sequence[NodeEntry],
    port: Path,
    clock: Path,
    city: Address,
    group: Group | None = None,
) -> Path:
    """gateway.toml and the registry; returns the first."""
    config = directory / "gateway.toml"
    lines = [
        "[site]",
        f'name = "{site}"',
        *(lighting.of_site() if group else ()),
        "",
        "[registry]",
        'nodes = "nodes.toml"',
        'secrets = "secrets.toml"',
        "",
        "[store]",
        'path = "stoep.db"',
        "commit_seconds = 0.2",  # real: ten would be hours of a street that lives fast
        "",
        "[[bridge]]",
        f"port = {_quoted(port)}",
        "",
        "[mqtt]",
        f"host = {_quoted(city.host)}",
        f"port = {city.port}",
        f"tls = {'true' if city.tls else 'false'}",
        f'client_id = "stoep-{site}"',
    ]
    if city.username is not None:
        password = directory / "mqtt-password"
        _write_private(password, city.password or "")
        lines += [f"username = {_quoted(city.username)}", f'password_file = "{password.name}"']
    lines += lighting.of_gateway() if group else []
    lines += ["", "[clock]", 'source = "twin"', f"file = {_quoted(clock)}", "", "[log]", 'level = "info"', ""]
    config.write_text("\n".join(lines))
    write_registry(directory, nodes, group)
    return config


def write_registry(directory: Path, nodes: Sequence[NodeEntry], group: Group | None = None) -> None:
    """nodes.toml and secrets.toml (0600), which the gateway reads again when they change."""
    entries = [f'[[node]]\nkid = "{node.kid.hex()}"\nname = "{node.name}"\nkind = "{node.kind}"\n' for node in nodes]
    secrets = "[secrets]\n" + "".join(f'{node.kid.hex()} = "{node.secret.hex()}"\n' for node in nodes)
    if group is not None:
        entries.append(lighting.of_registry(group.name, group.lamps))
        secrets += f'\n[groups]\n{group.name} = "{group.secret.hex()}"\n'
    (directory / "nodes.toml").write_text("\n".join(entries))
    _write_private(directory / "secrets.toml", secrets)


def _quoted(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)  # a JSON string is a TOML basic string


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


class Gateway:
    """Keeps the service running, as systemd would."""

    def __init__(self, config: Path, log: Path, finding: Callable[[str], None]) -> None:
        self._config = config
        self._log = log
        self._finding = finding
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = True
        self._up = asyncio.Event()
        self._up.set()
        self._stopped = False
        self._deaths: list[float] = []
        self.kills = 0
        self.starts = 0

    async def keep(self) -> None:
        """Start it, and again whenever it has ended; until `stop`."""
        while self._wanted:
            await self._up.wait()
            if not self._wanted:
                return
            self._start()
            killed = await self._wait()
            if not self._wanted:
                return
            stopped, self._stopped = self._stopped, False
            if not killed and not stopped:
                self._mourn()
            await asyncio.sleep(_RESTART_S)

    def _start(self) -> None:
        self.starts += 1
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                leash.command([sys.executable, "-P", "-m", "stoep", "gateway", "--config", str(self._config)]),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    async def _wait(self) -> bool:
        # True when it was a kill of ours.
        process = self._process
        assert process is not None
        while process.poll() is None:  # noqa: ASYNC110 (a child of Popen has no event to wait for)
            await asyncio.sleep(0.05)
        return process.returncode == -signal.SIGKILL and self.kills > 0

    def _mourn(self) -> None:
        assert self._process is not None
        now = time.monotonic()
        self._deaths = [then for then in self._deaths if now - then < _LIMIT_S] + [now]
        self._finding(f"the gateway ended by itself ({self._process.returncode}): {self.last_words()}")
        if len(self._deaths) >= _TOO_MANY:
            raise RuntimeError(f"the gateway does not stay up; see {self._log}")

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        return lines[-1][:200] if lines else "it said nothing"

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        if self._process is not None and self._process.poll() is None:
            self.kills += 1
            self._process.kill()

    async def down(self) -> None:
        """Stopped, until `up`: somebody works on its files."""
        self._up.clear()
        self._stopped = self._process is not None and self._process.poll() is None
        await self._terminate()

    def up(self) -> None:
        """Started again."""
        self._up.set()

    async def stop(self) -> None:
        """SIGTERM, as `systemctl stop` does; SIGKILL when it does not end."""
        self._wanted = False
        self._up.set()
        await self._terminate()

    async def _terminate(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        end = time.monotonic() + _STOP_S
        while process.poll() is None and time.monotonic() < end:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.02)
        if process.poll() is None:
            self._finding(f"the gateway did not end within {_STOP_S:.0f} s of SIGTERM")
            self._kill()

    def end(self) -> None:
        """SIGKILL for good."""
        self._wanted = False
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
