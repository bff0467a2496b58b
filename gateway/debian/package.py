"""Builds stoep-gateway_VERSION_ARCHITECTURE.deb: the gateway with all that it needs of Python inside.

    python gateway/debian/package.py [--architecture amd64|arm64|all] [--version VERSION] [--to FOLDER] [--lock]

The release is a folder of its own, /usr/lib/stoep/VERSION-HASH, and the link `current` beside it names it. dpkg puts a
package's links in place after all its files and takes the older release's files away after that: so whenever the power
is cut, `current` names a release that is whole. The same sources make the same bytes.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # run as a script, and imported by the tests

import wheels as wheel_files

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGE = "stoep-gateway"
_FOREIGN = ("stoep_twin", "stoep_field")  # the laptop's: what they need is not inside
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
# What goes where; units and the like come from gateway/systemd, the rest from here.
_FILES = {
    "systemd/stoep-gateway.service": "usr/lib/systemd/system/stoep-gateway.service",
    "systemd/stoep-clock.service": "usr/lib/systemd/system/stoep-clock.service",
    "systemd/stoep-broker.service": "usr/lib/systemd/system/stoep-broker.service",
    "systemd/stoep-broker.path": "usr/lib/systemd/system/stoep-broker.path",
    "systemd/stoep-gateway.sysusers": "usr/lib/sysusers.d/stoep-gateway.conf",
    "systemd/stoep-gateway.tmpfiles": "usr/lib/tmpfiles.d/stoep-gateway.conf",
    "systemd/stoep-gateway.rules": "usr/lib/udev/rules.d/60-stoep-gateway.rules",
    "debian/mosquitto.conf": "etc/mosquitto/conf.d/stoep.conf",
    "debian/lintian-overrides": "usr/share/lintian/overrides/stoep-gateway",
    "debian/stoep": "usr/bin/stoep",
    "debian/fstab": "usr/share/doc/stoep-gateway/examples/fstab",
    "gateway.toml": "etc/stoep/gateway.toml",
}
_CONFFILES = ("/etc/mosquitto/conf.d/stoep.conf", "/etc/stoep/gateway.toml")
_SCRIPTS = ("postinst", "prerm", "postrm")
_COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: stoep

Files: *
Copyright: 2026 the stoep contributors
License: EUPL-1.2
 European Union Public Licence, version 1.2 only: https://eupl.eu/1.2/en/

Comment:
 The package also has inside, each with its own licence in its dist-info
 folder under /usr/lib/stoep:
 .
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the Debian package of the gateway.")
    parser.add_argument("--architecture", choices=[*wheel_files.MACHINES, "all"], default="all")
    parser.add_argument("--version", help="another one than that of the sources, to try an upgrade")
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "deb")
    parser.add_argument("--quick", action="store_true", help="pack with less effort: a larger file")
    parser.add_argument("--lock", action="store_true", help="only choose the wheels anew, and write wheels.lock")
    options = parser.parse_args()
    cache = ROOT / "build" / "deb" / "wheels"
    chosen = wheel_files.MACHINES if options.architecture == "all" else (options.architecture,)
    try:
        if options.lock:
            wheel_files.lock(cache)
            return 0
        for architecture in chosen:
            made = build(architecture, cache, options.to, options.version, quick=options.quick)
            print(f"{made}  {made.stat().st_size / 1e6:.1f} MB", flush=True)
    except (wheel_files.WheelError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def build(architecture: str, cache: Path, to: Path, version: str | None = None, *, quick: bool = False) -> Path:
    """The package's file. Raises WheelError, CalledProcessError."""
    if shutil.which("dpkg-deb") is None:
        raise wheel_files.WheelError("no dpkg-deb: sudo apt install dpkg")
    wheels = wheel_files.fetch(cache, architecture)
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stage-", dir=to) as name:
        stage = Path(name, "stage")
        release = stage / "usr/lib/stoep/release"
        wheel_files.unpack([_own_wheel(Path(name)), *(wheel.file for wheel in wheels)], release)
        wheel_files.check_machine(release, architecture)
        _leave_out_the_laptops(release)
        chosen = _set_version(release, version)
        named = release.with_name(f"{chosen}-{_hash(release)}")
        release.rename(named)
        (named.parent / "current").symlink_to(named.name)
        _lay_out(stage, chosen, "\n".join(f" {line}" for line in wheel_files.licences(wheels)))
        _control(stage, _debian(chosen), architecture, wheel_files.glibc(wheels))
        return _pack(stage, to / f"{PACKAGE}_{_debian(chosen)}_{architecture}.deb", quick=quick)


