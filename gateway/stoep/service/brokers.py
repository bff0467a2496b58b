"""Where the two brokers are and how they know us, out of the settings."""

from stoep import settings
from stoep.links.broker import LocalBroker
from stoep.settings import Settings
from stoep.uplink.certificate import Certificate
from stoep.uplink.connection import Broker


def certificate(chosen: Settings) -> Certificate | None:
    """Ours, for the city's broker. Raises SettingsError when its files do not belong together."""
    mqtt = chosen.mqtt
    if mqtt.cert_file is None or mqtt.key_file is None:
        return None
    own = Certificate(chosen.path(mqtt.cert_file), chosen.path(mqtt.key_file))
    own.check()
    return own


def city(chosen: Settings) -> Broker:
    """Raises SettingsError when our password or certificate cannot be read."""
    mqtt = chosen.mqtt
    return Broker(
        mqtt.host,
        mqtt.port,
        mqtt.client_id or f"stoep-{chosen.site.name}",
        mqtt.keepalive,
        mqtt.tls,
        None if mqtt.ca_file is None else chosen.path(mqtt.ca_file),
        mqtt.username,
        settings.password(chosen, mqtt.password_file),
        certificate(chosen),
    )


def local(chosen: Settings) -> LocalBroker | None:
    """The one in the cabinet; None where no lamppost is on Wi-Fi. Raises SettingsError."""
    table = chosen.local_broker
    if table is None:
        return None
    return LocalBroker(
        table.host,
        table.port,
        f"stoep-gateway-{chosen.site.name}",
        table.tls,
        None if table.ca_file is None else chosen.path(table.ca_file),
        table.username,
        settings.password(chosen, table.password_file),
    )
