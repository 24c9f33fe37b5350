"""What this process holds open, for tests that nothing is left behind."""

import os
from collections import Counter


def open_files() -> Counter[str]:
    """What each descriptor of this process leads to, counted.

    A socket or a pipe goes by its inode, so one that is new shows even where another was closed meanwhile: what earlier tests left to be
    collected may go at any moment. `open_files() - before` is what was opened since and is open still.
    """
    targets: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):
        try:
            targets[os.readlink(f"/proc/self/fd/{number}")] += 1
        except FileNotFoundError:  # the listing's own, and what was closed since.
            continue
    return targets
