"""The whole service: its parts are made, joined, started, watched and stopped here, and nothing else is done here."""

import logging
import os
import secrets
import threading
from collections.abc import Callable
from typing import Any

from stoep import __version__, registry, settings, status
from stoep.clock import Clock, FileClock, SystemClock, real
from stoep.downlink.lights import Lights
from stoep.errors import PermanentError
from stoep.health import Counters, Pulse
from stoep.intake.intake import Intake
from stoep.intake.node import Node
from stoep.links.base import Link, Received
from stoep.links.bridge import BridgeLink
from stoep.links.broker import BrokerLink, LocalBroker
from stoep.notify import notify
from stoep.refine import refiner
from stoep.refine.track import Track
from stoep.store import journal, nodes, window_rows
from stoep.store.database import Database
from stoep.store.log import Entry
from stoep.store.nodes import Identity
from stoep.store.outbox import Outbox
from stoep.store.position import Position
from stoep.uplink import publisher
from stoep.uplink.connection import Broker
from stoep.uplink.dialects.native import Native
from stoep.uplink.retained import Retained
from stoep.wire import frame
from stoep.wire.channels import catalogue

_log = logging.getLogger(__name__)
_COUNTED = (
    *("frames", "samples_received", "samples_logged", "samples_acknowledged", "replies", "challenges", "echoes"),
    *("replayed", "forged", "malformed", "unknown", "failed", "duplicates", "holes", "replies_late"),
    *("windows_published", "alarms", "messages_delivered", "serial_garbage", "broker_garbage", "broker_floods"),
)
_TURN = 0.5
_REGISTRY_SECONDS = 5.0
_WATCHDOG_SECONDS = 2.0
_PATIENCE = 60.0  # without progress of a part the watchdog is not fed any more
_BROKEN = 70  # EX_SOFTWARE
_NONE = bytes(frame.INSTANCE)  # what a node says that has heard no gateway yet
_JOIN_SECONDS = 4.0


def new_instance() -> bytes:
    """A random number of this start."""
    while (instance := secrets.token_bytes(frame.INSTANCE)) == _NONE:
        pass
    return instance


def make_clock(chosen: settings.Settings) -> Clock:
    if chosen.clock.source == "twin":
        assert chosen.clock.file is not None
        return FileClock(chosen.path(chosen.clock.file))
    return SystemClock()


def restore(database: Database) -> dict[int, Position]:
    """Where we stand with every node: the checkpoint, and the log after it."""
    positions = {identity.id: Track(identity).position for identity in nodes.identities(database)}
    for row in nodes.rows(database):
        for entry in row.entries:
            positions[entry.identity].commit(entry.floor, entry.samples, entry.lost)
    return positions


def _local_broker(chosen: settings.Settings, local: settings.LocalBrokerSettings) -> LocalBroker:
    return LocalBroker(
        local.host,
        local.port,
        f"stoep-gateway-{chosen.site.name}",
        local.tls,
        None if local.ca_file is None else chosen.path(local.ca_file),
        local.username,
        settings.password(chosen, local.password_file),
    )


