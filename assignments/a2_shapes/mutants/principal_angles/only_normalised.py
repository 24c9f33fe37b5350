"""Scales the columns to length one, and leaves them oblique."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    one, two = first / first.norm(dim=0), second / second.norm(dim=0)
    return torch.acos(torch.linalg.svdvals(one.T @ two).clamp(0, 1))
