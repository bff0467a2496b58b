"""The built wheel carries everything, and runs the street away from the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = "stoep/_shipped"
CODE_ROOMS = {"stoep": "gateway/stoep", "stoep_field": "firmware/stoep_field", "stoep_twin": "firmware/stoep_twin"}
BOARD_ROOMS = ("firmware/node", "firmware/bridge", "firmware/wire", "hardware")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, timeout: float = 60) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STOEP"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**environment, "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, as a packager would."""
    dist = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT, cwd=dist, timeout=120)
    (built,) = dist.glob("stoep-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment's bin/, with the wheel; the dependencies are borrowed from ours."""
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--no-index", "--no-deps", wheel, cwd=home)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    # A path added this way does not run our environment's own .pth files, so the checkout stays out of sight.
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(ours)) + "\n")
    return home / "bin"


def files_of(room: str) -> set[str]:
    return {
        path.relative_to(ROOT / room).as_posix()
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_it_carries_each_file_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {f"{package}/{name}" for package, room in CODE_ROOMS.items() for name in files_of(room)}
    expected |= {f"{SHIPPED}/{room}/{name}" for room in BOARD_ROOMS for name in files_of(room)}
    expected |= {f"{SHIPPED}/{file}" for file in ("firmware/boot.py", "firmware/main.py", "gateway/gateway.toml")}
    assert names == expected


WHERE_THINGS_ARE = """
import stoep, stoep_field, stoep_twin
from stoep import resources
print(stoep.__file__, stoep_field.__file__, stoep_twin.__file__, sep="\\n")
files = resources.firmware_dir() / "main.py", resources.wire_dir() / "wire.cddl", resources.hardware_dir() / "bin.toml"
files += (resources.example_settings(),)
for path in files:
    path.read_bytes()
    print(path)
"""


def test_resources_are_found_in_it(installed: Path, tmp_path: Path) -> None:
    found = [Path(line) for line in run(installed / "python", "-c", WHERE_THINGS_ARE, cwd=tmp_path).splitlines()]
    assert len(found) == 7
    for path in found:
        assert path.is_relative_to(installed.parent)
        assert not path.is_relative_to(ROOT)


@pytest.mark.parametrize("command", ["gateway", "check-config", "twin", "generate", "hardware", "listen"])
def test_its_commands_explain_themselves(installed: Path, tmp_path: Path, command: str) -> None:
    assert command in run(installed / "stoep", "--help", cwd=tmp_path)
    assert "Usage" in run(installed / "stoep", command, "--help", cwd=tmp_path)


def test_the_street_runs_from_it(installed: Path, tmp_path: Path) -> None:
    run(
        installed / "stoep", "twin", "--bins", "1", "--speed", "240", "--for", "6", "--seed", "1",
        "--dir", tmp_path / "street", "--summary", tmp_path / "summary.json",
        cwd=tmp_path,
        timeout=100,
    )  # fmt: skip
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["readings_taken"] > 0
    assert summary["readings_delivered"] == summary["readings_taken"]
    assert (summary["lost"], summary["duplicates"], summary["values_wrong"]) == (0, 0, 0)
