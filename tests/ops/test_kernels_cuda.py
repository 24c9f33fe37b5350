"""The comparisons of test_<op>_fused.py with compiled kernels, each in a process without Triton's interpreter."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from op_cases import OPS

# fewer would mean that a file's tests were not collected.
PASSED_MIN = 30


@pytest.mark.needs_cuda
@pytest.mark.parametrize("op", OPS)
def test_the_compiled_kernels_equal_the_reference_on_a_gpu(root, op):
    pytest.importorskip("triton")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).with_name(f"test_{op}_fused.py"))]
    done = subprocess.run(command, cwd=root, env=os.environ | {"TRITON_INTERPRET": "0"}, capture_output=True, text=True, timeout=580)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > PASSED_MIN, done.stdout
