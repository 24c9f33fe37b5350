"""Seeds: every generator that a notebook may draw from, at once."""

from __future__ import annotations

import random

import numpy as np
import torch


def seeded(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Seed Python's, NumPy's and PyTorch's own generators, and return a new one to pass on.

    Args:
        seed: in 0..2³² − 1, the range of NumPy's seeds.
        device: of the generator that is returned.

    Returns:
        A generator on ``device``, seeded with the same number.

    Raises:
        TypeError: a seed that is no whole number.
        ValueError: a seed out of range.

    Randomness: none is drawn; the weights of a model built after this call, and dropout, follow the seed.

    Example:
        >>> generator = seeded(7)
        >>> torch.equal(torch.rand(3), torch.rand(3, generator=generator))
        True
    """
    checked_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return torch.Generator(device).manual_seed(seed)


def checked_seed(seed: int) -> int:
    """Check that a seed is one for every generator."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed is {type(seed).__name__}; it must be a whole number such as 0")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed {seed} must lie in 0..{2**32 - 1}, the range of NumPy's seeds")
    return int(seed)
