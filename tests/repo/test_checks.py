"""The checks of `make lint` can fail: each is shown what it is there to find."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.slow


def copy(*paths: str, to: Path) -> None:
    for path in paths:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, to / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, to / path)


def ended(*command: str | Path, cwd: Path) -> tuple[int, str]:
    path = f"{cwd / 'gateway'}:{cwd / 'firmware'}"
    done = subprocess.run(
        command, cwd=cwd, env={"PYTHONPATH": path}, capture_output=True, text=True, timeout=100, check=False
    )
    return done.returncode, done.stdout + done.stderr


ARROWS = {
    "the gateway uses the twin": ("gateway/stoep/settings/tables.py", "import stoep_twin", "stoep -> stoep_twin"),
    "the twin uses the laptop's tools": ("firmware/stoep_twin/cli.py", "import stoep_field", "stoep_field"),
    "the wire knows a stage": ("gateway/stoep/wire/__init__.py", "import stoep.intake", "stoep.intake"),
    "the store knows the service": ("gateway/stoep/store/__init__.py", "import stoep.service", "stoep.service"),
}


@pytest.mark.parametrize(("file", "line", "named"), ARROWS.values(), ids=ARROWS)
def test_an_arrow_the_wrong_way_is_found(tmp_path: Path, file: str, line: str, named: str) -> None:
    copy("pyproject.toml", "gateway/stoep", "firmware/stoep_field", "firmware/stoep_twin", to=tmp_path)
    with (tmp_path / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    status, said = ended(BIN / "lint-imports", "--no-cache", cwd=tmp_path)
    assert status == 1, said
    assert named.rpartition(" ")[2] in said


FIRMWARE_MISTAKES = {
    "a name the board lacks": ("import time\ntime.monotonic()\n", 'no attribute "monotonic"'),
    "a wrong argument": (
        'from esp32 import Partition\nPartition.find(Partition.TYPE_DATA, lable="stoep")\n',
        'Unexpected keyword argument "lable"',
    ),
    "a module the board lacks": ("import time\nimport hmac\n", "hmac"),
}


@pytest.mark.parametrize(("code", "finding"), FIRMWARE_MISTAKES.values(), ids=FIRMWARE_MISTAKES)
def test_firmware_that_no_board_can_run_is_found(tmp_path: Path, code: str, finding: str) -> None:
    typings = ROOT / "build" / "typings"
    assert (typings / "machine.pyi").is_file(), "MicroPython's stubs are missing: make lint fetches them"
    copy("firmware/mypy.ini", "firmware/boot.py", "firmware/main.py", "firmware/node", "firmware/bridge", to=tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "typings").symlink_to(typings)
    (tmp_path / "firmware" / "node" / "mistake.py").write_text(code)
    status, said = ended(BIN / "mypy", "--config-file", "firmware/mypy.ini", cwd=tmp_path)
    assert status == 1, said
    assert "firmware/node/mistake.py:2" in said
    assert finding in said
