"""The kernels of bilinear sampling compile to machine code; test_affine_sample_compiled.py sees the same command refuse a broken one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_every_dtype_compiles(root, tmp_path):
    pytest.importorskip("triton")
    command = [sys.executable, str(Path(__file__).with_name("compile_sampling_kernels.py")), "bilinear_sample"]
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report) == 12 and all(report.values()), report
