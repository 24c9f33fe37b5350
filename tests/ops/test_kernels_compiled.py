"""Every op's kernels compile to machine code; the interpreter alone would accept what Triton's compiler refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from op_cases import OPS

HERE = Path(__file__).parent
# kernels that one variant launches, and variants.
LAUNCHES = {
    "affine_sample": 2 * 6,
    "bilinear_sample": 2 * 6,
    "tps_sample": 2 * 4,
    "soft_argmax": 2 * 7,
    "gaussian_heatmaps": 2 * 8,
    "roi_align": 2 * 7,
    "roi_pool": 2 * 7,
    "window_pool": 4 * 4,
    "attend": 5 * 4,
}
# what leaves a tile with a side that is no power of two.
BROKEN = {
    "affine_sample": "sampling.sample_kernels.block_of = lambda *_: (3, 5)",
    "bilinear_sample": "sampling.sample_kernels.block_of = lambda *_: (3, 5)",
    "tps_sample": "sampling.sample_kernels.block_of = lambda *_: (3, 5)",
    "soft_argmax": "soft_argmax.fused.block_of = lambda *_: (3, 5)",
    "gaussian_heatmaps": "gaussian_heatmaps.fused.block_of = lambda *_: (3, 5)",
    "roi_align": "regions.kernels.block_of = lambda *_: (3, 5)",
    "roi_pool": "regions.kernels.block_of = lambda *_: (3, 5)",
    "window_pool": "window_pool.fused._TILE_MIN = 24",
    "attend": "attend.fused._PAIRS = 12",
}


def compile_kernels(root, cache, script):
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(cache), "PYTHONPATH": f"{root}{os.pathsep}{HERE}"}
    return subprocess.run([sys.executable, *script], cwd=root, env=environment, capture_output=True, text=True, timeout=300)


def test_no_op_is_left_out():
    assert list(OPS) == sorted(LAUNCHES) == sorted(BROKEN)


@pytest.mark.parametrize("op", OPS)
def test_every_dtype_compiles(root, tmp_path, op):
    pytest.importorskip("triton")
    done = compile_kernels(root, tmp_path, [str(HERE / "ahead_of_time.py"), op])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report) == LAUNCHES[op] and all(report.values()), report


@pytest.mark.parametrize("op", OPS)
def test_a_kernel_that_the_compiler_refuses_is_seen(root, tmp_path, op):
    pytest.importorskip("triton")
    module = BROKEN[op].split(" ")[0].rpartition(".")[0]
    broken = f"import ahead_of_time\nimport vislab.ops.{module}\nvislab.ops.{BROKEN[op]}\nahead_of_time.main({op!r}, slice(-1, None))\n"
    done = compile_kernels(root, tmp_path, ["-c", broken])
    assert done.returncode != 0 and "power of 2" in done.stderr
