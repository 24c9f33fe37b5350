"""Sine and cosine together."""

import torch
from torch import Tensor


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    one, two = torch.linalg.qr(first).Q, torch.linalg.qr(second).Q
    sine = torch.linalg.svdvals(two - one @ (one.T @ two)).flip(0)
    return torch.atan2(sine, torch.linalg.svdvals(one.T @ two))
