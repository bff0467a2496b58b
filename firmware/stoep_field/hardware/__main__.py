"""`python -m stoep_field.hardware [--check] [--root DIR]`, the same as `stoep hardware`."""

import argparse
import sys
from pathlib import Path

from stoep_field.generate import CHECKOUT
from stoep_field.hardware import build


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="stoep_field.hardware", description="Make hardware/<kind>/ from the drawings."
    )
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is stale")
    parser.add_argument("--root", type=Path, default=CHECKOUT, help="the checkout (default: the one this file is in)")
    options = parser.parse_args(arguments)
    return build.run(options.root, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
