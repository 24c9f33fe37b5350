"""The kernels of assignment 1 compile to machine code: the interpreter accepts what Triton's compiler refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

HERE = Path(__file__).parent
KERNELS = ("heatmap_kernel", "soft_argmax_kernel", "soft_argmax_backward_kernel")


@pytest.fixture
def compiled(root, tmp_path):
    pytest.importorskip("triton")

    def run(paths):
        environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(root)}
        command = [sys.executable, str(HERE / "compile_kernels.py"), *map(str, paths)]
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


# what the text says the compiler refuses, and in which words it does.
REFUSED = {
    "dictionary": ("sums = {'x': 0.0}\ntl.store(out, sums['x'])", "unsupported AST node type: Dict"),
    "attempt": ("try:\n    tl.store(out, 0.0)\nexcept Exception:\n    pass", "unsupported AST node type: Try"),
    "way_out": ("for row in range(0, height):\n    if row > 3:\n        break\ntl.store(out, 0.0)", "unsupported AST node type: Break"),
    "whole_start": (
        "total = 0\nfor row in range(0, height):\n    total += tl.load(maps + row).to(tl.float32)\ntl.store(out, total)",
        "initial type int32",
    ),
    "length": (
        "tl.store(out, tl.sum(tl.load(maps + tl.arange(0, height * width)), axis=0))",
        "arange's arguments must be of type tl.constexpr",
    ),
}


def test_kernels_that_only_the_interpreter_runs_are_refused(compiled, tmp_path):
    head = "import triton\nimport triton.language as tl\n\n\n@triton.jit\n"
    signature = "def soft_argmax_kernel(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):\n"
    for name, (body, _) in REFUSED.items():
        (tmp_path / f"{name}.py").write_text(head + signature + indent(body, "    ") + "\n", encoding="utf-8")
    done = compiled([tmp_path / f"{name}.py" for name in REFUSED])
    assert done.returncode == 1 and json.loads(done.stdout) == {}
    for name, (_, words) in REFUSED.items():
        assert f"{name} fp32: " in done.stderr and words in done.stderr, name
