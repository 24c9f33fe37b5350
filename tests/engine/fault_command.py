"""``grade`` on a course that brings its own assignments: what the fault harness starts, kills and starts again.

Run as ``python fault_command.py COURSE WORKERS``; exit codes are those of ``python -m autograder grade``.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from autograder.cli import app, grade
from autograder.engine.course import Course
from autograder.gradebook import run
from autograder.gradebook.lock import wait_until_free

# a locked gradebook is waited for as long as people need, which is longer than a test should wait.
WAIT_S = 0.5


def main() -> None:
    course, workers = Path(sys.argv[1]).resolve(), sys.argv[2]
    grade.course_at = lambda folder: Course(folder, folder / "assignments")
    run.wait_until_free = partial(wait_until_free, wait_s=WAIT_S)
    sys.argv[1:] = ["grade", "t1_tiny", "--course", str(course), "--workers", workers, "--no-feedback"]
    app.main()


if __name__ == "__main__":
    main()
