"""The whole service: its parts are made, joined, started, watched and stopped here, and nothing else is done here."""

import logging
import secrets
import threading
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from stoep import __version__, settings
from stoep.cabinet import Cabinet
from stoep.clock import Clock, FileClock, SystemClock, real, timestamp
from stoep.downlink.commands import Commands
from stoep.downlink.lights import Lights
from stoep.downlink.prompt import Prompt
from stoep.fleet.survey import wanted
from stoep.fleet.watch import Watch as FleetWatch
from stoep.health import Counters, Pulse
from stoep.intake.intake import Intake
from stoep.intake.node import Heard
from stoep.ledger.receipts import Receipts, cause_word
from stoep.links.base import Link
from stoep.links.bridges import make_bridges
from stoep.links.broker import BrokerLink
from stoep.links.watch import Watch
from stoep.refine import refiner
from stoep.refine.bins.memory import Bins
from stoep.refine.track import Track
from stoep.registry import accounts, registry
from stoep.service import brokers
from stoep.service.calibrations import Calibrations
from stoep.service.exchange import Exchange
from stoep.service.members import Members
from stoep.service.reload import Reload
from stoep.service.stage import Stage
from stoep.status import ask, status
from stoep.status.notify import notify
from stoep.status.vigil import Vigil
from stoep.steady import SteadyClock
from stoep.store import journal, nodes, window_rows
from stoep.store.database import Database
from stoep.store.facts import store_facts
from stoep.store.keeper import Keeper
from stoep.store.log import Entry
from stoep.store.outbox import Outbox
from stoep.store.position import Position
from stoep.uplink import publisher
from stoep.uplink.dialects.native import Native
from stoep.uplink.retained import Retained
from stoep.wire import frame
from stoep.wire.channels import catalogue

_log = logging.getLogger(__name__)
_COUNTED = (
    *("frames", "samples_received", "samples_logged", "samples_acknowledged", "replies", "challenges", "echoes"),
    *("replayed", "forged", "malformed", "unknown", "failed", "duplicates", "holes", "replies_late"),
    *("samples_not_taken", "windows_published", "alarms", "messages_delivered", "messages_refused"),
    *("serial_garbage", "broker_garbage", "broker_flood"),
    *("commands", "commands_accepted", "commands_applied", "commands_refused", "unasked"),
)
_TURN = 0.5
_REGISTRY_SECONDS = 5.0
_WATCHDOG_SECONDS = 2.0
_NONE = bytes(frame.INSTANCE)  # what a node says that has heard no gateway yet


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


