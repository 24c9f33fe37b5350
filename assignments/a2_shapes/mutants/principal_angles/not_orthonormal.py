"""Takes the columns as they come."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    return torch.acos(torch.linalg.svdvals(first.T @ second).clamp(0, 1))
