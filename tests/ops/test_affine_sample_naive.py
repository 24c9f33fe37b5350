"""The reference of affine sampling against PyTorch, onnx's reference evaluator, closed forms and numerical differentiation."""

import pytest
import torch
import torch.nn.functional as F
from heatmap_cases import assert_same_answers
from sampling_cases import PADDINGS, SIZES, answers, linear, noise, onnx_affine_grid, onnx_grid_sample, thetas

from vislab.ops.affine_sample.naive import affine_sample_naive

IDENTITY = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=torch.float64)


def by_pytorch(image, theta, size, padding, align_corners):
    grid = F.affine_grid(theta, [*image.shape[:2], *size], align_corners=align_corners)
    return F.grid_sample(image, grid, padding_mode=padding, align_corners=align_corners)


@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior:UserWarning")
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_equals_pytorch_in_value_and_gradients(size, out_size, padding, align_corners):
    image, theta = noise(2, 3, *size, dtype=torch.float64), thetas(2, size, out_size, align_corners, torch.float64)
    options = {"size": out_size, "padding": padding, "align_corners": align_corners}
    came = answers(affine_sample_naive, image, theta, "theta", **options)
    assert_same_answers(came, answers(by_pytorch, image, theta, "theta", **options), 1e-11)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_equals_onnx(padding, align_corners):
    image, theta = noise(2, 3, 5, 7, dtype=torch.float64), thetas(2, (5, 7), (4, 9), align_corners, torch.float64)
    grid = onnx_affine_grid(theta, (2, 3, 4, 9), align_corners)
    expected = onnx_grid_sample(image, grid, padding, align_corners)
    came = affine_sample_naive(image, theta, (4, 9), padding, align_corners)
    # onnx's evaluator works in float32 inside.
    torch.testing.assert_close(came, expected, rtol=0, atol=1e-5)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(affine_sample_naive(image, theta, (4, 9), padding, not align_corners), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_identity_returns_the_image(padding, align_corners):
    image = noise(1, 2, 5, 8, dtype=torch.float64)
    torch.testing.assert_close(affine_sample_naive(image, IDENTITY, None, padding, align_corners), image, rtol=0, atol=1e-13)


@pytest.mark.parametrize("align_corners", [False, True])
def test_a_linear_image_is_read_exactly_wherever_the_map_stays_inside(align_corners):
    size, out_size = (9, 12), (7, 5)
    theta = torch.tensor([[[0.5, 0.3, 0.1], [-0.2, 0.4, -0.05]]], dtype=torch.float64)
    came = affine_sample_naive(linear(*size), theta, out_size, "zeros", align_corners)
    extent_y, extent_x = (side - align_corners for side in size)
    row, column = torch.meshgrid(*(torch.arange(side, dtype=torch.float64) for side in out_size), indexing="ij")
    if align_corners:
        u, v = 2 * column / (out_size[1] - 1) - 1, 2 * row / (out_size[0] - 1) - 1
    else:
        u, v = (2 * column + 1) / out_size[1] - 1, (2 * row + 1) / out_size[0] - 1
    x = (0.5 * u + 0.3 * v + 0.1) * extent_x / 2 + (size[1] - 1) / 2
    y = (-0.2 * u + 0.4 * v - 0.05) * extent_y / 2 + (size[0] - 1) / 2
    torch.testing.assert_close(came[0, 0], 2 + 3 * x - 5 * y, rtol=0, atol=1e-12)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, -2), (-1, 4)])
def test_a_shift_by_whole_pixels_moves_the_image(right, down, align_corners):
    image = noise(1, 2, 9, 11, dtype=torch.float64)
    # the map leads from output to image: to move the image to the right, read further to the left.
    theta = IDENTITY.clone()
    theta[0, 0, 2], theta[0, 1, 2] = -2 * right / (11 - align_corners), -2 * down / (9 - align_corners)
    expected = torch.zeros_like(image)
    expected[..., max(down, 0) : 9 + min(down, 0), max(right, 0) : 11 + min(right, 0)] = image[
        ..., max(-down, 0) : 9 + min(-down, 0), max(-right, 0) : 11 + min(-right, 0)
    ]
    torch.testing.assert_close(affine_sample_naive(image, theta, None, "zeros", align_corners), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_first_and_second_derivatives_are_right(padding, align_corners):
    image = noise(2, 1, 3, 4, dtype=torch.float64).requires_grad_()
    theta = thetas(2, (3, 4), (2, 3), align_corners, torch.float64, seed=3).requires_grad_()

    def function(image, theta):
        return affine_sample_naive(image, theta, (2, 3), padding, align_corners)

    assert torch.autograd.gradcheck(function, (image, theta))
    assert torch.autograd.gradgradcheck(function, (image, theta))


def test_the_gradient_at_a_whole_position_is_the_one_from_the_right():
    """exercises.md, A4 3: no central difference agrees with it, since the surface has a kink there."""
    image = noise(1, 1, 1, 4, dtype=torch.float64)
    shift = torch.zeros(1, dtype=torch.float64, requires_grad=True)

    def read(shift):
        row = torch.stack([torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), shift], dim=-1)
        still = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
        return affine_sample_naive(image, torch.stack([row, still], dim=1), (1, 1), "zeros", False)

    at = torch.full((1,), 0.25, dtype=torch.float64, requires_grad=True)  # pixel (0.25 + 1) · 4 / 2 − 0.5 = 2
    (slope,) = torch.autograd.grad(read(at).sum(), at)
    assert slope.item() == pytest.approx(2 * (image[0, 0, 0, 3] - image[0, 0, 0, 2]).item())
    assert not torch.autograd.gradcheck(read, at, raise_exception=False)
    assert torch.autograd.gradcheck(read, shift)


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5)])
def test_an_empty_batch_has_an_empty_answer(shape):
    came = answers(affine_sample_naive, torch.empty(shape), torch.zeros(shape[0], 2, 3), "theta", size=(6, 7))
    assert came["output"].shape == (*shape[:2], 6, 7)
    assert came["gradient to image"].shape == shape
    assert torch.equal(came["gradient to theta"], torch.zeros(shape[0], 2, 3))
