"""What this process holds open, for tests that nothing is left behind."""

import os
import time
from collections import Counter


def open_files() -> Counter[str]:
    """What each descriptor of this process leads to, counted.

    A socket or a pipe goes by its inode, so one that is new shows even where another was closed meanwhile: what earlier tests left to be
    collected may go at any moment.
    """
    targets: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):
        try:
            targets[os.readlink(f"/proc/self/fd/{number}")] += 1
        except FileNotFoundError:  # the listing's own, and what was closed since.
            continue
    return targets


def left_open(before: Counter[str], within_s: float = 20.0) -> Counter[str]:
    """What was opened since `before` and is not closed within the time: ZeroMQ closes sockets later, in a thread of its own."""
    deadline_s = time.monotonic() + within_s
    while (left := open_files() - before) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return left
