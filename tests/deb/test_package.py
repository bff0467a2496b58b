"""The package without a Debian to install it on: `make test-deb` has one."""

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from stoep.links import usb

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD, DEBIAN = ROOT / "gateway/systemd", ROOT / "gateway/debian"
EXPOSURE = 1.5


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DEBIAN))
    spec = importlib.util.spec_from_file_location(name, DEBIAN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("wheels", monkeypatch)


def need(program: str, package: str) -> None:
    if shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin") is None:
        pytest.skip(f"no {program}: sudo apt install {package}")


@pytest.mark.parametrize("unit", ["stoep-gateway.service", "stoep-clock.service"])
def test_a_unit_is_exposed_to_little(unit: str) -> None:
    need("systemd-analyze", "systemd")
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(SYSTEMD / unit)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found
    assert float(found[1]) <= EXPOSURE, said


def test_the_units_are_what_systemd_understands() -> None:
    need("systemd-analyze", "systemd")
    files = sorted(map(str, SYSTEMD.glob("*.service"))) + sorted(map(str, SYSTEMD.glob("*.path")))
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    # What is not installed here, and what systemd 252 does not know yet.
    usual = re.compile(r"is not executable|RestartSteps|RestartMaxDelaySec")
    ours = [line for line in done.stderr.splitlines() if "stoep" in line and not usual.search(line)]
    assert ours == []


def test_udev_names_the_adapters_that_auto_looks_at() -> None:
    rules = (SYSTEMD / "stoep-gateway.rules").read_text()
    found = re.findall(r'ATTRS\{idVendor\}=="(\w+)", ATTRS\{idProduct\}=="([\w|]+)"', rules)
    named = {int(vendor, 16): frozenset(int(one, 16) for one in products.split("|")) for vendor, products in found}
    assert named == usb._ADAPTERS


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_a_script_of_the_maintainer_is_one(script: str) -> None:
    subprocess.run(["sh", "-n", str(DEBIAN / script)], check=True)


def wheel(file: Path, **members: str) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file


def test_wheels_for_several_pythons_share_what_is_the_same(wheels: ModuleType, tmp_path: Path) -> None:
    one = wheel(tmp_path / "a-1-cp311.whl", a__init_dot_py="x", a__m_dot_cpython311_dot_so="11")
    two = wheel(tmp_path / "a-1-cp313.whl", a__init_dot_py="x", a__m_dot_cpython313_dot_so="13")
    wheels.unpack([one, two], tmp_path / "out")
    assert {file.name for file in (tmp_path / "out/a").iterdir()} == {"init.py", "m.cpython311.so", "m.cpython313.so"}


def test_wheels_that_differ_where_they_must_not_are_refused(wheels: ModuleType, tmp_path: Path) -> None:
    one = wheel(tmp_path / "a-1-cp311.whl", a__init_dot_py="x")
    two = wheel(tmp_path / "a-1-cp313.whl", a__init_dot_py="y")
    with pytest.raises(wheels.WheelError, match=r"a/init\.py is another one"):
        wheels.unpack([one, two], tmp_path / "out")


def test_a_module_for_another_machine_is_refused(wheels: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "m.so").write_bytes(b"\x7fELF" + bytes(14) + (0x3E).to_bytes(2, "little"))
    assert wheels.check_machine(tmp_path, "amd64") == 1
    with pytest.raises(wheels.WheelError, match=r"m\.so is not for arm64"):
        wheels.check_machine(tmp_path, "arm64")


def test_the_lock_names_no_host(wheels: ModuleType) -> None:
    lock = wheels.LOCK.read_text()
    assert "://" not in lock
    names = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    assert {re.split(r"[<>=;\[ ]", need)[0].lower().replace("_", "-") for need in wheels._requirements()} <= names


@pytest.mark.slow
def test_the_same_sources_make_the_same_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    need("dpkg-deb", "dpkg")
    load("wheels", monkeypatch)
    package = load("package", monkeypatch)
    monkeypatch.setattr(package.wheel_files, "fetch", lambda _cache, _architecture: [])  # ours alone needs no network
    monkeypatch.setattr(package.wheel_files, "glibc", lambda _wheels: "2.28")
    made = [package.build("arm64", tmp_path, tmp_path / name, "1.2.0rc1", quick=True) for name in "ab"]
    assert made[0].name == "stoep-gateway_1.2.0~rc1_arm64.deb"
    assert made[0].read_bytes() == made[1].read_bytes()
    listed = subprocess.run(["dpkg-deb", "-c", made[0]], capture_output=True, text=True, check=True).stdout.splitlines()
    # dpkg puts files in place in this order: the link must name a release that is there.
    assert re.search(r"\./usr/lib/stoep/current -> 1\.2\.0rc1-[0-9a-f]{12}$", listed[-1])
    text = "\n".join(listed)
    assert "/stoep/_shipped/firmware/wire/channels.toml" in text
    assert "stoep_twin" not in text
    assert "RECORD" not in text
    assert all(" root/root " in line for line in listed)
    subprocess.run(["dpkg-deb", "-x", made[0], tmp_path / "root"], check=True)
    (entries,) = (tmp_path / "root").rglob("entry_points.txt")
    assert "gateway = stoep.cli.gateway:register" in entries.read_text()
    assert "stoep_twin" not in entries.read_text()