def _own_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (made,) = folder.glob("stoep-*.whl")
    return made


def _leave_out_the_laptops(release: Path) -> None:
    for package in _FOREIGN:
        shutil.rmtree(release / package)
    for entries in release.glob("stoep-*.dist-info/entry_points.txt"):
        lines = entries.read_text(encoding="utf-8").splitlines(keepends=True)
        entries.write_text("".join(line for line in lines if not any(f"= {one}." in line for one in _FOREIGN)))


def _set_version(release: Path, version: str | None) -> str:
    file = release / "stoep/__init__.py"
    text = file.read_text(encoding="utf-8")
    said = _VERSION.search(text)
    assert said is not None
    if version is not None:
        file.write_text(text.replace(said[0], f'__version__ = "{version}"'), encoding="utf-8")
    return version or said[1]


def _debian(version: str) -> str:
    """0.2.0rc1 comes before 0.2.0 for Debian, too."""
    return re.sub(r"\.?(a|b|rc|dev)(\d+)$", r"~\1\2", version)


def _hash(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        found.update(f"{file.relative_to(folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:12]


def _lay_out(stage: Path, version: str, inside: str) -> None:
    for source, place in _FILES.items():
        (stage / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE.parent / source, stage / place)
    doc = stage / "usr/share/doc" / PACKAGE
    doc.mkdir(parents=True, exist_ok=True)
    (doc / "copyright").write_text(_COPYRIGHT + inside + "\n", encoding="utf-8")
    head = f"{PACKAGE} ({_debian(version)}) stable; urgency=medium"
    said = f"{head}\n\n  * Release {version}.\n\n -- {_maintainer()}  {formatdate(_epoch())}\n"
    for name, text in (("changelog", said), ("README.md", (HERE.parent / "README.md").read_text(encoding="utf-8"))):
        (doc / f"{name}.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _control(stage: Path, version: str, architecture: str, glibc: str) -> None:
    files = sorted(file for file in stage.rglob("*") if file.is_file() and not file.is_symlink())
    size = sum(-(-file.stat().st_size // 1024) for file in files)
    sums = "".join(f"{_md5(file)}  {file.relative_to(stage)}\n" for file in files)
    text = (HERE / "control").read_text(encoding="utf-8")
    control = stage / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(text.format(version=version, architecture=architecture, size=size, glibc=glibc))
    (control / "conffiles").write_text("".join(f"{name}\n" for name in _CONFFILES))
    (control / "md5sums").write_text(sums)
    for name in _SCRIPTS:
        shutil.copyfile(HERE / name, control / name)


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def _pack(stage: Path, to: Path, *, quick: bool) -> Path:
    runs = {stage / "usr/bin/stoep", *(stage / "DEBIAN" / name for name in _SCRIPTS)}
    for path in [stage, *stage.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in runs else 0o644)
        os.utime(path, (_epoch(), _epoch()), follow_symlinks=False)
    new = to.with_name(f".{to.name}.new")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(_epoch())}
    effort = ("-Zgzip", "-z1") if quick else ("-Zxz", "-z2")
    command = ["dpkg-deb", "--root-owner-group", *effort, "--build", str(stage), str(new)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return new.replace(to)


def _epoch() -> int:
    """Of the sources: the last commit's time, or what the caller says."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said is None:
        command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stdout.strip() or str(int((ROOT / "pyproject.toml").stat().st_mtime))
    return int(said)


def _maintainer() -> str:
    (line,) = [ln for ln in (HERE / "control").read_text(encoding="utf-8").splitlines() if ln.startswith("Maintainer:")]
    return line.partition(": ")[2]


if __name__ == "__main__":
    sys.exit(main())
