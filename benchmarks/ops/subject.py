"""What one op brings to the benchmark, and where the ops are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

PASSES = ("forward", "forward+backward")
Call = Callable[..., Tensor | tuple[Tensor, ...]]


@dataclass(frozen=True)
class Library:
    """Another library's op, and where it differs from ours.

    Args:
        call: takes what ``ours`` takes, keyword arguments of the subject's ``options`` included.
        options: keyword arguments that ``ours`` and ``naive`` need to compute the same as the library.
        gradients: positions of the inputs that the library gives a gradient to; None for all of them. Only these are compared, and only
            these are asked of ours while it is timed against the library.
    """

    call: Call
    options: Mapping[str, Any] = field(default_factory=dict)
    gradients: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Subject:
    """One op under measurement. All calls take the same positional tensors and return the same tensors.

    Args:
        op: name of the op.
        sizes: device type to three shapes of the main input, small to large. CUDA's largest must be well past the L2 cache.
        inputs: makes the positional inputs for a shape, float32 on a device, from a CPU generator.
        ours: the public entry.
        path: which formulation ``ours`` takes for these inputs.
        naive: the plain reference; the gate runs it in float64.
        eager: the obvious PyTorch composition.
        eager_name: that composition in a few words.
        bytes_moved: shape, item size in bytes and pass to the bytes that an ideal kernel reads and writes.
        libraries: name of another library to its op, where that is installed; without it the rows have no column of that name.
        options: shape to keyword arguments that every call takes besides, such as the size of what is rendered.
        tolerance: shape to what the gate allows, as a share of the largest reference value.
    """

    op: str
    sizes: Mapping[str, tuple[tuple[int, ...], ...]]
    inputs: Callable[[tuple[int, ...], torch.Generator, torch.device], tuple[Tensor, ...]]
    ours: Call
    path: Callable[..., str]
    naive: Call
    eager: Call
    eager_name: str
    bytes_moved: Callable[[tuple[int, ...], int, str], int]
    libraries: Mapping[str, Library] = field(default_factory=dict)
    options: Callable[[tuple[int, ...]], Mapping[str, Any]] = lambda shape: {}
    tolerance: Callable[[tuple[int, ...]], float] = lambda shape: 1e-5


def of_positions(share: float) -> Callable[[tuple[int, ...]], float]:
    """Return a tolerance for images ``[B, C, H, W]`` that are read at positions in pixels: up to 64 pixels ``share``, beyond in proportion.

    float32 holds a position in an image of 256 pixels four times less exactly, and between two pixels a value changes as fast as ever.
    """
    return lambda shape: share * max(1.0, max(shape[2:]) / 64)


def subjects() -> dict[str, Subject]:
    """Collect ``SUBJECT`` from every ``bench_<op>`` module beside this one, by name of the op."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    found = [import_module(f"benchmarks.ops.{module}").SUBJECT for module in modules]
    return {subject.op: subject for subject in found}
