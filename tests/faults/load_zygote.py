"""Starts the gateway in the time of a fork: everything is imported once, each start is a new process of the same code.

    python load_zygote.py [SABOTAGE]

For each line it reads, the path of a gateway.toml, it says the number of a new process, and its exit status (negative:
the signal) when that has ended.
"""

import os
import sys

from stoep import cli
from stoep.cli import serve as _serve_  # noqa: F401 -- imported for the forks
from stoep_twin import leash


def _serve(config: str, zygote: int) -> None:
    leash.tie(zygote)
    os.close(0)
    sys.argv = ["stoep", "gateway", "--config", config]
    cli.main()


def main() -> None:
    if len(sys.argv) > 1:
        from gateway_sabotage import KINDS

        KINDS[sys.argv[1]]()
    own = os.getpid()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                _serve(line.strip(), own)
            finally:
                os._exit(1)  # main() ends by SystemExit; whatever else came was printed
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
