"""stoep: the gateway of smart street furniture. Where to begin reading: `gateway/README.md`."""

__version__ = "0.1.0"
