"""The packages where this machine's Debian is not: lintian, each compiled module's machine, every Python of theirs.

    python tests/deb/deb_other.py

For Debian bookworm and trixie, each on amd64 and arm64, the packages of a Python are laid out by debootstrap (its first
half: nothing of theirs is run), the gateway's package over them, and `stoep --version` asked in there, arm64's by
qemu-user where that is installed; then every compiled module is loaded. Needs root; writes build/deb/other.json.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "deb"
SUITES = ("bookworm", "trixie")
QEMU = "qemu-aarch64-static"
_NOT_RUN = f"not run: there is no {QEMU}, sudo apt install qemu-user-static"
_ELF = {"amd64": 0x3E, "arm64": 0xB7}
_LOAD = """
import os, sys
sys.path.insert(0, os.path.realpath("/usr/lib/stoep/current"))
import cbor2, cryptography.hazmat.bindings._rust, msgspec, pydantic_core, pyrage, cffi, sysv_ipc
import stoep.service.service, stoep.cli.serve
from stoep.cli import build
build()
from stoep import settings, resources
settings.load(resources.example_settings())
files = [str(getattr(module, "__file__", "")) for module in list(sys.modules.values())]
ours = [file for file in files if file.startswith("/usr/lib/stoep/") and file.endswith(".so")]
print(sys.version.split()[0], "loads", len(ours), "compiled modules")
"""


def main() -> int:
    wrong: list[str] = []
    figures: dict[str, object] = {}
    for architecture, machine in _ELF.items():
        (deb,) = BUILD.glob(f"stoep-gateway_*_{architecture}.deb")
        done = subprocess.run(["lintian", "--allow-root", str(deb)], capture_output=True, text=True, check=False)
        errors = [line for line in done.stdout.splitlines() if line.startswith("E:")]
        wrong += errors
        with tempfile.TemporaryDirectory(prefix="other-", dir=BUILD) as name:
            subprocess.run(["dpkg-deb", "-x", deb, name], check=True)
            compiled = [file for file in Path(name).rglob("*") if file.is_file() and _magic(file) is not None]
            wrong += [f"{file} is not for {architecture}" for file in compiled if _magic(file) != machine]
            told = [file for file in Path(name).rglob("*.dist-info/*") if file.name in {"RECORD", "direct_url.json"}]
            wrong += [f"{file} says whence it came" for file in told]
        figures[f"lintian_errors_{architecture}"] = len(errors)
        figures[f"compiled_modules_{architecture}"] = len(compiled)
        for suite in SUITES:
            told = _answers(suite, architecture, deb)
            print(f"== {suite} {architecture}: {told}", flush=True)
            figures[f"{suite}_{architecture}"] = told
            if "loads" not in told and told != _NOT_RUN:
                wrong.append(f"{suite} {architecture}: {told}")
    (BUILD / "other.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures))
    for one in wrong:
        print(f"wrong: {one}")
    return 1 if wrong else 0


def _magic(file: Path) -> int | None:
    """The machine of an ELF file; None for any other."""
    with file.open("rb") as opened:
        head = opened.read(20)
    return int.from_bytes(head[18:20], "little") if head.startswith(b"\x7fELF") else None


def _answers(suite: str, architecture: str, deb: Path) -> str:
    """What `stoep --version` and the loading of everything compiled say in there."""
    base = _laid_out(suite, architecture)
    with tempfile.TemporaryDirectory(prefix="other-", dir=BUILD) as name:
        root = Path(name, "root")
        subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
        _over(deb, root)
        interpreter = ["/usr/bin/python3", "-I"]
        if architecture == "arm64":
            found = shutil.which(QEMU)
            if found is None:
                return _NOT_RUN
            shutil.copy(found, root / "usr/bin" / QEMU)
            interpreter = [f"/usr/bin/{QEMU}", *interpreter]
        said = []
        for words in (["/usr/bin/stoep", "--version"], ["-c", _LOAD]):
            command = ["chroot", str(root), *interpreter, *words]
            environment = {"PATH": "/usr/bin:/usr/sbin", "LC_ALL": "C.UTF-8"}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            if done.returncode:
                return f"{' '.join(words)[:40]} ended with {done.returncode}: {done.stderr[-500:]}"
            said.append(done.stdout.strip())
        return ", ".join(said)


def _laid_out(suite: str, architecture: str) -> Path:
    place = BUILD / f"python-{suite}-{architecture}"
    if not place.exists():
        print(f"== the packages of Python in {suite} for {architecture} (once)", flush=True)
        new = place.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        command = ["debootstrap", "--foreign", f"--arch={architecture}", "--variant=minbase", "--include=python3"]
        with (BUILD / f"debootstrap-{suite}-{architecture}.log").open("w") as log:
            subprocess.run([*command, suite, str(new)], check=True, stdout=log, stderr=log)
        for deb in sorted((new / "var/cache/apt/archives").glob("*.deb")):
            _over(deb, new)
            deb.unlink()
        if (new / "proc").is_symlink():  # debootstrap's, for a machine that is to finish its work
            (new / "proc").unlink()
            (new / "proc").mkdir()
        new.rename(place)
    return place


def _over(deb: Path, root: Path) -> None:
    """Its files into `root`, whose links to folders stay."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as files:
        command = ["tar", "-x", "--keep-directory-symlink", "-C", str(root), "-f", "-"]
        subprocess.run(command, check=True, stdin=files.stdout)


if __name__ == "__main__":
    sys.exit(main())
