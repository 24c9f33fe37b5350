"""Launch a student's Triton kernel on guarded, NaN-filled output buffers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from vislab.check.failures import WrongKind


class TritonMissing(ImportError):
    """Triton kernels cannot run on this machine as it is set up; the text says what to do."""


def triton_available() -> bool:
    """Return whether Triton can be imported here (it exists for Linux only)."""
    try:
        import triton  # noqa: F401
    except ImportError:
        return False
    return True


def launch(spec: Mapping[str, Any], kernel: Any, extras: Mapping[str, Any]) -> Callable[..., tuple[torch.Tensor, ...]]:
    """Return a function of the inputs that launches the kernel once and returns its output buffers, guard rows included.

    Args:
        spec: the plan's ``launch``.
        kernel: a function decorated with ``@triton.jit``.
        extras: must hold ``grid``, the student's function from the spec's whole numbers to a launch grid.

    Raises:
        TritonMissing: Triton cannot be imported, or a compiled kernel meets a machine without GPU.
        WrongKind: ``kernel`` or ``grid`` is something else.
    """
    if not triton_available():
        raise TritonMissing(
            (
                "Triton is not installed here, so this kernel cannot run. Run %pip install triton in a new cell and restart the notebook."
                if sys.platform == "linux"
                else "Triton exists for Linux only, so this kernel cannot run here. Try it on Colab."
            )
            + " What you hand in is graded all the same."
        )
    from triton.runtime.interpreter import InterpretedFunction
    from triton.runtime.jit import JITFunction

    grid_function = extras.get("grid")
    if type(kernel) not in (JITFunction, InterpretedFunction):
        raise WrongKind(f"the kernel must be a function decorated with @triton.jit, not {type(kernel).__name__}")
    if not callable(grid_function):
        raise WrongKind("hand in the grid function beside the kernel: check(name, kernel, grid=grid)")
    if isinstance(kernel, JITFunction) and not torch.cuda.is_available():
        raise TritonMissing(
            "This kernel was compiled for a GPU, and there is none here. Restart the notebook and set TRITON_INTERPRET=1"
            " in its first cell, before Triton is imported: the kernel then runs on the CPU."
        )

    def run(*inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        device = "cuda" if torch.cuda.is_available() and isinstance(kernel, JITFunction) else "cpu"
        placed = [value.to(device) if isinstance(value, torch.Tensor) else value for value in inputs]
        buffers, windows = [], []
        for output in spec["outputs"]:
            rows, *rest = output["shape"]
            guard = output["guard_rows"]
            buffer = torch.full((rows + 2 * guard, *rest), float("nan"), dtype=getattr(torch, output["dtype"]), device=device)
            buffers.append(buffer)
            windows.append(buffer[guard : guard + rows])
        arguments: list[Any] = []
        for argument in spec["arguments"]:
            if "in" in argument:
                arguments.append(placed[argument["in"]])
            elif "out" in argument:
                arguments.append(windows[argument["out"]])
            elif "stride" in argument:
                index, axis = argument["stride"]
                arguments.append(placed[index].stride(axis))
            else:
                arguments.append(argument["value"])
        grid = grid_function(*spec["grid"])
        sizes = grid if isinstance(grid, (tuple, list)) else (grid,)
        # a launch of no programs is no launch; CUDA refuses a zero-sized grid.
        if all(int(size) > 0 for size in sizes):
            # the interpreter computes with numpy: exp(-300) must underflow as on a GPU, whatever a notebook asked of np.seterr.
            with np.errstate(all="ignore"):
                kernel[tuple(int(size) for size in sizes)](*arguments, **spec["constants"])
        return tuple(buffer.to("cpu") for buffer in buffers)

    return run
