"""Inputs that tests of attend share, and its answers by name."""

from __future__ import annotations

import torch
from torch import Tensor

# share of the largest reference value: float32 sums over 129 hidden units move a score by 1e-6, and a weight by that share of itself;
# half precision rounds each answer once.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}
NAMES = ("queries", "keys", "vector", "values")
# one of everything, sizes around powers of two, sizes that leave a rest in every direction of every tile.
SIZES = [(1, 1, 1, 1, 1), (2, 3, 5, 7, 4), (2, 1, 63, 65, 3), (1, 2, 64, 64, 64), (1, 5, 65, 129, 2), (1, 2, 129, 3, 63)]


def inputs(batch: int, steps: int, places: int, hidden: int, width: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> list[Tensor]:
    """Draw queries, keys, vector and values such that no single place takes all the weight."""
    generator = torch.Generator().manual_seed(seed)
    shapes = (batch, steps, hidden), (batch, places, hidden), (hidden,), (batch, places, width)
    queries, keys, vector, values = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return [tensor.to(dtype) for tensor in (queries, keys, 2 * vector / max(hidden, 1) ** 0.5, values)]


def some_places(batch: int, places: int) -> Tensor:
    """Return a mask that hides about a third of the places of every image, and never the first."""
    mask = torch.rand(batch, places, generator=torch.Generator().manual_seed(2)) > 0.3
    mask[:, :1] = True
    return mask


def answers(function, tensors: list[Tensor], mask: Tensor | None = None, **options) -> dict[str, Tensor]:
    """Return context, weights and the gradients of a fixed random combination of both, by name."""
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    context, weights = function(*leaves, mask=mask, return_weights=True, **options)
    generator = torch.Generator().manual_seed(1)
    cotangents = [torch.randn(answer.shape, generator=generator, dtype=torch.float64).to(answer) for answer in (context, weights)]
    gradients = torch.autograd.grad((context, weights), leaves, cotangents)
    named = {f"gradient of {name}": gradient for name, gradient in zip(NAMES, gradients, strict=True)}
    return {"context": context.detach(), "weights": weights.detach(), **named}


def doubles(tensors: list[Tensor]) -> list[Tensor]:
    """Return the very numbers in float64."""
    return [tensor.double() for tensor in tensors]
