"""``python -m data_scripts``: the data sets' command line."""

from __future__ import annotations

import os

# one thread is enough for what is heavy here, and leaves the other cores to whoever shares the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from data_scripts.cli.app import main

if __name__ == "__main__":
    main()
