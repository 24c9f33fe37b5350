"""Kernel probe: guarded buffers, strides, grids, and what a wrong kernel or a missing grid is called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from call_plans import kernel_plan

from vislab.check.calls import Answer, carry_out
from vislab.check.compare import Finding, Target
from vislab.check.examine import examine, examine_failure
from vislab.check.failures import CallFailed, WrongKind, failure_class
from vislab.check.verdict import Verdict

pytest.importorskip("triton")
import student_kernels as kernels

ARGUMENTS = [{"in": 0}, {"out": 0}, {"value": 5}, {"stride": [0, 0]}, {"stride": [0, 1]}]
X = torch.arange(20.0).reshape(4, 5) + 1


def rows(count: int) -> tuple[int]:
    return (count,)


def plan_of(x: torch.Tensor, layout: str = "contiguous", guard_rows: int = 2, count: int | None = None) -> Any:
    outputs = [{"shape": [x.shape[0]], "dtype": "float32", "guard_rows": guard_rows}]
    return kernel_plan(x, ARGUMENTS, outputs, [x.shape[0] if count is None else count], layout, BLOCK=8)


def launched(kernel: Any, x: torch.Tensor = X, grid: Any = rows, **more: Any) -> tuple[Answer, Finding | None]:
    plan, tensors = plan_of(x, **more)
    given = carry_out(plan, tensors, kernel, {"grid": grid})
    targets = {"out.0": Target(x.double().sum(1), torch.float32, 1e-4, 1e-4)}
    return given, examine(plan, given.outputs, given.gradients, given.tensors, targets, tensors)


def failed(kernel: Any, extras: dict[str, Any]) -> CallFailed:
    plan, tensors = plan_of(X)
    with pytest.raises(CallFailed) as caught:
        carry_out(plan, tensors, kernel, extras)
    assert caught.value.stage == "launch"
    return caught.value


@pytest.mark.parametrize("layout", ["contiguous", "strided", "transposed", "offset"])
@pytest.mark.parametrize("guard_rows", [0, 1, 3])
def test_a_right_kernel_is_right_on_every_layout(layout: str, guard_rows: int) -> None:
    given, finding = launched(kernels.row_sums, layout=layout, guard_rows=guard_rows)
    assert finding is None
    buffer = given.tensors["out.0"]
    assert buffer.shape == (4 + 2 * guard_rows,) and int(torch.isnan(buffer).sum()) == 2 * guard_rows
    assert given.observed == {"mutated": [], "rng_moved": False, "forbidden": [], "tripped": []}


@pytest.mark.parametrize("layout", ["strided", "transposed"])
def test_a_kernel_that_ignores_strides_is_wrong_on_views_alone(layout: str) -> None:
    assert launched(kernels.contiguous_only)[1] is None
    assert launched(kernels.contiguous_only, layout="offset")[1] is None
    finding = launched(kernels.contiguous_only, layout=layout)[1]
    assert finding is not None and finding.verdict in (Verdict.WRONG_VALUE, Verdict.NOT_FINITE)


@pytest.mark.parametrize("kernel", [kernels.one_row_too_far, kernels.before_its_output], ids=["behind", "before"])
def test_a_write_beside_the_output_is_caught(kernel: Any) -> None:
    assert launched(kernel)[1] == Finding(Verdict.WRONG_VALUE, "the kernel wrote outside its output")


def test_what_a_kernel_leaves_out_is_nan() -> None:
    finding = launched(kernels.first_row_only)[1]
    assert finding == Finding(Verdict.NOT_FINITE, "3 of 4 output elements are NaN: never written, or computed as NaN")
    finding = launched(kernels.no_work)[1]
    assert finding is not None and finding.verdict is Verdict.NOT_FINITE
    # a grid that is too small is the same fault.
    assert launched(kernels.row_sums, grid=lambda count: (count - 1,))[1] is not None


def test_a_changed_input_is_noticed() -> None:
    given, finding = launched(kernels.spoils_its_input)
    assert finding is None and given.observed["mutated"] == [0]


@pytest.mark.parametrize("grid", [rows, list, lambda count: count, lambda count: [count], lambda count: (torch.tensor(count),)])
def test_a_grid_may_be_a_tuple_a_list_or_a_number(grid: Any) -> None:
    if grid is list:
        grid = lambda *counts: list(counts)  # noqa: E731
    assert launched(kernels.row_sums, grid=grid)[1] is None


def test_an_empty_grid_launches_nothing() -> None:
    given, finding = launched(kernels.stub, torch.zeros(0, 5))
    assert finding is None and given.tensors["out.0"].shape == (4,)


def test_a_notebook_that_lets_numpy_raise_still_underflows_like_a_gpu() -> None:
    plan, tensors = plan_of(torch.full((4, 5), -300.0))
    with np.errstate(all="raise"):
        given = carry_out(plan, tensors, kernels.row_sums_of_exponentials, {"grid": rows})
        with pytest.raises(FloatingPointError):
            np.exp(np.float32(-300))
    assert given.tensors["out.0"][2:-2].tolist() == [0.0] * 4


def test_a_stub_inside_the_kernel_is_not_written_yet() -> None:
    error = failed(kernels.stub, {"grid": rows})
    assert failure_class(error.original) == "NotImplementedError"
    assert examine_failure(error.stage, failure_class(error.original)).verdict is Verdict.NOT_ATTEMPTED


def test_a_stub_of_a_grid_is_not_written_yet() -> None:
    def grid(count: int) -> tuple[int]:
        raise NotImplementedError

    assert failure_class(failed(kernels.row_sums, {"grid": grid}).original) == "NotImplementedError"


def test_a_kernel_that_cannot_run_is_a_runtime_error_of_the_launch() -> None:
    error = failed(kernels.broken, {"grid": rows})
    finding = examine_failure(error.stage, failure_class(error.original))
    assert finding.verdict is Verdict.RUNTIME_ERROR and finding.text.endswith("was raised while the kernel was launched")


@pytest.mark.parametrize(
    "kernel", [lambda *a: None, None, kernels, "row_sums", torch.nn.Identity()], ids=["lambda", "nothing", "module", "name", "nn.Module"]
)
def test_anything_but_a_kernel_is_of_the_wrong_kind(kernel: Any) -> None:
    error = failed(kernel, {"grid": rows}).original
    assert type(error) is WrongKind
    assert str(error) == f"the kernel must be a function decorated with @triton.jit, not {type(kernel).__name__}"


@pytest.mark.parametrize(
    "extras", [{}, {"grid": None}, {"grid": (4,)}, {"launch_grid": rows}], ids=["nothing", "None", "tuple", "other keyword"]
)
def test_a_missing_grid_is_asked_for(extras: dict[str, Any]) -> None:
    error = failed(kernels.row_sums, extras).original
    assert type(error) is WrongKind
    assert str(error) == "hand in the grid function beside the kernel: check(name, kernel, grid=grid)"


@pytest.mark.parametrize("grid", [lambda: (1,), lambda count: "many", lambda count: None], ids=["no argument", "text", "None"])
def test_a_grid_that_gives_no_sizes_fails_the_launch(grid: Any) -> None:
    assert isinstance(failed(kernels.row_sums, {"grid": grid}).original, (TypeError, ValueError))


COMPILED = """
import sys
sys.path[:0] = {paths!r}
import torch
from call_plans import kernel_plan
import student_kernels as kernels
from vislab.check.calls import carry_out
from vislab.check.failures import CallFailed, failure_class
from vislab.check.kernels import TritonMissing

