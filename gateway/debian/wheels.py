"""The wheels inside the package: which, locked by hash; fetched for a machine that need not be this one; merged.

One package serves every Python from Debian bookworm's to trixie's, so that a Pi whose Debian is upgraded goes on: what
is compiled bears its Python's version in its name, all else must be the same in each version's wheel.
"""

import email
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("wheels.lock")
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_ELF_MACHINES = {"amd64": 0x3E, "arm64": 0xB7}
# As old as bookworm's C library or older.
_PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34", "manylinux_2_36")
_NEEDS_GLIBC = re.compile(r"manylinux_2_(\d+)_")
# Programs for boards of other makers that nobody here starts.
_LEFT_OUT = re.compile(r"/pulseio/libgpiod_pulsein(64)?$")
_OF_AN_INSTALLER = {"RECORD", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json"}
_EXTRAS = ("pi",)
_HEAD = """\
# The wheels inside the Debian package, for each of its Pythons and machines.
# Written by: python gateway/debian/package.py --lock
"""


class WheelError(Exception):
    """The package cannot be built; the message says why and what to do."""


class Wheel(NamedTuple):
    """A file; `name` as the lock has it."""

    file: Path
    name: str
    version: str

    @classmethod
    def of(cls, file: Path) -> "Wheel":
        name, version, *_ = file.name.split("-")
        return cls(file, name.replace("_", "-").lower(), version)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def lock(cache: Path) -> None:
    """Chooses the newest versions that pyproject.toml allows and that there are for every target; writes the lock."""
    chosen: dict[tuple[str, str], set[str]] = {}
    constraints = cache / "constraints.txt"
    cache.mkdir(parents=True, exist_ok=True)
    constraints.write_text("")
    for architecture in MACHINES:
        for python in PYTHONS:
            folder = _folder(cache, architecture, python)
            _pip_download(folder, architecture, python, ["--constraint", str(constraints), *_requirements()])
            for wheel in _in(folder):
                chosen.setdefault((wheel.name, wheel.version), set()).add(wheel.sha256)
            constraints.write_text("".join(f"{name}=={version}\n" for name, version in sorted(chosen)))
    twice = {name for name, _ in chosen if sum(name == other for other, _ in chosen) > 1}
    if twice:
        raise WheelError(f"not one version for every target: {', '.join(sorted(twice))}: bound it in pyproject.toml")
    lines = [
        f"{name}=={version}" + "".join(f" \\\n    --hash=sha256:{one}" for one in sorted(hashes))
        for (name, version), hashes in sorted(chosen.items())
    ]
    LOCK.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def fetch(cache: Path, architecture: str) -> list[Wheel]:
    """The locked wheels for every Python on `architecture`; the network is asked only for what is not in `cache`."""
    found: dict[str, Wheel] = {}
    for python in PYTHONS:
        folder = _folder(cache, architecture, python)
        if not _complete(folder):
            print(f"== fetching the wheels for {architecture}, Python {python}", flush=True)
            _pip_download(folder, architecture, python, ["--no-deps", "--require-hashes", "-r", str(LOCK)])
        found |= {wheel.file.name: wheel for wheel in _in(folder) if wheel.sha256 in LOCK.read_text(encoding="utf-8")}
    return [found[name] for name in sorted(found)]


def unpack(wheels: Sequence[Path], into: Path) -> None:
    """All of them in one folder. Raises WheelError where two of them have different files of one name."""
    for file in wheels:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                place = _place(PurePosixPath(member.filename))
                if place is None or member.is_dir():
                    continue
                target, content = into / place, archive.read(member)
                if target.exists() and target.read_bytes() != content:
                    raise WheelError(f"{file.name}: {place} is another one than that of an earlier wheel")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)


def check_machine(folder: Path, architecture: str) -> int:
    """How many compiled modules there are. Raises WheelError for one that is of another machine."""
    modules = sorted(file for file in folder.rglob("*") if file.is_file() and file.read_bytes()[:4] == b"\x7fELF")
    for module in modules:
        if int.from_bytes(module.read_bytes()[18:20], "little") != _ELF_MACHINES[architecture]:
            raise WheelError(f"{module.relative_to(folder)} is not for {architecture}")
    return len(modules)


def glibc(wheels: Sequence[Wheel]) -> str:
    """The oldest C library with which all of them work."""
    needs = [min((int(n) for n in _NEEDS_GLIBC.findall(wheel.file.name)), default=17) for wheel in wheels]
    return f"2.{max(needs)}"


def licences(wheels: Sequence[Wheel]) -> Iterator[str]:
    """`name version: licence` of each."""
    said = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel.file) as archive:
            (name,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            meta = email.message_from_bytes(archive.read(name))
        classified = [c.rsplit(" :: ", 1)[-1] for c in meta.get_all("Classifier", []) if c.startswith("License ::")]
        stated = meta["License-Expression"] or ", ".join(classified) or (meta["License"] or "").split("\n", 1)[0]
        said[wheel.name] = f"{wheel.name} {wheel.version}: {stated or 'see its files'}"
    yield from (said[name] for name in sorted(said))


def _place(name: PurePosixPath) -> PurePosixPath | None:
    """Where a file of a wheel goes; None for what only an installer needs: whence a file came is nobody's business."""
    top = name.parts[0]
    if top.endswith(".dist-info") and (name.name in _OF_AN_INSTALLER or "sboms" in name.parts):
        return None
    if _LEFT_OUT.search(str(name)):
        return None
    if top.endswith(".data"):
        return PurePosixPath(*name.parts[2:]) if name.parts[1] in {"purelib", "platlib"} else None
    return name


def _requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(need for extra in _EXTRAS for need in extras[extra])]


def _folder(cache: Path, architecture: str, python: str) -> Path:
    return cache / f"{architecture}-{python}"


def _in(folder: Path) -> list[Wheel]:
    return [Wheel.of(file) for file in sorted(folder.glob("*.whl"))]


def _complete(folder: Path) -> bool:
    if not LOCK.exists():
        raise WheelError("there is no wheels.lock: say python gateway/debian/package.py --lock")
    text = LOCK.read_text(encoding="utf-8")
    wanted = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    there = {(wheel.name, wheel.version) for wheel in _in(folder) if wheel.sha256 in text}
    return all(pair in there for pair in wanted)


def _pip_download(folder: Path, architecture: str, python: str, what: Sequence[str]) -> None:
    platforms = [f"--platform={platform}_{MACHINES[architecture]}" for platform in _PLATFORMS]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download", "--dest", str(folder)]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms, *what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WheelError(f"pip download for {architecture}, Python {python}:\n{done.stderr.strip()}")
