"""Answers with the mean of all samples, whatever was asked."""

from torch import Tensor


def robust_centre(samples: Tensor, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
    return samples.mean(dim=-1)