class Service:
    """Made whole or not at all: what is wrong with settings, clock or store is raised from here."""

    def __init__(self, chosen: settings.Settings) -> None:
        broker, by_wifi = brokers.city(chosen), brokers.local(chosen)
        files = chosen.path(chosen.registry.nodes), chosen.secret(chosen.registry.secrets)
        self._registry = registry.Registry(*files, placed=chosen.site.placed)
        self._lights = Lights(chosen.site, chosen.lighting)
        self._calibrations = Calibrations(chosen)
        self._reload = Reload(chosen, self._take_settings)
        machine = make_clock(chosen)
        self._database = database = Database(chosen.path(chosen.store.path))
        boot = nodes.boot(database, machine.boot())
        self._clock = SteadyClock(machine, nodes.offsets(database).get(boot))
        self._counters = counters = Counters(*_COUNTED)
        self._pulse = pulse = Pulse()
        self._outbox = Outbox(database)
        kept = chosen.store
        self._keeper = Keeper(database, self._clock, counters, max_mb=kept.max_mb, max_days=kept.max_days)
        self._retained = Retained()
        native = Native(
            chosen.site.name,
            window_rows.generation(database),
            catalogue(),
            publish=chosen.calibration.publish,
            smallest=chosen.privacy.smallest_count,
        )
        self._journal = journal.Journal(
            database,
            self._clock,
            boot,
            seconds=chosen.store.commit_seconds,
            samples=chosen.store.commit_samples,
            committed=self._committed,
            pulse=pulse,
        )
        self._prompt = Prompt(self._speak)
        self._commands = Commands(
            database,
            self._outbox,
            self._clock,
            catalogue(),
            counters,
            native.result,
            heard=self._heard,
            changed=self._prompt.want,
        )
        self.intake = Intake(
            new_instance(),
            self._clock,
            catalogue(),
            counters,
            add=self._journal.add,
            wait=self._journal.wait,
            light=self._lights.light,
            wanted=self._commands.wanted,
            full=lambda: database.full,
        )
        self._refiner = refiner.Refiner(
            database,
            self._clock,
            boot,
            catalogue(),
            native,
            self._outbox,
            counters,
            pulse,
            forward=chosen.mqtt.forward,
            keeper=self._keeper,
            rest=6 * chosen.store.commit_seconds,
            interval=self._interval,
            book=self._calibrations.book,
            bins=Bins(database, catalogue(), ZoneInfo(chosen.site.timezone or "UTC")),
        )
        self._publisher = publisher.Publisher(
            broker,
            self._outbox,
            self._retained,
            native.gateway_topic,
            native.offline(),
            counters,
            pulse,
            clock=self._clock,
            mark=native.mark,
            backlog_per_second=chosen.mqtt.backlog_per_second,
        )
        self._publisher.subscribe(native.set_topic, self._commands.take)
        self._links: dict[str, Link] = {}
        self._exchange = Exchange(self.intake, self._links)
        bridges = make_bridges(chosen.bridge, self._exchange.received, self._clock, counters, pulse)
        self._links |= {bridge.name: bridge for bridge in bridges}
        self._bridges = Watch(bridges, self._clock)
        if by_wifi is not None:
            link = BrokerLink(by_wifi, self._exchange.received, self._clock, counters, pulse)
            self._links[link.name] = link
        self._accounts: accounts.Keeper | None = None
        account = settings.broker_account(chosen)
        if chosen.local_broker is not None and chosen.local_broker.accounts is not None and account is not None:
            self._accounts = accounts.Keeper(chosen.path(chosen.local_broker.accounts), account)
        self._fleet = FleetWatch(
            database,
            self._clock,
            catalogue(),
            Receipts(database, self._outbox, native, lambda cause: cause_word(catalogue().causes, cause)),
            wanted=lambda: wanted(self._registry.entries.values()),
            published=lambda: dict(self._refiner.published),
            again=self.intake.take_duplicates,
            counters=counters,
            pulse=pulse,
        )
        self._status = status.Status(
            native,
            self._retained,
            self._clock,
            counters,
            self.intake,
            self._refiner,
            list(self._links.values()),
            self._more,
            states="state" in chosen.mqtt.forward,
            conditions=lambda: self._fleet.conditions,
        )
        self._answering = ask.Answering(database.file, self._report, pulse)
        self._metrics = None
        if chosen.metrics is not None:
            from stoep.status.metrics import Metrics  # an HTTP server is not loaded where nobody wants it

            self._metrics = Metrics(chosen.metrics.port, self._report, pulse)
        self._vigil = Vigil(pulse, self._status.sentence)
        self._members = Members(
            database,
            self._clock,
            self.intake,
            self._refiner,
            restore(database),
            old_days=chosen.registry.old_secret_days,
        )
        self._apply_registry()
        self._cabinet: Cabinet | None = None
        if chosen.cabinet.bme280:
            self._cabinet = Cabinet(chosen.cabinet.address, self._clock, catalogue(), counters, timestamp)

    def run(self, stop: threading.Event, again: threading.Event | None = None) -> None:
        """From start to a clean end, in the order in which a reading goes; `again`: read the settings once more."""
        stages = [
            Stage("journal", self._journal.run, self._journal.wake),
            Stage("refine", self._refiner.run, self._refiner.committed),
            Stage("survey", self._fleet.run),
            Stage("uplink", self._publisher.run),
            Stage("status", self._answering.run),
        ]
        if self._metrics is not None:
            stages.append(Stage("metrics", self._metrics.run))
        for stage in stages:
            stage.start()
        for link in self._links.values():
            link.start()
        if self._cabinet is not None:
            self._cabinet.start()
        _log.info("stoep %s serves, instance %s", __version__, self.intake.instance.hex())
        notify("READY=1")
        try:
            self._watch(stop, again or threading.Event())
        finally:
            _log.info("stopping")
            notify("STOPPING=1")
            for link in self._links.values():
                link.stop()
            if self._cabinet is not None:
                self._cabinet.stop()
            self._members.look()
            for stage in stages:
                stage.stop()
                if stage.name == "refine":
                    self._status.publish(self._members.identities, now=True)
            self._database.close()
        _log.info("stopped")

    def _watch(self, stop: threading.Event, again: threading.Event) -> None:
        looked = fed = real()
        while not stop.wait(_TURN):
            now = real()
            self._members.look()
            self._bridges.look()
            self._status.publish(self._members.identities)
            self._commands.turn()
            self._prompt.turn()
            if again.is_set():
                again.clear()
                self._read_settings()
            if now - looked >= _REGISTRY_SECONDS:
                looked = now
                if self._registry.refresh():
                    self._apply_registry()
            if now - fed >= _WATCHDOG_SECONDS:
                fed = now
                self._vigil.feed()

    def _read_settings(self) -> None:
        notify(f"RELOADING=1\nMONOTONIC_USEC={round(real() * 1e6)}")
        self._reload.again()
        if self._calibrations.again():
            self._refiner.calibrate(self._calibrations.book)
        if self._registry.refresh():
            self._apply_registry()
        notify("READY=1")

    def _take_settings(self, chosen: settings.Settings) -> None:
        logging.getLogger().setLevel(chosen.log.level.upper())
        self._lights.live_by(chosen.site, chosen.lighting)
        self._registry.place(placed=chosen.site.placed)

    def _speak(self, kid: bytes) -> bool:
        return self._exchange.speak(kid)

    def _interval(self, kid: bytes) -> int:
        setting = catalogue().settings["interval"]
        return self._commands.lived_by(kid).get(setting.id, setting.default)

    def _heard(self) -> Mapping[bytes, Heard]:
        return self.intake.heard()

    def _committed(self, entries: list[Entry]) -> None:
        self.intake.committed(entries)
        self._refiner.committed()

    def _apply_registry(self) -> None:
        self._members.apply(self._registry.entries.values())
        lampposts = [kid for kid, entry in self._registry.entries.items() if entry.kind == "lamppost"]
        self._lights.set_lamps(lampposts, self._registry.groups.values())
        self._commands.set_nodes(self._registry.entries.values())
        self._prompt.set_awake(lampposts)
        for link in self._links.values():
            link.allow(self._registry.entries)
        if self._accounts is not None:
            self._accounts.keep(self._registry.entries.values())
        _log.info("%d nodes are in the registry", len(self._registry.entries))

    def _report(self) -> dict[str, Any]:
        return {**self._status.report(), **store_facts(self._database.file), "stages": self._pulse.ages()}

    def _more(self) -> dict[str, Any]:
        more: dict[str, Any] = {"outbox": len(self._outbox), "nodes": len(self._registry.entries)}
        more["uplink"] = dict(self._publisher.status())
        more |= self._reload.status()
        more |= self._calibrations.status()
        more |= self._keeper.status()
        accounts_problem = None if self._accounts is None else self._accounts.problem
        told = (self._registry.problem, self._members.problem, accounts_problem)
        if problems := [problem for problem in told if problem]:
            more["registry_problem"] = "; ".join(problems)
        if rotations := self._members.rotations():
            more["rotations"] = rotations
        if self._cabinet is not None:
            more["cabinet"] = self._cabinet.status()
        if self._clock.problem is not None:
            more["clock_problem"] = self._clock.problem
        return more
