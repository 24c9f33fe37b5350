"""The reference of bilinear sampling against PyTorch, onnx's reference evaluator, closed forms and numerical differentiation."""

import pytest
import torch
import torch.nn.functional as F
from heatmap_cases import assert_same_answers
from sampling_cases import PADDINGS, SIZES, answers, grids, linear, noise, onnx_grid_sample

from vislab.geometry.pixel_coordinates import pixel_to_norm
from vislab.ops.bilinear_sample.naive import bilinear_sample_naive


def by_pytorch(image, grid, padding, align_corners):
    return F.grid_sample(image, grid, padding_mode=padding, align_corners=align_corners)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_equals_pytorch_in_value_and_gradients(size, out_size, padding, align_corners):
    image, grid = noise(2, 3, *size, dtype=torch.float64), grids(2, size, out_size, align_corners, torch.float64)
    options = {"padding": padding, "align_corners": align_corners}
    came = answers(bilinear_sample_naive, image, grid, "grid", **options)
    assert_same_answers(came, answers(by_pytorch, image, grid, "grid", **options), 1e-11)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_equals_onnx(padding, align_corners):
    image, grid = noise(2, 3, 5, 7, dtype=torch.float64), grids(2, (5, 7), (4, 9), align_corners, torch.float64)
    expected = onnx_grid_sample(image, grid, padding, align_corners)
    # onnx's evaluator works in float32 inside.
    torch.testing.assert_close(bilinear_sample_naive(image, grid, padding, align_corners), expected, rtol=0, atol=1e-5)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(bilinear_sample_naive(image, grid, padding, not align_corners), expected, rtol=0, atol=1e-3)


def pixel_grid(points, size, align_corners):
    """Return a grid ``[1, 1, points, 2]`` of positions in pixels."""
    return pixel_to_norm(torch.tensor(points, dtype=torch.float64), size, align_corners)[None, None]


@pytest.mark.parametrize("align_corners", [False, True])
def test_pixel_centres_read_the_pixels_and_a_linear_image_is_read_exactly(align_corners):
    size = (5, 8)
    points = [(0, 0), (7, 4), (3, 2), (2.25, 3.5), (6.9, 0.1), (0, 3.3)]
    came = bilinear_sample_naive(linear(*size), pixel_grid(points, size, align_corners), "zeros", align_corners)
    expected = torch.tensor([2 + 3 * x - 5 * y for x, y in points], dtype=torch.float64)
    torch.testing.assert_close(came[0, 0, 0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("align_corners", [False, True])
def test_beyond_the_image(align_corners):
    image = torch.tensor([[[[1.0, 2.0, 4.0, 8.0]]]], dtype=torch.float64)
    across = [-1, -0.75, -0.5, 3.25, 3.5, 4, 5.5, -3.2]
    grid = pixel_grid([(x, 0) for x in across], (1, 4), align_corners)

    def read(padding):
        return bilinear_sample_naive(image, grid, padding, align_corners)[0, 0, 0].tolist()

    assert read("zeros") == pytest.approx([0, 0.25, 0.5, 6, 4, 0, 0, 0])
    assert read("border") == pytest.approx([1, 1, 1, 8, 8, 8, 8, 1])
    # about the centres of the border pixels, or about their outer edges, where the border pixel comes twice.
    mirrored = [2, 1.75, 1.5, 7, 6, 4, 1.5, 7.2] if align_corners else [1, 1, 1, 8, 8, 8, 3, 4.8]
    assert read("reflection") == pytest.approx(mirrored)


@pytest.mark.parametrize("padding", PADDINGS)
def test_the_two_conventions_meet_where_the_grids_are_the_same_pixels(padding):
    image, points = noise(1, 2, 6, 9, dtype=torch.float64), [(0.3, 4.1), (7.7, 0.6), (4.5, 2.5)]
    one, other = (bilinear_sample_naive(image, pixel_grid(points, (6, 9), flag), padding, flag) for flag in (False, True))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    mixed = bilinear_sample_naive(image, pixel_grid(points, (6, 9), False), padding, True)
    assert (mixed - one).abs().max() > 0.05


def test_the_gradient_to_the_image_adds_up_and_conserves_mass():
    """Two positions between the same four pixels; one outside, whose share is lost."""
    image = torch.zeros(1, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    grid = pixel_grid([(1.25, 0.5), (1.5, 0.5), (9, 9)], (3, 4), True)
    bilinear_sample_naive(image, grid, "zeros", True).sum().backward()
    expected = torch.zeros(3, 4, dtype=torch.float64)
    expected[:2, 1], expected[:2, 2] = 0.5 * (0.75 + 0.5), 0.5 * (0.25 + 0.5)
    torch.testing.assert_close(image.grad[0, 0], expected, rtol=0, atol=1e-12)
    assert image.grad.sum().item() == pytest.approx(2)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_first_and_second_derivatives_are_right(padding, align_corners):
    image = noise(1, 2, 3, 4, dtype=torch.float64).requires_grad_()
    grid = grids(1, (3, 4), (2, 3), align_corners, torch.float64).requires_grad_()

    def function(image, grid):
        return bilinear_sample_naive(image, grid, padding, align_corners)

    assert torch.autograd.gradcheck(function, (image, grid))
    assert torch.autograd.gradgradcheck(function, (image, grid))


def test_the_gradient_at_a_whole_position_is_the_one_from_the_right():
    """exercises.md, A4 3: no central difference agrees with it, since the surface has a kink there."""
    image = noise(1, 1, 1, 4, dtype=torch.float64)
    grid = pixel_grid([(2, 0)], (1, 4), False).requires_grad_()
    (slope,) = torch.autograd.grad(bilinear_sample_naive(image, grid).sum(), grid)
    assert slope[0, 0, 0, 0].item() == pytest.approx(4 / 2 * (image[0, 0, 0, 3] - image[0, 0, 0, 2]).item())
    assert not torch.autograd.gradcheck(lambda grid: bilinear_sample_naive(image, grid), grid, raise_exception=False)


@pytest.mark.parametrize("padding", ["border", "reflection"])
def test_the_gradient_on_a_border_is_zero(padding):
    image = noise(1, 1, 3, 4, dtype=torch.float64)
    grid = torch.tensor([[[[-1.0, -1.0], [1.0, 1.0]]]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(bilinear_sample_naive(image, grid, padding, True).sum(), grid)
    assert not slope.any()


@pytest.mark.parametrize(("shape", "out_size"), [((0, 3, 4, 5), (6, 7)), ((2, 0, 4, 5), (6, 7)), ((2, 3, 4, 5), (0, 7))])
def test_an_empty_batch_has_an_empty_answer(shape, out_size):
    came = answers(bilinear_sample_naive, torch.empty(shape), torch.zeros(shape[0], *out_size, 2), "grid")
    assert came["output"].shape == (*shape[:2], *out_size)
    assert torch.equal(came["gradient to image"], torch.zeros(shape))
    assert torch.equal(came["gradient to grid"], torch.zeros(shape[0], *out_size, 2))
