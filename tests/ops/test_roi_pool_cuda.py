"""The comparisons of test_roi_pool_fused.py with compiled kernels, in a process without Triton's interpreter."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.needs_cuda
def test_the_compiled_kernels_equal_the_reference_on_a_gpu(root):
    pytest.importorskip("triton")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).with_name("test_roi_pool_fused.py"))]
    done = subprocess.run(command, cwd=root, env=os.environ | {"TRITON_INTERPRET": "0"}, capture_output=True, text=True, timeout=580)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 30, done.stdout
