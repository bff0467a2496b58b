"""What Prometheus may ask on loopback: counters, links, ages and the fleet. Never what a node measured.

The numbers are those of `stoep status`; nothing is kept for it, and nothing runs while nobody asks.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stoep.clock import real
from stoep.health import Bounded, Pulse

_log = logging.getLogger(__name__)
PART = "metrics"
_HOST = "127.0.0.1"
_AGAIN = 10.0  # seconds before a port that is taken is tried again
_TURN = 0.5
Report = Callable[[], Mapping[str, Any]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5.0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name in the library
        """A question each quarter of a minute is no news."""


class Metrics:
    """The thread that serves them; `report` as for `stoep status`."""

    def __init__(self, port: int, report: Report, pulse: Pulse) -> None:
        self._port = port
        self._pulse = pulse
        self._say = Bounded(_log)
        registry = CollectorRegistry()
        registry.register(_Families(report))
        self._app = make_wsgi_app(registry)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._pulse.beat(PART)
            try:
                self._serve(stop)
            except OSError as error:
                self._say.say("port", "port %d for the metrics cannot be had: %s", self._port, error)
                until = real() + _AGAIN
                while real() < until and not stop.wait(_TURN):
                    self._pulse.beat(PART)

    def _serve(self, stop: threading.Event) -> None:
        with make_server(_HOST, self._port, self._app, server_class=_Server, handler_class=_Quiet) as server:
            server.timeout = _TURN
            while not stop.is_set():
                self._pulse.beat(PART)
                server.handle_request()


class _Families(Collector):
    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[Metric]:
        said = self._report()
        yield from _counted(said)
        yield from _standing(said)
        yield from _nodes(said)
        fleet = said.get("fleet")
        if fleet is not None:
            yield _gauge("fleet_nodes", "Nodes in the registry", fleet["nodes"])
            yield _gauge("fleet_silent", "Nodes that should have been heard by now", len(fleet["silent"]))
            yield _gauge("fleet_usable", "Nodes whose data of the last 24 hours can be used", fleet["usable"])
            if fleet["share"] is not None:
                yield _gauge("fleet_usable_share", "Share of the fleet that yields usable data, 0 to 1", fleet["share"])


def _counted(said: Mapping[str, Any]) -> Iterator[Metric]:
    counters = dict(said["counters"])
    yield _gauge("outbox_messages", "Messages that wait for the city's broker", counters.pop("outbox", 0))
    for name, count in sorted(counters.items()):
        family = CounterMetricFamily(f"stoep_{name}", f"The gateway's counter {name}, since its start")
        family.add_metric([], count)
        yield family


def _standing(said: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("clock_trusted", "Whether the gateway's clock is trusted", said["clock_trusted"])
    connected = said.get("uplink", {}).get("connected", 0)
    yield _gauge("broker_connected", "Whether the city's broker is connected", connected)
    bridges = GaugeMetricFamily("stoep_bridge_up", "Whether the bridge is there", labels=["port"])
    for bridge in said.get("bridges", ()):
        bridges.add_metric([bridge["port"]], bridge["alive"])
    yield bridges
    if "local_broker" in said:
        yield _gauge("local_broker_up", "Whether the local broker is connected", said["local_broker"]["alive"])
    yield _gauge("store_bytes", "Bytes of the store", said["store"]["bytes"])
    if said["store"]["free"] is not None:
        yield _gauge("store_free_bytes", "Bytes that are free beside the store", said["store"]["free"])
    stages = GaugeMetricFamily("stoep_stage_age_seconds", "Since the stage showed progress", labels=["stage"])
    for stage, age in said["stages"].items():
        stages.add_metric([stage], age)
    yield stages


def _nodes(said: Mapping[str, Any]) -> Iterator[Metric]:
    heard = GaugeMetricFamily("stoep_node_heard_age_seconds", "Since the node was heard", labels=["node"])
    here = GaugeMetricFamily("stoep_node_waiting_samples", "Samples of the node that the city lacks", labels=["node"])
    battery = GaugeMetricFamily("stoep_node_battery_days", "Days until the battery is empty", labels=["node"])
    for row in said["table"]:
        if row["last_heard"] is not None:
            heard.add_metric([row["node"]], max(0, said["time"] - row["last_heard"]))
        here.add_metric([row["node"]], row["waiting_here"] + row["waiting_there"])
        if row["battery_left"] is not None and row["battery_left"]["days"] is not None:
            battery.add_metric([row["node"]], row["battery_left"]["days"])
    yield from (heard, here, battery)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"stoep_{name}", meaning, value=float(value))
