"""The kernels of assignment 1 compile to machine code: the interpreter accepts what Triton's compiler refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KERNELS = ("heatmap_kernel", "soft_argmax_kernel", "soft_argmax_backward_kernel")


@pytest.fixture
def compiled(root, tmp_path):
    pytest.importorskip("triton")

    def run(paths):
        environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(root)}
        command = [sys.executable, str(HERE / "compile_a1_kernels.py"), *map(str, paths)]
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)

    return run


@pytest.mark.parametrize("name", KERNELS)
def test_solution_and_accepted_kernels_compile(a1, lessons, compiled, tmp_path, name):
    solution = tmp_path / "solution.py"
    head = "import triton\nimport triton.language as tl\n\n\n"
    solution.write_text(head + lessons["3_kernels"].solution_source(f"pose.{name}") + "\n", encoding="utf-8")
    kernels = [solution, *sorted((a1.folder / "accepted" / name).glob("*.py"))]
    done = compiled(kernels)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report) == 3 * len(kernels) and all(report.values())


def test_every_kernel_exercise_is_compiled(a1):
    assert {exercise.symbol for exercise in a1.exercises.values() if exercise.probe.kind == "kernel"} == set(KERNELS)


def test_a_kernel_that_only_the_interpreter_runs_is_refused(compiled, tmp_path):
    path = tmp_path / "python_only.py"
    path.write_text(
        "import triton\nimport triton.language as tl\n\n\n@triton.jit\n"
        "def soft_argmax_kernel(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):\n"
        "    sums = {'x': 0.0}\n"
        "    tl.store(out, sums['x'])\n"
    )
    done = compiled([path])
    assert done.returncode != 0 and "unsupported AST node type: Dict" in done.stderr
