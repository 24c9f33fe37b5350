"""Small constant tensors, made once for each device: a copy from the host in every batch would wait for the GPU."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=256)
def constant(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """``values`` as a tensor ``[len(values)]``; nobody may write into it."""
    # made outside inference mode, so that a later batch may pass through autograd.
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device)
