"""Ends with a ReLU: no joint can lie in the left or the upper half."""

from torch import Tensor, nn
from torch.nn import functional as F


class RegressionHead(nn.Module):
    def __init__(self, channels: int, hidden: int, joints: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, hidden)
        self.out = nn.Linear(hidden, 2 * joints)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.out(F.relu(self.hidden(features.mean(dim=(2, 3)))))).unflatten(1, (-1, 2))
