"""`python -m bench`: see :mod:`bench.cli`."""

import signal
import sys

from bench.cli import main

if __name__ == "__main__":
    # Whoever ends the benchmark, its cluster goes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
