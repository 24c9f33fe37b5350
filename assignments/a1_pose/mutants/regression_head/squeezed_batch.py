"""Squeezes away every axis of length one, the batch of a single image included."""

from torch import Tensor, nn
from torch.nn import functional as F


class RegressionHead(nn.Module):
    def __init__(self, channels: int, hidden: int, joints: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, hidden)
        self.out = nn.Linear(hidden, 2 * joints)

    def forward(self, features: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(features, 1).squeeze()
        return self.out(F.relu(self.hidden(pooled))).unflatten(-1, (-1, 2))
