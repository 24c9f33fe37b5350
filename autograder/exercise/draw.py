"""Seeded random material for cases: generic values that hide no term."""

from __future__ import annotations

import numpy as np
import torch


class Draw:
    """Random float64 material from one case's seed.

    Args:
        seed: bytes of a case seed; equal bytes give equal material on equal library versions.
    """

    def __init__(self, seed: bytes) -> None:
        self.generator = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> torch.Tensor:
        """Gaussian values, float64 ``[*shape]``."""
        return torch.from_numpy(np.asarray(self.generator.normal(mean, std, shape)))

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Uniform values in ``[low, high)``, float64 ``[*shape]``."""
        return torch.from_numpy(np.asarray(self.generator.uniform(low, high, shape)))

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """Whole numbers in ``[low, high)``, int64 ``[*shape]``."""
        return torch.from_numpy(np.asarray(self.generator.integers(low, high, shape)))

    def mask(self, share: float, *shape: int) -> torch.Tensor:
        """Booleans, each true with probability ``share``, ``[*shape]``."""
        return torch.from_numpy(np.asarray(self.generator.random(shape) < share))

    def number(self, low: float, high: float) -> float:
        """One uniform number in ``[low, high)``."""
        return float(self.generator.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """One whole number in ``[low, high)``."""
        return int(self.generator.integers(low, high))
