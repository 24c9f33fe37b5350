"""Affine warps in pixels, against PyTorch's own grid, SciPy and closed forms."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from vislab.data.warp import affine_warp, invert, sampling_grid, sampling_theta

GENERATOR = torch.Generator().manual_seed(0)


def maps(count: int) -> torch.Tensor:
    linear = torch.eye(2) + 0.3 * torch.randn(count, 2, 2, generator=GENERATOR)
    return torch.cat([linear, 3 * torch.randn(count, 2, 1, generator=GENERATOR)], -1)


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (32, 32)])
def test_the_grid_is_affine_grids(size: tuple[int, int]) -> None:
    theta = maps(4)
    expected = torch.nn.functional.affine_grid(theta, [4, 1, *size], align_corners=False)
    assert torch.allclose(sampling_grid(theta, size), expected, atol=1e-5)


def test_inverse() -> None:
    forward = maps(6).double()
    points = torch.randn(6, 2, 1, generator=GENERATOR, dtype=torch.float64)
    there = forward[..., :2] @ points + forward[..., 2:]
    back = invert(forward)
    assert torch.allclose(back[..., :2] @ there + back[..., 2:], points, atol=1e-10)


def test_identity_and_whole_pixel_shift() -> None:
    images = torch.rand(2, 3, 6, 7, generator=GENERATOR)
    identity = torch.tensor([[1.0, 0, 0], [0, 1, 0]]).expand(2, 2, 3)
    assert torch.allclose(affine_warp(images, identity), images, atol=1e-6)
    shift = torch.tensor([[1.0, 0, 2], [0, 1, -1]]).expand(2, 2, 3)
    moved = affine_warp(images, shift, "zeros")
    # what lay at (x, y) lies at (x + 2, y - 1).
    assert torch.allclose(moved[..., :5, 2:], images[..., 1:, :5], atol=1e-5)
    assert moved[..., :2].abs().max() < 1e-5


@pytest.mark.parametrize(("padding", "mode"), [("zeros", "grid-constant"), ("border", "nearest"), ("reflection", "reflect")])
def test_against_scipy(padding: str, mode: str) -> None:
    image = torch.rand(1, 1, 11, 14, generator=GENERATOR, dtype=torch.float64)
    forward = torch.tensor([[[0.9, 0.2, -1.3], [-0.1, 1.2, 0.7]]], dtype=torch.float64)
    inverse = invert(forward)[0].numpy()
    # SciPy counts (row, column).
    matrix, offset = inverse[::-1, 1::-1], inverse[::-1, 2]
    expected = ndimage.affine_transform(image[0, 0].numpy(), matrix, offset, order=1, mode=mode)
    assert np.abs(affine_warp(image, forward, padding)[0, 0].numpy() - expected).max() < 1e-9


def test_theta_of_a_flip() -> None:
    flip = torch.tensor([[[-1.0, 0, 6], [0, 1, 0]]])
    assert torch.allclose(sampling_theta(flip, (4, 7)), torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]]), atol=1e-6)
