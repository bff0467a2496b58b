"""`stoep listen` beside a whole street, at a real broker: it keeps what the city got, and finds all of it right."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from gateway_rig import mosquitto
from stoep_twin import deliveries
from uplink_rig import needs_mosquitto

KINDS = ("bin", "lamppost")


def highest(file: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """By node and start, of all that the street's own subscriber got."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for topic, payload in deliveries.read(file):
        if topic.endswith("/window"):
            window = json.loads(payload)
            where = window["node"], window["start"]
            if where not in found or found[where]["revision"] < window["revision"]:
                found[where] = window
    return found


@needs_mosquitto
@pytest.mark.slow
def test_a_city_convinces_itself(
    streets: Any, free_port: int, tmp_path: Path, wait_for: Callable[[Path, str, float], None]
) -> None:
    broker = f"mqtt://127.0.0.1:{free_port}"
    table, columns, said = tmp_path / "street.csv", tmp_path / "street.parquet", tmp_path / "said"
    command = [sys.executable, "-P", "-m", "stoep", "listen", "--broker", broker]
    with mosquitto(free_port, tmp_path, "allow_anonymous true"), said.open("w") as output:
        listens = subprocess.Popen(
            [*command, "--csv", str(table), "--parquet", str(columns)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=streets.env,
        )
        try:
            wait_for(said, "listening to", 20)
            furniture = ("--bins", "1", "--lampposts", "1")
            status, summary = streets.run("--broker", broker, *furniture, "--for", "8", "--seed", "7")
            listens.send_signal(signal.SIGINT)
            verdict = listens.wait(15)
        finally:
            listens.kill()
            listens.wait()
    told = said.read_text()
    assert (status, verdict) == (0, 0), told + streets.log()
    assert summary["windows"] >= 4
    assert "all is as it must be" in told
    assert "temperature" in told
    city = highest(streets.directory / "street" / deliveries.FILE)
    assert {window["kind"] for window in city.values()} == set(KINDS)
    with table.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == sum(len(window["channels"]) for window in city.values())
    for row in rows:
        channel = city[row["node"], row["start"]]["channels"][row["channel"]]
        for name in ("unit", "count", "min", "mean", "max", "last", "sum"):
            assert row[name] == str(channel.get(name, "")), (row, name)
        assert row["flag"] == str(channel["quality"]["flag"])
    assert parquet.read_table(columns).num_rows == len(rows)
