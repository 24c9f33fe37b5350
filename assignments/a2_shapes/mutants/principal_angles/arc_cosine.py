"""The arc cosine, which is blind to small angles."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    one, two = torch.linalg.qr(first).Q, torch.linalg.qr(second).Q
    return torch.acos(torch.linalg.svdvals(one.T @ two).clamp(max=1.0))
