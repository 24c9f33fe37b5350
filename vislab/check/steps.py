"""Carry out a training step on given state: build the nets and their optimisers, call the student's step, collect what it left behind.

The plan's part ``step`` is described in docs/architecture.md. The judge runs its reference through the same class, in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from vislab.check.failures import WrongKind
from vislab.check.shipped import load_shipped
from vislab.wire.tensors import sendable

KINDS: dict[str, type[Optimizer]] = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW, "RMSprop": RMSprop}
# the counter is a float tensor inside torch's optimisers and a whole number everywhere else.
COUNTER = "step"


class Steps:
    """Nets and optimisers with given state, and the student's function that takes a step with them.

    Args:
        spec: the plan's part ``step``.
        tensors: the plan's tensors.
        answer: the student's function; called with the nets, the optimisers and the batch, in the order of the plan.

    Raises:
        WrongKind: the answer is no function.
    """

    def __init__(self, spec: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], answer: Callable[..., Any]) -> None:
        if not callable(answer):
            raise WrongKind(f"hand in the function itself, not {type(answer).__name__}")
        self._answer = answer
        self._calls = spec["calls"]
        self.nets: dict[str, nn.Module] = {net["name"]: _net(net, tensors) for net in spec["nets"]}
        self._parameters = {f"{name}.{key}": value for name, net in self.nets.items() for key, value in net.named_parameters()}
        self.optimisers: dict[str, Optimizer] = {each["name"]: self._optimiser(each, tensors) for each in spec["optimisers"]}
        self._optimised = {each["name"]: each["nets"] for each in spec["optimisers"]}
        self._switches = {name: _switches(net) for name, net in self.nets.items()}

    def __call__(self, *batch: Any, **keywords: Any) -> list[Any]:
        """Take the steps, and return all that the student's function returned, call after call."""
        returned: list[Any] = []
        for call in range(self._calls or 1):
            given = batch if self._calls is None else [part[call] if isinstance(part, torch.Tensor) else part for part in batch]
            result = self._answer(*self.nets.values(), *self.optimisers.values(), *given, **keywords)
            returned += list(result) if isinstance(result, (tuple, list)) else [] if result is None else [result]
        return returned

    def collected(self) -> dict[str, torch.Tensor]:
        """Return parameters and buffers (``after.NET.NAME``), gradients (``left.…``) and optimiser state (``opt.OPTIMISER.…``)."""
        found: dict[str, Any] = {}
        for name, net in self.nets.items():
            found.update({f"after.{name}.{key}": value for key, value in net.state_dict().items()})
            found.update({f"left.{name}.{key}": value.grad for key, value in net.named_parameters()})
        for name, optimiser in self.optimisers.items():
            for key, parameter in self._parameters.items():
                if key.split(".")[0] not in self._optimised[name]:
                    continue
                for slot, value in optimiser.state.get(parameter, {}).items():
                    whole = slot == COUNTER and isinstance(value, torch.Tensor)
                    found[f"opt.{name}.{key}.{slot}"] = value.to(torch.int64) if whole else value
        return {name: _copied(value) for name, value in found.items() if isinstance(value, torch.Tensor) and sendable(value)}

    def switched(self) -> list[str]:
        """Return the nets of which a module is in another mode, or a parameter needs a gradient where it did not before, or does not."""
        return [name for name, net in self.nets.items() if _switches(net) != self._switches[name]]

    def _optimiser(self, spec: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Optimizer:
        mine = {key: value for key, value in self._parameters.items() if key.split(".")[0] in spec["nets"]}
        optimiser = KINDS[spec["kind"]](list(mine.values()), **spec["options"])
        for key, slots in spec["state"].items():
            optimiser.state[mine[key]] = {
                slot: tensors[source].to(torch.float32) if slot == COUNTER else tensors[source].clone() for slot, source in slots.items()
            }
        return optimiser


def _net(spec: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    net = load_shipped(spec["architecture"])(**spec["init"])
    state = {key: tensors[source] for key, source in spec["state"].items()}
    floating = [value.dtype for value in state.values() if value.is_floating_point()]
    if floating:
        net.to(floating[0])
    net.load_state_dict(state, strict=True)
    for key, parameter in net.named_parameters():
        if key in spec["grads"]:
            parameter.grad = tensors[spec["grads"][key]].clone()
    net.train(bool(spec["training"]))
    return net


def _switches(net: nn.Module) -> tuple[Any, ...]:
    modes = tuple((name, module.training) for name, module in net.named_modules())
    return modes, tuple((name, parameter.requires_grad) for name, parameter in net.named_parameters())


def _copied(value: torch.Tensor) -> torch.Tensor:
    return value.detach().to("cpu").clone()
