"""Whether the city's broker can be reached and lets us in, and what would have to change if not."""

import socket

from stoep.doctor.finding import Finding, good, trouble
from stoep.uplink.connection import Broker
from stoep.uplink.probe import probe
from stoep.uplink.trouble import UplinkError


def look(broker: Broker) -> Finding:
    where = f"{broker.host}:{broker.port}"
    try:
        socket.getaddrinfo(broker.host, broker.port)
    except OSError as error:
        remedy = "check mqtt.host, and whether this machine has a network and a name server: resolvectl query"
        return trouble("city", f"the name {broker.host} cannot be found ({error.strerror or error})", remedy)
    try:
        probe(broker)
    except UplinkError as error:
        words, _, remedy = str(error).partition("; ")
        return trouble("city", words, remedy or "is it up, is a firewall between? Check mqtt.host and mqtt.port")
    tls = "over TLS" if broker.tls else "in the clear"
    return good("city", f"the broker {where} lets us in, {tls}")
