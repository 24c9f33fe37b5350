"""The arc sine where angles are small, the arc cosine elsewhere."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    one, two = torch.linalg.svd(first, full_matrices=False).U, torch.linalg.svd(second, full_matrices=False).U
    cosine = torch.linalg.svdvals(one.T @ two).clamp(max=1.0)
    sine = torch.linalg.svdvals(two - one @ (one.T @ two)).clamp(max=1.0).flip(0)
    return torch.where(sine < 0.7, torch.asin(sine), torch.acos(cosine))
