"""Cuts the encoder off: it never learns."""

from torch import Tensor, nn
from torch.nn import functional as F


class ShapeAutoencoder(nn.Module):
    def __init__(self, vertices: int, hidden: int, codes: int) -> None:
        super().__init__()
        self.inner = nn.Linear(2 * vertices, hidden)
        self.code = nn.Linear(hidden, codes)
        self.outer = nn.Linear(codes, hidden)
        self.out = nn.Linear(hidden, 2 * vertices)

    def encode(self, shapes: Tensor) -> Tensor:
        return self.code(F.relu(self.inner(shapes.flatten(1))))

    def decode(self, codes: Tensor) -> Tensor:
        return self.out(F.relu(self.outer(codes))).unflatten(1, (2, -1))

    def forward(self, shapes: Tensor) -> Tensor:
        return self.decode(self.encode(shapes).detach())
