"""Run a command as an ordinary user although the suite runs as root, with the interpreter and the repository within reach."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from autograder.sandbox.interpreter import COURSE_ROOT, Interpreter

NOBODY = 65534
# In a mount namespace of its own: each folder that only root may enter is covered by an empty one, in which the wanted
# folders below it appear again. Nothing outside this one command sees any of it.
SCRIPT = """
set -e
stash=$1; shift
n=$1; shift
i=0
while [ $i -lt $n ]; do
    mkdir $stash/$i; mount --bind "$1" $stash/$i; eval "cover$i=\\$2 want$i=\\$1"; shift 2; i=$((i + 1))
done
i=0
while [ $i -lt $n ]; do
    eval "cover=\\$cover$i want=\\$want$i"
    mountpoint -q "$cover" || mount -t tmpfs -o mode=755 tmpfs "$cover"
    mkdir -p "$want"; mount --bind $stash/$i "$want"; i=$((i + 1))
done
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
"""


def run_as_ordinary_user(arguments: Sequence[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run this interpreter as ``nobody``; skips by name where that cannot be arranged.

    Args:
        arguments: what follows the interpreter on the command line.
        home: folder that becomes the user's home; its own parents must be open to everybody.
    """
    for tool in ("unshare", "setpriv", "mount"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        pytest.skip("the suite runs as an ordinary user already")
    os.chown(home, NOBODY, NOBODY)
    wanted = [*Interpreter.current().prefixes, COURSE_ROOT]
    covers = [(path, closed) for path in wanted if (closed := _closed_folder(path)) is not None]
    pairs = [str(word) for path, closed in covers for word in (path, closed)]
    with tempfile.TemporaryDirectory(prefix="vislab-stash-") as stash:
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", stash, str(len(covers)), *pairs]
        environment = ["env", "-i", f"HOME={home}", f"PATH={os.environ['PATH']}", f"PYTHONPATH={COURSE_ROOT}", "PYTHONDONTWRITEBYTECODE=1"]
        done = subprocess.run(
            [*command, *environment, sys.executable, *arguments], capture_output=True, text=True, timeout=300, check=False
        )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount namespace of our own: {done.stderr.strip()}")
    return done


def _closed_folder(path: Path) -> Path | None:
    for folder in reversed((path, *path.parents)):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None
