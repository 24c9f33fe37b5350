"""The largest angle first."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    one, two = torch.linalg.qr(first).Q, torch.linalg.qr(second).Q
    return torch.asin(torch.linalg.svdvals(two - one @ (one.T @ two)).clamp(max=1.0))
