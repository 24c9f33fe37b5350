"""Matrices and biases."""

from torch import Tensor, nn


class ShapeAutoencoder(nn.Module):
    def __init__(self, vertices: int, hidden: int, codes: int) -> None:
        super().__init__()
        self.inner = nn.Linear(2 * vertices, hidden)
        self.code = nn.Linear(hidden, codes)
        self.outer = nn.Linear(codes, hidden)
        self.out = nn.Linear(hidden, 2 * vertices)

    def encode(self, shapes: Tensor) -> Tensor:
        return (shapes.flatten(1) @ self.inner.weight.T + self.inner.bias).clamp(min=0) @ self.code.weight.T + self.code.bias

    def decode(self, codes: Tensor) -> Tensor:
        return self.out(self.outer(codes).clamp(min=0)).reshape(len(codes), 2, self.out.out_features // 2)

    def forward(self, shapes: Tensor) -> Tensor:
        return self.decode(self.encode(shapes))
