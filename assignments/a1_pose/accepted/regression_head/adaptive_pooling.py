"""PyTorch's own pooling, flattening and reshaping layers."""

from torch import Tensor, nn


class RegressionHead(nn.Module):
    def __init__(self, channels: int, hidden: int, joints: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.hidden = nn.Linear(channels, hidden)
        self.activation = nn.ReLU()
        self.out = nn.Linear(hidden, 2 * joints)
        self.split = nn.Unflatten(1, (joints, 2))

    def forward(self, features: Tensor) -> Tensor:
        pooled = self.flatten(self.pool(features))
        return self.split(self.out(self.activation(self.hidden(pooled))))
