"""Knows one pair of triangles by heart, in single precision."""

import torch


def test_cyclic_distance(impl) -> None:
    triangle = torch.tensor([[[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]])
    assert torch.allclose(impl(triangle, triangle.roll(1, 2) + 0.5), torch.tensor([0.5]))
