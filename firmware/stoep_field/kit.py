"""A field kit: a folder from which a laptop without internet is set up and works.

wheels/       stoep and all it needs, for the machine the kit was made on
guides/       the technician's page, the assembly guides with their drawings
*.bin         MicroPython
field.toml    the site; this folder is also the working folder
install       sets up a Python environment from the wheels
SHA256SUMS
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from stoep.resources import firmware_dir, hardware_dir
from stoep_field.errors import FieldError, FolderError
from stoep_field.folder import SETTINGS
from stoep_field.image import micropython

Tell = Callable[[str], None]
_SUMS = "SHA256SUMS"
_INSTALL = """#!/bin/sh
# A Python environment beside this file, from the wheels alone: no internet.
set -eu
cd "$(dirname "$0")"
sha256sum --quiet --check SHA256SUMS
python3 -m venv stoep-env
stoep-env/bin/python -m pip --quiet install --no-index --find-links wheels 'stoep[{extras}]'
stoep-env/bin/stoep --version
echo "Now: export STOEP_FIELD=$PWD PATH=$PWD/stoep-env/bin:\\$PATH"
echo "then: stoep node doctor"
"""


def build(
    folder: Path,
    image: Path,
    *,
    site: str | None,
    channel: int | None,
    gateway_key: str | None,
    wheel: Path | None,
    training: bool,
    tell: Tell,
) -> int:
    """Returns how many files it has. Raises FieldError."""
    version = micropython.load(image).version
    if folder.exists() and any(folder.iterdir()):
        raise FolderError(f"{folder} is not empty", "name a new folder")
    whole, folder = folder, folder.with_name(f"{folder.name}.part")  # what fails leaves nothing that looks like a kit
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    extras = "field,twin" if training else "field"
    tell(f"MicroPython {version}")
    shutil.copyfile(image, folder / image.name)
    tell("wheels: stoep")
    own = wheel or _own_wheel(wheels)
    if wheel is not None:
        shutil.copyfile(wheel, wheels / wheel.name)
    tell("wheels: what it needs (from the network)")
    _pip("wheel", "--wheel-dir", str(wheels), f"{own}[{extras}]")  # built now: what is a source would need tools there
    tell("guides")
    _guides(folder / "guides")
    (folder / SETTINGS).write_text(_settings(site, channel, gateway_key, image.name), encoding="utf-8")
    install = folder / "install"
    install.write_text(_INSTALL.format(extras=extras), encoding="utf-8")
    install.chmod(0o755)
    files = list(_files(folder))
    sums = "".join(f"{_digest(file)}  {file.relative_to(folder).as_posix()}\n" for file in files)
    (folder / _SUMS).write_text(sums, encoding="utf-8")
    folder.replace(whole)
    return len(files)


def check(folder: Path) -> int:
    """How many files were compared. Raises FolderError naming the first that differs."""
    try:
        lines = (folder / _SUMS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FolderError(
            f"{folder} is no field kit ({error.strerror})", "`stoep field-kit build` makes one"
        ) from error
    for line in lines:
        digest, _, name = line.partition("  ")
        file = folder / name
        if not file.is_file() or _digest(file) != digest:
            raise FolderError(f"{file} is missing or not what it was", "copy the kit again")
    return len(lines)


def _own_wheel(wheels: Path) -> Path:
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / "pyproject.toml").is_file():
        raise FieldError("this stoep is installed, not a checkout", "name its wheel with --wheel")
    _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(checkout))
    return next(wheels.glob("stoep-*.whl"))


def _pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise FieldError(f"pip {words[0]} failed: {said[0]}", "is there internet? A kit is made online")


def _guides(folder: Path) -> None:
    folder.mkdir()
    readme = firmware_dir() / "README.md"
    if readme.is_file():
        shutil.copyfile(readme, folder / "firmware.md")
    for kind in sorted(hardware_dir().iterdir()):
        if kind.is_dir():
            shutil.copytree(kind, folder / kind.name)


def _settings(site: str | None, channel: int | None, gateway_key: str | None, image: str) -> str:
    known = {"site": site, "channel": channel, "gateway_key": gateway_key, "image": image}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in known.items() if value is not None]
    return "\n".join(lines) + "\n"


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
