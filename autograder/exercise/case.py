"""Cases: one set of inputs for an exercise, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from autograder.exercise.draw import Draw
from vislab.check.failures import builtin_exception
from vislab.check.verdict import OBSERVED_FAMILIES, Family

Value = torch.Tensor | int | float | bool | str | None
LAYOUTS = ("contiguous", "strided", "transposed", "offset")


@dataclass(frozen=True)
class Inputs:
    """What one call receives.

    Args:
        args: positional inputs. Floating tensors are drawn in float64 and sent in the case's dtype.
        kwargs: keyword inputs, likewise.
        weights: module probe: state-dict name to float64 tensor. Step probe: state of nets and optimisers, as ``drawn_state`` names it.
        init: module probe: keyword arguments of the constructor (plain JSON values). Step probe: what ``setup`` reads.
        withheld: behaviour probe only: targets of the hidden inputs, which stay with the judge.
    """

    args: tuple[Value, ...] = ()
    kwargs: Mapping[str, Value] = field(default_factory=dict)
    weights: Mapping[str, torch.Tensor] = field(default_factory=dict)
    init: Mapping[str, int | float | bool | str | None] = field(default_factory=dict)
    withheld: tuple[torch.Tensor, ...] = ()


@dataclass(frozen=True)
class Case:
    """One named set of inputs.

    Args:
        name: what is special about it, in a few words; unique in its exercise; shown to students.
        family: what it tests; a proven family.
        draw: makes the inputs from a seeded ``Draw``; returns ``Inputs`` or a plain tuple of positional inputs.
        public: recorded into the release with its expected outputs, and run at home. Hidden otherwise.
        dtype: floating dtype the inputs are sent in: "float32", "float64", "float16" or "bfloat16".
        layout: memory layout in which tensors of two or more axes are rebuilt on the student's side: one of ``LAYOUTS``.
            "strided" is every second element of a wider buffer, "transposed" swaps the last two axes of its storage,
            "offset" starts at a non-zero storage offset.
        gradient: also compare vector-Jacobian products; on by default for the gradient family alone.
        wrt: positions in ``args`` to differentiate; None means every floating tensor.
        wrt_weights: module probe: also differentiate with respect to the given weights.
        raises: name of the built-in exception that the call must raise (or a subclass of it), instead of returning.
        atol: replaces the derived tolerance; only where a comment beside it says why. The mean signed error is bounded all the same.
    """

    name: str
    family: Family
    draw: Callable[[Draw], Inputs | tuple[Value, ...]]
    public: bool = False
    dtype: str = "float32"
    layout: str = "contiguous"
    gradient: bool | None = None
    wrt: tuple[int, ...] | None = None
    wrt_weights: bool = False
    raises: str | None = None
    atol: float | None = None

    def __post_init__(self) -> None:
        if self.family not in set(Family):
            raise ValueError(f"case {self.name!r}: family {self.family!r} must be one of {', '.join(Family)}")
        object.__setattr__(self, "family", Family(self.family))
        if self.family in OBSERVED_FAMILIES:
            raise ValueError(f"case {self.name!r}: family {self.family} is observed on every call; give the case a proven family")
        if self.layout not in LAYOUTS:
            raise ValueError(f"case {self.name!r}: layout {self.layout!r} must be one of {LAYOUTS}")
        if self.dtype not in ("float16", "bfloat16", "float32", "float64"):
            raise ValueError(f"case {self.name!r}: dtype {self.dtype!r} must be a floating dtype's name")
        if self.raises is not None and builtin_exception(self.raises) is None:
            raise ValueError(f"case {self.name!r}: raises {self.raises!r} must be the name of a built-in exception")
        if self.raises is not None and self.wants_gradient:
            raise ValueError(f"case {self.name!r}: a call that raises has no gradient; use another family, or drop raises")
        # written so that NaN fails.
        if self.atol is not None and not 0 <= self.atol < float("inf"):
            raise ValueError(f"case {self.name!r}: atol {self.atol!r} must be a number of at least 0")

    @property
    def wants_gradient(self) -> bool:
        return self.family is Family.GRADIENT if self.gradient is None else self.gradient

    @property
    def torch_dtype(self) -> torch.dtype:
        return getattr(torch, self.dtype)

    def inputs(self, seed: bytes) -> Inputs:
        """Draw this case's inputs; floating tensors come back in float64, already rounded to the sent dtype."""
        drawn = self.draw(Draw(seed))
        inputs = drawn if isinstance(drawn, Inputs) else Inputs(args=tuple(drawn))
        return Inputs(
            args=tuple(self._rounded(value) for value in inputs.args),
            kwargs={name: self._rounded(value) for name, value in inputs.kwargs.items()},
            weights={name: self._rounded(value) for name, value in inputs.weights.items()},
            init=dict(inputs.init),
            withheld=tuple(self._rounded(value) for value in inputs.withheld),
        )

    def _rounded(self, value):
        # the reference must see the very numbers the student sees, or rounding of the inputs is charged to the student.
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            return value.to(self.torch_dtype).to(torch.float64)
        return value
