"""Reports of one temperature, on their way to a window."""

from gateway_chain import Chain
from gateway_rig import WIRE
from stoep.wire.messages import Place, Sample


def values(temperature: int | None) -> tuple[int | None, ...]:
    return (temperature, *WIRE[1:])


def report(chain: Chain, *samples: Sample, tick: int, back: int | None = 1, floor: int = 1, epoch: int = 1) -> None:
    """A report that arrives when the node's clock, right to the second, shows `tick`."""
    chain.clock.now = 1000.0 + tick
    chain.ask(*samples, tick=tick, back=back, floor=Place(epoch, floor), epoch=epoch)
    chain.commit()
    chain.turn()
