"""Affine warps in pixels, against PyTorch's own grid, SciPy and closed forms."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from vislab.data.warp import affine_warp, invert, sampling_theta, warp_labels

GENERATOR = torch.Generator().manual_seed(0)


def maps(count: int) -> torch.Tensor:
    linear = torch.eye(2) + 0.3 * torch.randn(count, 2, 2, generator=GENERATOR)
    return torch.cat([linear, 3 * torch.randn(count, 2, 1, generator=GENERATOR)], -1)


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


def labels_by_hand(labels: torch.Tensor, forward: torch.Tensor, outside: int) -> torch.Tensor:
    """The rule, pixel by pixel in float64."""
    result = torch.full_like(labels, outside)
    inverse = invert(forward.double())
    height, width = labels.shape[-2:]
    for row, (linear, shift) in enumerate(zip(inverse[..., :2], inverse[..., 2])):
        for y in range(height):
            for x in range(width):
                column, line = torch.floor(linear @ torch.tensor([x, y], dtype=torch.float64) + shift + 0.5).tolist()
                if 0 <= column < width and 0 <= line < height:
                    result[row, :, y, x] = labels[row, :, int(line), int(column)]
    return result


DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_labels_are_taken_whole_from_the_nearest_pixel(dtype: torch.dtype) -> None:
    high = 2 if dtype == torch.bool else torch.iinfo(dtype).max
    labels = torch.randint(0, high, (3, 2, 9, 13), generator=GENERATOR).to(dtype)
    forward = maps(3)
    outside = 1 if dtype == torch.bool else torch.iinfo(dtype).max
    came = warp_labels(labels, forward, outside)
    assert came.dtype == dtype
    assert torch.equal(came, labels_by_hand(labels, forward, outside))
    assert set(came.unique().tolist()) <= set(labels.unique().tolist()) | {outside}
    strided = labels.transpose(2, 3).contiguous().transpose(2, 3)
    assert torch.equal(warp_labels(strided, forward, outside), came)


def test_the_way_through_float32_would_change_large_labels() -> None:
    """The negative control: what sampling the labels as an image does to them."""
    labels = 2**24 + torch.arange(1, 41).view(1, 1, 5, 8)
    identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    assert torch.equal(warp_labels(labels, identity, 0), labels)
    assert not torch.equal(affine_warp(labels.float(), identity).long(), labels)
    half = torch.tensor([[[1.0, 0, 0.5], [0, 1, 0]]])
    two = torch.tensor([[[[3, 9]]]])
    assert warp_labels(two, half, 0).flatten().tolist() == [3, 9]
    assert affine_warp(two.float(), half, "border").flatten().tolist() == [3, 6]


def test_quarter_turns_and_whole_shifts_of_labels_are_exact() -> None:
    labels = torch.randint(0, 200, (1, 1, 33, 33), generator=GENERATOR).to(torch.uint8)
    # y points down: (x, y) to (32 − y, x) turns clockwise.
    turn = torch.tensor([[[0.0, -1, 32], [1, 0, 0]]])
    assert torch.equal(warp_labels(labels, turn, 255), torch.rot90(labels, -1, (2, 3)))
    shift = torch.tensor([[[1.0, 0, 2], [0, 1, -1]]])
    moved = warp_labels(labels, shift, 255)
    assert torch.equal(moved[..., :-1, 2:], labels[..., 1:, :-2])
    assert (moved[..., :2] == 255).all() and (moved[..., -1, :] == 255).all()


def test_labels_follow_the_image_that_they_belong_to() -> None:
    labels = torch.zeros(4, 1, 40, 40, dtype=torch.uint8)
    labels[:, :, 12:29, 9:31] = 1
    linear = torch.eye(2) + 0.2 * torch.randn(4, 2, 2, generator=GENERATOR)
    forward = torch.cat([linear, 4 * torch.rand(4, 2, 1, generator=GENERATOR)], -1)
    picture = affine_warp(labels.double(), forward.double(), "zeros")
    came = warp_labels(labels, forward, 0)
    assert torch.equal(came[picture > 0.8], torch.ones_like(came[picture > 0.8])) and not came[picture < 0.2].any()


def test_maps_that_lead_nowhere_and_empty_labels() -> None:
    labels = torch.ones(2, 1, 4, 5, dtype=torch.int64)
    wild = torch.tensor([[[torch.nan, 0, 0], [0, 1, 0]], [[1.0, 0, torch.inf], [0, 1, 0]]])
    assert (warp_labels(labels, wild, -3) == -3).all()
    assert warp_labels(labels[:0], wild[:0], 0).shape == (0, 1, 4, 5)
    assert warp_labels(labels[:, :0], wild, 0).shape == (2, 0, 4, 5)


@pytest.mark.parametrize(
    ("labels", "forward", "outside", "error", "said"),
    [
        (torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 3), 0, TypeError, "labels.dtype torch.float32 must be whole numbers or bool"),
        (torch.zeros(1, 2, 2).long(), torch.zeros(1, 2, 3), 0, ValueError, r"labels.shape \(1, 2, 2\) must be \[B, C, H, W\]"),
        (torch.zeros(1, 1, 2, 2).long(), torch.zeros(2, 2, 3), 0, ValueError, r"forward.shape \(2, 2, 3\) must be \[1, 2, 3\]"),
        (torch.zeros(1, 1, 2, 2).byte(), torch.zeros(1, 2, 3), -1, ValueError, r"outside -1 must lie in \[0, 255\].*torch.uint8"),
        (torch.zeros(1, 1, 2, 2).bool(), torch.zeros(1, 2, 3), 2, ValueError, r"outside 2 must lie in \[0, 1\].*torch.bool"),
    ],
    ids=["floating", "rank", "one map too many", "negative bytes", "no bool"],
)
def test_errors_of_labels(labels: torch.Tensor, forward: torch.Tensor, outside: int, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        warp_labels(labels, forward, outside)
