"""What the gateway's registry wishes of a node, the node becomes, or says why not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stoep.wire.replies import version_of
from stoep_twin.street import Options, Street

pytestmark = pytest.mark.slow


class _Watched:
    """A street of one bin, what it last said of its settings, and the file in which they are wished."""

    def __init__(self, directory: Path) -> None:
        options = Options(bins=1, speed=480.0, interval=120, loss=0.0, directory=directory)
        self.street = Street(options)
        self.settings: dict[str, Any] = {}
        self._nodes = directory / "nodes.toml"
        heard = self.street._heard

        def listen(topic: str, message: Any) -> None:
            if topic.endswith("/state") and message["health"] and message["health"]["node"]:
                self.settings = message["health"]["node"]["settings"]
            heard(topic, message)

        self.street._heard = listen  # type: ignore[method-assign]

    def wish(self, settings: str) -> None:
        text = self._nodes.read_text().partition("settings =")[0]
        self._nodes.write_text(f"{text}settings = {{{settings}}}\n")

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not true():
                self.street.check()
                await asyncio.sleep(0.05)

    def said(self) -> str:
        return (self.street.directory / "boards" / "bin-1" / "console.log").read_text()


def _live(directory: Path, what: Callable[[_Watched], Awaitable[None]]) -> None:
    async def live() -> None:
        watched = _Watched(directory)
        async with watched.street.running():
            await watched.until(lambda: bool(watched.settings))
            await what(watched)

    asyncio.run(live())


def test_settings_of_the_registry_reach_the_node_and_are_reported_back(tmp_path: Path) -> None:
    async def change(watched: _Watched) -> None:
        watched.wish("interval = 60, empty_mm = 1500, full_mm = 300")
        version = f"{version_of({1: 60, 3: 1500, 4: 300}):08x}"
        await watched.until(lambda: watched.settings["version"] == version)
        assert watched.settings["refused"] is None
        await watched.until(lambda: "settings good=" + version in watched.said())

    _live(tmp_path, change)


def test_a_node_refuses_what_cannot_be_and_goes_on_as_before(tmp_path: Path) -> None:
    async def change(watched: _Watched) -> None:
        before = watched.settings["version"]
        watched.wish("interval = 60, empty_mm = 500, full_mm = 500")
        await watched.until(lambda: watched.settings["refused"] is not None)
        assert watched.settings["version"] == before
        assert watched.settings["reason"] == "full_mm cannot be so on this node"

    _live(tmp_path, change)


def test_a_node_that_nobody_hears_any_more_goes_back_to_what_was_good(tmp_path: Path) -> None:
    """Another radio channel than the site's: the node falls silent, gives it up, and tells so."""

    async def change(watched: _Watched) -> None:
        before = watched.settings["version"]
        watched.wish("radio_channel = 13")
        await watched.until(lambda: watched.settings["refused"] == f"{version_of({7: 13}):08x}")
        assert watched.settings["version"] == before
        assert watched.settings["reason"] == "nobody answered under them"
        assert watched.said().count("settings taken") == 1  # and it is not asked to try again

    _live(tmp_path, change)