class Service:
    """Made whole or not at all: what is wrong with settings, clock or store is raised from here."""

    def __init__(self, chosen: settings.Settings) -> None:
        mqtt = chosen.mqtt
        broker = Broker(
            mqtt.host,
            mqtt.port,
            mqtt.client_id or f"stoep-{chosen.site.name}",
            mqtt.keepalive,
            mqtt.tls,
            None if mqtt.ca_file is None else chosen.path(mqtt.ca_file),
            mqtt.username,
            settings.password(chosen, mqtt.password_file),
        )
        files = chosen.path(chosen.registry.nodes), chosen.path(chosen.registry.secrets)
        self._registry = registry.Registry(*files, placed=chosen.site.placed)
        self._lights = Lights(chosen.site, chosen.lighting)
        self._clock = make_clock(chosen)
        self._database = database = Database(chosen.path(chosen.store.path))
        boot = nodes.boot(database, self._clock.boot())
        self._counters = counters = Counters(*_COUNTED)
        self._pulse = pulse = Pulse()
        self._outbox = Outbox(database)
        self._retained = Retained()
        native = Native(chosen.site.name, window_rows.generation(database), catalogue())
        self._journal = journal.Journal(
            database,
            self._clock,
            boot,
            seconds=chosen.store.commit_seconds,
            samples=chosen.store.commit_samples,
            committed=self._committed,
            pulse=pulse,
        )
        self.intake = Intake(
            new_instance(),
            self._clock,
            catalogue(),
            counters,
            add=self._journal.add,
            wait=self._journal.wait,
            light=self._lights.light,
        )
        self._positions = restore(database)
        self._alarms = nodes.alarms(database)
        self._refiner = refiner.Refiner(database, self._clock, boot, catalogue(), native, self._outbox, counters, pulse)
        self._publisher = publisher.Publisher(
            broker, self._outbox, self._retained, native.gateway_topic, native.offline(), counters, pulse
        )
        self._links: dict[str, Link] = {
            bridge.port: BridgeLink(bridge.port, self._received, self._clock, counters) for bridge in chosen.bridge
        }
        if chosen.local_broker is not None:
            by_wifi = BrokerLink(_local_broker(chosen, chosen.local_broker), self._received, self._clock, counters)
            self._links[by_wifi.name] = by_wifi
        self._status = status.Status(
            native,
            self._retained,
            self._clock,
            counters,
            self.intake,
            self._refiner,
            list(self._links.values()),
            self._more,
        )
        self._identities: dict[bytes, Identity] = {}
        self._apply_registry()

    def run(self, stop: threading.Event) -> None:
        """From start to a clean end, in the order in which a reading goes."""
        stages = [
            _Stage("journal", self._journal.run, self._journal.wake),
            _Stage("refine", self._refiner.run, self._refiner.committed),
            _Stage("uplink", self._publisher.run),
        ]
        for stage in stages:
            stage.start()
        for link in self._links.values():
            link.start()
        _log.info("stoep %s serves, instance %s", __version__, self.intake.instance.hex())
        notify("READY=1")
        try:
            self._watch(stop)
        finally:
            _log.info("stopping")
            notify("STOPPING=1")
            for link in self._links.values():
                link.stop()
            for stage in stages:
                stage.stop()
                if stage.name == "refine":
                    self._status.publish(self._identities, now=True)
            self._database.close()
        _log.info("stopped")

    def _watch(self, stop: threading.Event) -> None:
        looked = fed = real()
        while not stop.wait(_TURN):
            now = real()
            self._status.publish(self._identities)
            if now - looked >= _REGISTRY_SECONDS:
                looked = now
                if self._registry.refresh():
                    self._apply_registry()
            if now - fed >= _WATCHDOG_SECONDS:
                fed = now
                stalled = self._pulse.stalled(_PATIENCE)
                if stalled:
                    _log.error("no progress in %s: the watchdog is not fed", ", ".join(stalled))
                else:
                    notify("WATCHDOG=1")

    def _received(self, link: Link, received: Received) -> None:
        """A reply goes out by the bridge that hears the node best; by the broker, if it came by the broker."""
        reply = self.intake.handle(received.frame, received.at, received.rssi, link.name)
        if reply is None:
            return
        ways = [self._links[name] for name in reply.via]
        best = next((way for way in ways if way.medium == link.medium and way.alive()), link)
        best.send(received.mac, reply.frame)

    def _committed(self, entries: list[Entry]) -> None:
        self.intake.committed(entries)
        self._refiner.committed()

    def _apply_registry(self) -> None:
        found = []
        for entry in self._registry.entries.values():
            mark = frame.fingerprint(entry.secret)
            identity = nodes.identify(self._database, entry.kid, mark, entry.name, entry.kind)
            self._identities[entry.kid] = identity
            self._refiner.name(identity)
            node = self.intake.known(identity.id)
            if node is None:
                position = self._positions.pop(identity.id, None) or Position()
                node = Node(entry, identity.id, self.intake.instance, position, self._alarms.pop(identity.id, set()))
            node.entry = entry
            found.append(node)
        self._identities = {kid: self._identities[kid] for kid in self._registry.entries}
        self.intake.set_nodes(found)
        lampposts = [kid for kid, entry in self._registry.entries.items() if entry.kind == "lamppost"]
        self._lights.set_lamps(lampposts, self._registry.groups.values())
        for link in self._links.values():
            link.allow(self._registry.entries)
        _log.info("%d nodes are in the registry", len(found))

    def _more(self) -> dict[str, Any]:
        more: dict[str, Any] = {"outbox": len(self._outbox), "nodes": len(self._identities)}
        if self._registry.problem is not None:
            more["registry_problem"] = self._registry.problem
        return more


class _Stage:
    """One thread of the service. It must not die alone: without one of its parts the service would seem to live."""

    def __init__(
        self, name: str, run: Callable[[threading.Event], None], wake: Callable[[], None] = lambda: None
    ) -> None:
        self.name = name
        self._run = run
        self._wake = wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake()
        self._thread.join(_JOIN_SECONDS)
        if self._thread.is_alive():
            _log.error("%s did not stop in time", self.name)

    def _guarded(self) -> None:
        try:
            self._run(self._stop)
        except PermanentError as error:
            _log.critical("%s cannot go on: %s", self.name, error)
            logging.shutdown()
            os._exit(error.exit_code)
        except Exception:  # noqa: BLE001 -- whatever it is, the process must end, not go on without this stage
            _log.critical("%s failed, ending", self.name, exc_info=True)
            logging.shutdown()
            os._exit(_BROKEN)
