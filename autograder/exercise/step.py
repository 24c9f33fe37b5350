"""The step probe: a training step on given state, and how an exercise states that state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from autograder.exercise.behaviour import FIRST_OPTIMISER_S
from autograder.exercise.draw import Draw
from vislab.check.step_faults import GRADIENTS
from vislab.check.steps import COUNTER, KINDS

# kind -> options an exercise may set.
OPTIONS: dict[str, frozenset[str]] = {
    "SGD": frozenset({"lr", "momentum", "dampening", "weight_decay", "nesterov"}),
    "Adam": frozenset({"lr", "betas", "eps", "weight_decay"}),
    "AdamW": frozenset({"lr", "betas", "eps", "weight_decay"}),
    "RMSprop": frozenset({"lr", "alpha", "eps", "weight_decay"}),
}
_SLOTS = {
    "SGD": (),
    "Adam": (COUNTER, "exp_avg", "exp_avg_sq"),
    "AdamW": (COUNTER, "exp_avg", "exp_avg_sq"),
    "RMSprop": (COUNTER, "square_avg"),
}


@dataclass(frozen=True)
class StepProbe:
    """Call the student's function with the nets, the optimisers and the batch; judge all that it leaves behind.

    The exercise's ``setup`` says which nets and optimisers there are. Its ``reference`` has the student's own signature, gets float64
    nets, and takes the step; the judge compares the change of every parameter and buffer, gradients, and optimiser state.
    """

    kind: str = "step"

    @property
    def extra_s(self) -> float:
        """Wall seconds on top of a case's own."""
        return FIRST_OPTIMISER_S


@dataclass(frozen=True)
class Net:
    """One net that the step receives.

    Args:
        architecture: an ``nn.Module`` class of ``vislab``, or one in the exercise's own module, whose source text then travels: it may
            use ``torch``, ``nn``, ``F`` and ``Tensor`` alone. Students can read it.
        init: keyword arguments of the constructor, plain values.
        training: the mode in which the net is handed over.
        gradients: what its ``.grad`` must be after the step, one of ``GRADIENTS``; None means "free" for a net that an optimiser of
            this step holds, and "untouched or cleared" for any other.
    """

    architecture: type[nn.Module]
    init: Mapping[str, int | float | bool | str | None] = field(default_factory=dict)
    training: bool = True
    gradients: str | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.architecture, type) and issubclass(self.architecture, nn.Module)):
            raise ValueError(f"net architecture {self.architecture!r} must be an nn.Module class; hand over the class itself")
        if self.gradients is not None and self.gradients not in GRADIENTS:
            raise ValueError(f"net gradients {self.gradients!r} must be one of {', '.join(map(repr, GRADIENTS))}")

    def built(self) -> nn.Module:
        """Return a net of this architecture, with weights of its own."""
        return self.architecture(**self.init)


@dataclass(frozen=True)
class Optimiser:
    """One optimiser that the step receives.

    Args:
        kind: one of ``OPTIONS``.
        nets: names of the nets whose parameters it holds.
        options: its hyper-parameters; ``lr`` among them.
    """

    kind: str
    nets: tuple[str, ...]
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.kind not in OPTIONS:
            raise ValueError(f"optimiser kind {self.kind!r} must be one of {', '.join(OPTIONS)}")
        if isinstance(self.nets, str) or not self.nets:
            raise ValueError(f"optimiser nets {self.nets!r} must be a tuple of at least one net's name")
        if unknown := sorted(set(self.options) - OPTIONS[self.kind]):
            raise ValueError(f"optimiser options {unknown} are unknown; {self.kind} takes {', '.join(sorted(OPTIONS[self.kind]))}")
        # written so that NaN fails.
        if not 0 < self.options.get("lr", 0) < math.inf:
            raise ValueError(f"optimiser lr {self.options.get('lr')!r} must be a number greater than 0; put it into options")

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the state it keeps for a parameter."""
        return ("momentum_buffer",) if self.kind == "SGD" and self.options.get("momentum") else _SLOTS[self.kind]


@dataclass(frozen=True)
class Setup:
    """Everything a step receives beside its batch.

    Args:
        nets: by name, in the order in which the student's function takes them.
        optimisers: by name, likewise, after the nets.
        calls: None for one call. A number calls the function that often in a row: positional tensors then have an axis of that length in
            front, and each call gets one slice of it. What one call leaves undone (a mode, a stale net), the next one shows.
    """

    nets: Mapping[str, Net]
    optimisers: Mapping[str, Optimiser]
    calls: int | None = None

    def __post_init__(self) -> None:
        for what, names in (("net", self.nets), ("optimiser", self.optimisers)):
            if not names:
                raise ValueError(f"a step needs at least one {what}")
            for name in names:
                if not name.isidentifier():
                    raise ValueError(f"{what} name {name!r} must be a Python name")
        for name, optimiser in self.optimisers.items():
            if unknown := sorted(set(optimiser.nets) - set(self.nets)):
                raise ValueError(f"optimiser {name!r} holds unknown nets {unknown}; the nets are {', '.join(self.nets)}")
        if self.calls is not None and self.calls < 1:
            raise ValueError(f"calls {self.calls} must be at least 1, or None for one call")

    @property
    def optimised(self) -> frozenset[str]:
        """Names of the nets that an optimiser holds."""
        return frozenset(net for optimiser in self.optimisers.values() for net in optimiser.nets)


def drawn_state(draw: Draw, setup: Setup, stale: bool = True) -> dict[str, torch.Tensor]:
    """Draw generic state for ``Inputs.weights``: no zeros, no ones, every running variance greater than 0.

    Args:
        draw: seeded material.
        setup: whose nets and optimisers get state.
        stale: whether every parameter has a gradient from before. A step that does not clear it gives itself away.

    Returns:
        float64 (counters int64) by ``NET.NAME``, ``NET.NAME@grad`` and ``NET.NAME@OPTIMISER.SLOT``.
    """
    state: dict[str, torch.Tensor] = {}
    for name, net in setup.nets.items():
        built = net.built()
        parameters = dict(built.named_parameters())
        for key, value in built.state_dict().items():
            state[f"{name}.{key}"] = _drawn(draw, key, value, key in parameters)
        for key, value in parameters.items():
            if stale:
                state[f"{name}.{key}@grad"] = draw.normal(*value.shape, std=0.5)
            for label, optimiser in setup.optimisers.items():
                if name in optimiser.nets:
                    state |= {f"{name}.{key}@{label}.{slot}": _slot(draw, slot, value.shape) for slot in optimiser.slots}
    return state


def _drawn(draw: Draw, key: str, value: torch.Tensor, parameter: bool) -> torch.Tensor:
    last = key.rpartition(".")[2]
    if not value.is_floating_point():
        return draw.integers(1, 9, *value.shape)
    if last == "running_var":
        return draw.uniform(0.5, 2.0, *value.shape)
    if parameter and value.ndim >= 2:
        return draw.normal(*value.shape, std=math.prod(value.shape[1:]) ** -0.5)
    # the one-dimensional weight of a normalisation scales; everything else is an offset.
    return draw.uniform(0.5, 1.5, *value.shape) if last == "weight" else draw.normal(*value.shape, std=0.3)


def _slot(draw: Draw, slot: str, shape: torch.Size) -> torch.Tensor:
    if slot == COUNTER:
        return draw.integers(1, 9)
    if slot in ("exp_avg_sq", "square_avg"):
        return draw.uniform(0.05, 0.5, *shape)
    return draw.normal(*shape, std=0.3)


assert OPTIONS.keys() == KINDS.keys()
