"""The kernels of window_pool compile to machine code; the interpreter alone would accept what Triton's compiler refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def compile_kernels(root, cache, script):
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(cache), "PYTHONPATH": f"{root}{os.pathsep}{HERE}"}
    return subprocess.run([sys.executable, *script], cwd=root, env=environment, capture_output=True, text=True, timeout=300)


def test_every_dtype_compiles(root, tmp_path):
    pytest.importorskip("triton")
    done = compile_kernels(root, tmp_path, [str(HERE / "compile_window_pool_kernels.py")])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report) == 4 * 4 and all(report.values()), report


def test_a_kernel_that_the_compiler_refuses_is_seen(root, tmp_path):
    pytest.importorskip("triton")
    broken = (
        "import compile_window_pool_kernels as kernels\n"
        "kernels.fused._TILE_MIN = 24\n"  # no power of two
        "kernels.VARIANTS = kernels.VARIANTS[-1:]\n"
        "kernels.main()\n"
    )
    done = compile_kernels(root, tmp_path, ["-c", broken])
    assert done.returncode != 0 and "power of 2" in done.stderr
