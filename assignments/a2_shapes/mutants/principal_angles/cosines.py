"""Cosines, not angles."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    one, two = torch.linalg.qr(first).Q, torch.linalg.qr(second).Q
    return torch.linalg.svdvals(one.T @ two)
