"""``python -m autograder``: the instructor's command line."""

from __future__ import annotations

import os

# Triton reads its mode when it is first imported, in this process and in every one it starts.
os.environ.setdefault("TRITON_INTERPRET", "1")
# nbgrader and its plug-ins write tables of progress of their own; torch need not take every core beside them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from autograder.cli.app import main

if __name__ == "__main__":
    main()
