"""Whether the board gets enough voltage: below 4.63 V a Pi slows down, and its card writes what nobody asked for.

The firmware tells it through `get_throttled`: bit 0, under-voltage now; bit 16, at some time since the start
(Raspberry Pi documentation, "vcgencmd"). Mainline kernels have only the alarm of `raspberrypi-hwmon`.
"""

from stoep.doctor.finding import Finding, good, trouble, unknown, warning
from stoep.doctor.machine import Machine

_THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"
_HWMON = "/sys/class/hwmon"
_NOW, _SINCE_START = 1 << 0, 1 << 16
_REMEDY = "use the Pi's own power supply, a short thick cable, and no hungry USB devices; then restart it"


def look(machine: Machine) -> Finding:
    bits = _bits(machine)
    if bits is None:
        why = "this kernel does not say" if machine.is_pi else "this machine is no Raspberry Pi"
        return unknown("power", f"under-voltage cannot be seen: {why}")
    if bits & _NOW:
        return trouble("power", "the Pi gets too little voltage now", _REMEDY)
    if bits & _SINCE_START:
        return warning("power", "the Pi had too little voltage since its start", _REMEDY)
    return good("power", "no under-voltage since the start")


def _bits(machine: Machine) -> int | None:
    said = machine.read(_THROTTLED)
    if said is not None:
        try:
            return int(said, 16)
        except ValueError:
            return None
    folder = machine.path(_HWMON)
    for monitor in sorted(folder.iterdir()) if folder.is_dir() else ():
        place = f"{_HWMON}/{monitor.name}"
        if machine.read(f"{place}/name") == "rpi_volt":
            return _NOW if machine.read(f"{place}/in0_lcrit_alarm") == "1" else 0
    return None
