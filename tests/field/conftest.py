"""What the tests of the technician's tool share: one image, and tables with virtual boards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from field_rig import Table
from stoep.resources import firmware_dir
from stoep_field.image import image
from stoep_twin.bench import image as stand_in
from stoep_twin.bench.client import SimulatedBench


@pytest.fixture(scope="session")
def micropython(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the form of MicroPython's."""
    return stand_in.write(tmp_path_factory.mktemp("image") / "ESP32_GENERIC-stand-in.bin")


@pytest.fixture(scope="session")
def base(micropython: Path) -> image.Base:
    """What all boards have in common."""
    return image.base(micropython, firmware_dir())


@pytest.fixture
def table(tmp_path: Path, base: image.Base) -> Iterator[Callable[..., Table]]:
    """`table(*faults)`: a bench with one board for each."""
    benches: list[SimulatedBench] = []

    def lay(*faults: str) -> Table:
        bench = SimulatedBench(tmp_path / "bench", "bin", faults, start=1_780_293_600)
        benches.append(bench)
        return Table(bench, tmp_path / "work", base)

    yield lay
    for bench in benches:
        bench.close()
