"""Probes: how arrays become a call of the student's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.model import ModelProbe
from autograder.exercise.step import StepProbe
from autograder.exercise.suite import SuiteProbe


@dataclass(frozen=True)
class FunctionProbe:
    """Call the student's function on the inputs."""

    kind: str = "function"


@dataclass(frozen=True)
class ModuleProbe:
    """Construct the student's ``nn.Module`` with ``Inputs.init``, load ``Inputs.weights`` strictly, call it on the inputs.

    Args:
        training: whether the module is put into training mode; evaluation mode otherwise.
    """

    training: bool = False
    kind: str = "module"


@dataclass(frozen=True)
class In:
    """Launch argument: pointer to positional input number ``index``."""

    index: int


@dataclass(frozen=True)
class Out:
    """Launch argument: pointer to output buffer number ``index``."""

    index: int


@dataclass(frozen=True)
class Stride:
    """Launch argument: stride of input ``index`` along ``axis``, in elements, as laid out on the student's side."""

    index: int
    axis: int


@dataclass(frozen=True)
class Buffer:
    """One output of a kernel launch: allocated full of NaN with ``guard_rows`` more rows along axis 0 on either side.

    Args:
        shape: shape without guard rows.
        guard_rows: rows on either side that the kernel must leave alone.

    The buffer has the dtype the case's inputs are sent in.
    """

    shape: tuple[int, ...]
    guard_rows: int = 2

    def __post_init__(self) -> None:
        if not self.shape or any(size < 0 for size in self.shape):
            raise ValueError(f"buffer shape {self.shape} must have at least one axis of length 0 or more; a single number has shape (1,)")
        if self.guard_rows < 0:
            raise ValueError(f"guard_rows {self.guard_rows} must be at least 0")


@dataclass(frozen=True)
class Launch:
    """How inputs become one Triton launch ``kernel[grid(*grid)](*arguments, **constants)``.

    Args:
        arguments: in the order of the kernel's parameters: ``In``, ``Out``, ``Stride`` or a plain number.
        outputs: the buffers that ``Out`` names.
        grid: whole numbers handed to the student's grid function.
        constants: ``tl.constexpr`` parameters by name.
    """

    arguments: tuple[In | Out | Stride | int | float, ...]
    outputs: tuple[Buffer, ...]
    grid: tuple[int, ...]
    constants: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class KernelProbe:
    """Launch the student's ``@triton.jit`` kernel with the student's grid; the exercise's ``launch`` says how."""

    kind: str = "kernel"


Probe = FunctionProbe | ModuleProbe | KernelProbe | StepProbe | BehaviourProbe | SuiteProbe | ModelProbe
