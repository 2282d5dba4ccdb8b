"""`python -m profiling`: see :mod:`profiling.cli`."""

import signal
import sys

from profiling.cli import main

if __name__ == "__main__":
    # Whoever ends it, its cluster goes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
