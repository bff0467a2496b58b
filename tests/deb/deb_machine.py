"""A Debian that boots: systemd as PID 1 in namespaces of its own, on a disk whose power can be cut.

    python tests/deb/deb_machine.py         fetches what every machine begins with, while there is a network

Its root is a Debian made once by debootstrap, never written, under an overlay whose upper side is an ext4 file system
in a file. It shares the network of whoever starts it, which is a namespace with nothing but a loopback.

`cut` is ext4's own shutdown without a flush of its log, which Linux's file system tests use for the same: from that
instant nothing more reaches the file, and what the kernel had not written by then is gone. What a disk's own cache
would lose of what it was sent, or write in another order, is not played.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "deb"
UNIT = "stoep-gateway.service"
SUITES = ("bookworm", "trixie")
_INSIDE = "systemd,systemd-sysv,dbus,udev,python3,mosquitto,procps,ca-certificates"
_MIB = 512
_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
_NO_LOG_FLUSH = 2
_PATIENCE = 120.0
_CGROUPS = Path("/sys/fs/cgroup")


def debian(suite: str) -> Path:
    """The root that every machine of `suite` begins with; made when it is first needed."""
    place = BUILD / f"root-{suite}"
    if not place.exists():
        print(f"== a Debian {suite} by debootstrap (once, about a minute)", flush=True)
        new = BUILD / f"root-{suite}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.parent.mkdir(parents=True, exist_ok=True)
        log = BUILD / f"debootstrap-{suite}.log"
        with log.open("w") as out:
            command = ["debootstrap", "--variant=minbase", f"--include={_INSIDE}", suite, str(new)]
            done = subprocess.run(command, stdout=out, stderr=out, check=False)
        if done.returncode:
            raise SystemExit(f"error: debootstrap failed, see {log}: is Debian's archive within reach?")
        new.rename(place)
    return place


class Machine:
    """One disk and what boots from it. `terminal` is its /dev/ttyUSB0."""

    def __init__(self, folder: Path, terminal: str | None = None, suite: str = SUITES[0]) -> None:
        self._folder = folder
        self._debian = debian(suite)
        self._terminal = terminal
        self._image = folder / "disk.img"
        self._disk = folder / "disk"
        self.root = folder / "root"
        self._cgroup = f"stoep-deb-{os.getpid()}"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        for place in (self._disk, self.root):
            place.mkdir(parents=True, exist_ok=True)
        with self._image.open("wb") as image:
            image.truncate(_MIB << 20)
        outside("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._unmount()
        for kind in _CGROUPS.iterdir():
            for place in sorted((kind / self._cgroup).rglob("*/"), reverse=True):
                with contextlib.suppress(OSError):
                    place.rmdir()
            with contextlib.suppress(OSError):
                (kind / self._cgroup).rmdir()
        self._image.unlink(missing_ok=True)

    def boot(self) -> float:
        """Seconds until systemd has nothing more to start."""
        began = time.monotonic()
        for kind in _CGROUPS.iterdir():
            with contextlib.suppress(OSError):
                (kind / self._cgroup).mkdir(exist_ok=True)
                if kind.name == "cpuset":
                    for name in ("cpuset.cpus", "cpuset.mems"):
                        (kind / self._cgroup / name).write_text((kind / name).read_text())
        namespaces = ["--cgroup", "--pid", "--mount", "--uts", "--ipc", "--fork", "--kill-child"]
        script = str(Path(__file__).with_name("init.sh"))
        # The shell moves into the cgroups before it takes a namespace of them.
        enter = f'for one in {_CGROUPS}/*/{self._cgroup}; do echo $$ > $one/cgroup.procs; done; exec "$@"'
        command = ["sh", "-c", enter, "sh", "unshare", *namespaces, "--propagation", "private"]
        command += ["sh", script, str(self.root), self._terminal or "", *self._more_for_init()]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._pid = int(_until(lambda: children.read_text().split()[0]))
        _until(lambda: Path(f"/proc/{self._pid}/comm").read_text() == "systemd\n" or None)
        _until(lambda: self.run("systemctl", "is-system-running", check=False) in {"running", "degraded"} or None)
        return time.monotonic() - began

    @property
    def site(self) -> Path:
        """Its /etc/stoep, from out here."""
        return self.root / "etc/stoep"

    def run(self, *command: str, check: bool = True) -> str:
        """What a command inside says, stderr too where it must succeed and does not."""
        done = subprocess.run(self._inside(*command), capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        nothing = subprocess.DEVNULL
        return subprocess.Popen(self._inside(*command), stdin=nothing, stdout=nothing, stderr=nothing)

    def show(self, name: str, unit: str = UNIT) -> str:
        return self.run("systemctl", "show", f"--property={name}", "--value", unit)

    def service(self) -> int:
        """The service's process, as it is called out here; 0 when there is none."""
        listed = _CGROUPS / "systemd" / self._cgroup / "system.slice" / UNIT / "cgroup.procs"
        with contextlib.suppress(OSError, IndexError):
            return int(listed.read_text().split()[0])
        return 0

    def power_off(self) -> None:
        """As a person does it."""
        os.kill(self._pid, signal.SIGRTMIN + 4)
        assert self._process is not None
        self._process.wait(_PATIENCE)
        self._process = None

    def cut(self) -> None:
        """The power goes, and comes back: the disk is as the file system's log makes it again."""
        for place in self._written():
            with contextlib.closing(_Folder(place)) as disk:
                fcntl.ioctl(disk.number, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        self._end()
        self._unmount()
        self._mount()

    def _written(self) -> list[Path]:
        """The file systems that lose what the kernel has not written yet."""
        return [self._disk]

    def _more_for_init(self) -> list[str]:
        return []

    def _inside(self, *command: str) -> list[str]:
        enter = ["nsenter", "-t", str(self._pid), "-m", "-p", "-u", "-i", "-C", "--"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
        return [*enter, *clean, *command]

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE)
            self._process = None

    def _mount(self) -> None:
        outside("mount", "-o", "loop", str(self._image), str(self._disk))
        for name in ("upper", "work"):
            (self._disk / name).mkdir(exist_ok=True)
        layers = f"lowerdir={self._debian},upperdir={self._disk}/upper,workdir={self._disk}/work"
        outside("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))

    def _unmount(self) -> None:
        unmount(self.root, self._disk, image=self._image)


class _Folder:
    def __init__(self, place: Path) -> None:
        self.number = os.open(place, os.O_RDONLY | os.O_DIRECTORY)

    def close(self) -> None:
        os.close(self.number)


def unmount(*places: Path, image: Path) -> None:
    """Until the image's loop device is gone, too: a namespace that has ended lets go of its mounts when it likes."""
    for place in places:
        _until(lambda place=place: not place.is_mount() or not outside("umount", str(place), check=False) or None)
    _until(lambda: not _output("losetup", "-j", str(image)) or None)


def outside(*command: str, check: bool = True) -> int:
    return subprocess.run(command, check=check, stderr=None if check else subprocess.DEVNULL).returncode


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _until(look: object, seconds: float = _PATIENCE) -> str:
    """What `look` says as soon as that is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError, IndexError):
            if found := look():  # type: ignore[operator]
                return str(found)
        time.sleep(0.05)
    raise AssertionError("it takes too long")


def main() -> int:
    for suite in SUITES:
        debian(suite)
    return 0


if __name__ == "__main__":
    sys.exit(main())