torch.cuda.is_available = lambda: False
plan, tensors = kernel_plan(torch.ones(2, 5), [], [], [2])
try:
    carry_out(plan, tensors, kernels.row_sums, {{"grid": lambda n: (n,)}})
except CallFailed as failed:
    assert isinstance(failed.original, TritonMissing), failed.original
    print(failed.original)

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

signature = {{"x": "*fp32", "out": "*fp32", "width": "i32", "stride_row": "i32", "stride_column": "i32", "BLOCK": "constexpr"}}
for kernel in (kernels.stub, kernels.broken):
    try:
        triton.compile(ASTSource(kernel, signature, {{"BLOCK": 8}}), target=GPUTarget("cuda", 90, 32))
    except Exception as error:
        print(failure_class(error))
"""


def test_compiled_kernels_without_a_gpu_and_stubs_met_by_the_compiler(root: Path, tmp_path: Path) -> None:
    # Triton reads its mode once, when it is imported: the other mode needs a process of its own.
    script = tmp_path / "compiled.py"
    script.write_text(COMPILED.format(paths=[str(Path(__file__).parent), str(root)]))
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    missing, stub, broken = done.stdout.splitlines()
    assert "set TRITON_INTERPRET=1 in its first cell, before Triton is imported" in missing
    assert stub == "NotImplementedError" and broken == "Exception"
