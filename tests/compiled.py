"""Tests in a process without Triton's interpreter, whose kernels are compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_compiled(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with these words there.

    Args:
        environment: further variables.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    variables = os.environ | {"TRITON_INTERPRET": "0"} | environment
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=580, check=False)
