"""Puts what the boards run, and the contract they keep, into the wheel; an editable install reads the checkout."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SHIPPED = (
    *("firmware/boot.py", "firmware/main.py", "firmware/node", "firmware/bridge", "firmware/wire"),
    *("hardware", "gateway/gateway.toml"),
)


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for path in _SHIPPED:
                build_data["force_include"][str(Path(self.root, path))] = f"stoep/_shipped/{path}"
