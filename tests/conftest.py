"""What tests of more than one room need."""

import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 60  # seconds: a script that is still running then hangs


_FIGURES = pytest.StashKey[list[str]]()
# But for the one that lives as slowly as people walk.
_STREETS = re.compile(
    r"tests/(system/(?!test_follow.py::test_light_follows)|faults/test_(nonces|replay|serial|load_attackers))"
)
_VALIDATED = pytest.StashKey[dict[str, Counter[str]]]()
_JUDGES = {"contract": "wire.cddl", "published": "the published schemas"}  # module that judges → by what

# How long an example takes says how busy this machine is, not what the code does.
settings.register_profile("stoep", deadline=None)
settings.load_profile("stoep")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Call it with a line that states what was measured: the run's last lines say it, also when all is well."""
    return request.config.stash.setdefault(_FIGURES, []).append


def _validated(judge: str) -> dict[str, int]:
    """What a judge of these tests has found right: `contract` of the wire, `published` of what the city gets."""
    module = sys.modules.get(judge)
    return dict(module.validated) if module is not None else {}


class _Together(LoadScopeScheduling):
    """A file's tests stay together, for what they share is made once; streets that live fast follow each other."""

    def _split_scope(self, nodeid: str) -> str:
        return "streets" if _STREETS.match(nodeid) else nodeid.split("::", maxsplit=1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Together:
    return _Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has a time limit of its own takes longest, and begins first: nobody shall wait for it alone at the end.

    (`--no-loadscope-reorder` in the Makefile: else xdist begins with the files that have the most tests.)
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of two processes that share the work tells the first one what it measured."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput |= {"figures": config.stash.get(_FIGURES, [])}
        config.workeroutput |= {judge: _validated(judge) for judge in _JUDGES}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    told = getattr(node, "workeroutput", {})
    stash = node.config.stash
    stash.setdefault(_FIGURES, []).extend(told.get("figures", []))
    for judge in _JUDGES:
        stash.setdefault(_VALIDATED, {}).setdefault(judge, Counter()).update(told.get(judge, {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was measured, and how many messages of this run were held against the contract, whoever said them."""
    for line in terminalreporter.config.stash.get(_FIGURES, []):
        terminalreporter.write_line(line)
    others = terminalreporter.config.stash.get(_VALIDATED, {})
    for judge, contract in _JUDGES.items():
        if validated := others.get(judge, Counter()) + Counter(_validated(judge)):
            counts = " and ".join(f"{count} as {rule}" for rule, count in sorted(validated.items()))
            terminalreporter.write_line(f"held against {contract}: {counts}")


@pytest.fixture
def run_micropython(tmp_path: Path) -> Callable[..., str]:
    """Call it with a script's text: it runs in the real interpreter beside the firmware, and its output comes back.

    `heap` is as MicroPython writes it ("56wK" is a board's first heap, scaled to the desktop's word).
    """
    from stoep_twin.interpreter import command

    def run(script: str, *args: str, heap: str | None = None) -> str:
        file = tmp_path / "script.py"
        file.write_text(script, encoding="utf-8")
        options = ["-X", f"heapsize={heap}"] if heap else []
        done = subprocess.run(
            [*command(), *options, str(file), *args],
            cwd=tmp_path,
            env={**os.environ, "MICROPYPATH": str(ROOT / "firmware")},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"MicroPython ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
