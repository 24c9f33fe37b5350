"""The correctness gate: no figure is printed while a comparison is red."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from benchmarks.ops.subject import Call


def red_comparisons(
    contenders: Mapping[str, Call],
    naive: Call,
    tensors: tuple[Tensor, ...],
    cotangents: tuple[Tensor, ...],
    what: str,
    tolerance: float = 1e-5,
    gradients: tuple[int, ...] | None = None,
) -> list[str]:
    """Compare outputs and gradients of each contender with the float64 reference.

    Args:
        contenders: name to call.
        naive: the reference.
        tensors: positional float32 inputs.
        cotangents: one tensor an output, float32.
        what: op and size, for the message.
        tolerance: share of the largest reference value; float32 sums over 10^4 pixels stay near 1e-6.
        gradients: positions of the inputs whose gradients are compared; None for all.

    Returns:
        One line for each comparison that failed, naming contender, quantity and error; empty when all are green.
    """
    expected = _values(naive, [tensor.double() for tensor in tensors], [cotangent.double() for cotangent in cotangents], gradients)
    red = []
    for name, call in contenders.items():
        came = _values(call, tensors, cotangents, gradients)
        for quantity, want in expected.items():
            have = came.get(quantity)
            if have is None or have.shape != want.shape:
                red.append(f"{what}: {name}: {quantity} is {None if have is None else tuple(have.shape)}, expected {tuple(want.shape)}")
                continue
            error = (have.double() - want).abs().max().item()
            allowed = tolerance * want.abs().max().item()
            # written so that NaN is red.
            if not error <= allowed:
                red.append(f"{what}: {name}: {quantity} is off by {error:.3g}, allowed {allowed:.3g}")
    return red


def _values(call: Call, tensors, cotangents, wanted: tuple[int, ...] | None) -> dict[str, Tensor]:
    wanted = tuple(range(len(tensors))) if wanted is None else wanted
    given = [tensor.detach().requires_grad_(index in wanted) for index, tensor in enumerate(tensors)]
    leaves = [given[index] for index in wanted]
    outputs = call(*given)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    values = {f"output {index}": output.detach() for index, output in enumerate(outputs)}
    if [output.shape for output in outputs] == [cotangent.shape for cotangent in cotangents]:
        gradients = torch.autograd.grad(outputs, leaves, cotangents)
        values |= {f"gradient of input {index}": gradient for index, gradient in zip(wanted, gradients)}
    return values
