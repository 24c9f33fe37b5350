"""The comparisons of test_<op>_fused.py with compiled kernels, each in a process without Triton's interpreter."""

import re
from pathlib import Path

import pytest
from compiled import run_compiled
from op_cases import OPS

# fewer would mean that a file's tests were not collected.
PASSED_MIN = 30


@pytest.mark.needs_cuda
@pytest.mark.parametrize("op", OPS)
def test_the_compiled_kernels_equal_the_reference_on_a_gpu(op):
    pytest.importorskip("triton")
    done = run_compiled(str(Path(__file__).with_name(f"test_{op}_fused.py")))
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > PASSED_MIN, done.stdout
