"""Whether the city's broker lets us in, tried beside the running service: under a name of its own, with no session."""

from dataclasses import replace

from stoep.clock import real
from stoep.uplink.connection import Broker, Connection
from stoep.uplink.trouble import UplinkError

_PATIENCE = 10.0  # seconds for the broker's answer
_TURN = 0.1


def probe(broker: Broker) -> None:
    """Connects and goes. Raises UplinkError, which says why not and what to do."""
    own = replace(broker, client_id=f"{broker.client_id}-probe", lasting=False)
    connection = Connection(own, None, lambda _mid, _code: None, {})
    connection.open()
    try:
        until = real() + _PATIENCE
        while not connection.ready:
            if real() > until:
                raise UplinkError(f"the broker {broker.host}:{broker.port} took the connection and says nothing")
            connection.turn(_TURN)
    finally:
        connection.close()
        connection.drop()
