"""What a technician does at a board: scripts, run in its interpreter as a laptop would run them."""

from __future__ import annotations

from stoep_twin.boards import Board
from stoep_twin.states import Cause
from stoep_twin.world.fill import EMPTY_MM, FULL_MM


async def commission_node(board: Board, kind: str, kid: bytes, secret: bytes, channel: int, interval: int) -> None:
    """Give a node its identity, secret and settings."""
    async with board.hands:
        await board.run_script(_commissioning(kind, kid, secret, channel, interval))


def _commissioning(kind: str, kid: bytes, secret: bytes, channel: int, interval: int) -> str:
    return (
        "from node import commission, settings\n"
        f"commission.write(kid={kid!r}, kind={kind!r}, secret={secret!r}, channel={channel})\n"
        f"settings.store(interval={interval}, sampling=1, empty_mm={EMPTY_MM}, full_mm={FULL_MM})\n"
    )


async def flash_anew(board: Board, kind: str, kid: bytes, secret: bytes, channel: int, interval: int) -> None:
    """Erase a node's flash and commission it with a new secret; it starts as from a power-on."""
    async with board.taken():
        board.erase()
        await board.run_script(_commissioning(kind, kid, secret, channel, interval))
        board.cut_power()


async def commission_again(board: Board, kind: str, kid: bytes, secret: bytes, channel: int, interval: int) -> None:
    """Give a node that runs a new secret over the console, as `mpremote` does: no power cut, RTC memory stays."""
    async with board.taken():
        await board.run_script(_commissioning(kind, kid, secret, channel, interval))
        board.crash(Cause.RESET)


async def commission_bridge(board: Board, channel: int) -> None:
    """Tell a board that it is a bridge; it gets no keys."""
    async with board.hands:
        await board.run_script(
            f"from node import commission\ncommission.write(kid=None, kind='bridge', secret=None, channel={channel})\n"
        )


async def change_settings(board: Board, **settings: int) -> None:
    """Change settings of a board: as soon as it sleeps, or at once if it never does."""
    changed = ", ".join(f"{name}={value}" for name, value in settings.items())
    async with board.taken():
        await board.run_script(f"from node import settings\nsettings.store({changed})\n")
