"""Answers with the circle."""

from torch import Tensor


def fit_outline(pictures: Tensor, centres: Tensor, start: Tensor, *, steps: int, seed: int, weight: float = 1.0) -> Tensor:
    return start.repeat(len(pictures), 1, 1)
