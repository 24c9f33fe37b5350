"""The reference of tps_sample against SciPy and PyTorch's sampler, closed forms and numerical differentiation."""

import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator
from spline_cases import PADDINGS, SIZES, inputs, lattice, source_pixels
from torch.nn import functional as F

from vislab.ops.tps_sample.naive import radial_naive, spline_naive, tps_sample_naive


def scipys_grid(controls, targets, size, align_corners, smoothing=0.0):
    """Where SciPy's spline sends the output's pixel centres; its ``r² log r`` is half of ours, and so is its smoothing."""
    u, v = (np.array([0.0]) if align_corners and n == 1 else (np.linspace(-1, 1, n) if align_corners else (2 * np.arange(n) + 1) / n - 1)
            for n in (size[1], size[0]))  # fmt: skip
    points = np.stack(np.meshgrid(u, v), -1).reshape(-1, 2)
    grids = [RBFInterpolator(controls.numpy(), each.numpy(), kernel="thin_plate_spline", smoothing=smoothing)(points) for each in targets]
    return torch.from_numpy(np.stack(grids)).view(len(targets), *size, 2)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_equals_scipys_spline_under_pytorchs_sampler(size, out_size, padding, align_corners):
    image, controls, targets = inputs(2, 2, size, out_size, align_corners, dtype=torch.float64)
    came = tps_sample_naive(image, controls, targets, out_size, 0.0, padding, align_corners)
    grid = scipys_grid(controls, targets, out_size, align_corners)
    expected = F.grid_sample(image, grid, padding_mode=padding, align_corners=align_corners)
    torch.testing.assert_close(came, expected, rtol=0, atol=1e-10)


def test_regularisation_is_twice_scipys_smoothing():
    image, controls, targets = inputs(1, 1, (9, 8), (5, 6), False, dtype=torch.float64)
    came = tps_sample_naive(image, controls, targets, (5, 6), 0.3)
    expected = F.grid_sample(image, scipys_grid(controls, targets, (5, 6), False, smoothing=0.15), align_corners=False)
    torch.testing.assert_close(came, expected, rtol=0, atol=1e-10)
    unlike = F.grid_sample(image, scipys_grid(controls, targets, (5, 6), False, smoothing=0.3), align_corners=False)
    assert (came - unlike).abs().max() > 1e-3


def test_the_oracle_tells_x_from_y():
    image, controls, targets = inputs(1, 1, (8, 8), (6, 6), False, dtype=torch.float64)
    expected = F.grid_sample(image, scipys_grid(controls, targets, (6, 6), False), align_corners=False)
    assert (tps_sample_naive(image, controls.flip(1), targets.flip(2), (6, 6)) - expected).abs().max() > 1e-2


@pytest.mark.parametrize("side", [2, 3, 4, 5])
def test_goes_through_its_points(side):
    controls = lattice(side, torch.float64)
    targets = torch.randn(2, side**2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights, affine = spline_naive(controls, targets, 0.0)
    bend = radial_naive(((controls[:, None] - controls) ** 2).sum(-1))
    straight = torch.cat([torch.ones(side**2, 1).double(), controls], 1)
    assert (bend @ weights + straight @ affine - targets).abs().max() < 1e-12
    # the side conditions: no bending weight pushes or turns the plane.
    assert (straight.T @ weights).abs().max() < 1e-12


def test_affine_targets_do_not_bend():
    controls = lattice(4, torch.float64)
    matrix, shift = torch.tensor([[0.8, -0.3], [0.2, 1.1]]).double(), torch.tensor([0.1, -0.2]).double()
    weights, affine = spline_naive(controls, (controls @ matrix.T + shift)[None], 0.0)
    assert weights.abs().max() < 1e-14
    torch.testing.assert_close(affine[0], torch.cat([shift[None], matrix.T]), rtol=0, atol=1e-14)
    image = torch.randn(1, 2, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grid = F.affine_grid(torch.cat([matrix, shift[:, None]], 1)[None], [1, 2, 6, 5], align_corners=False)
    came = tps_sample_naive(image, controls, (controls @ matrix.T + shift)[None], (6, 5))
    torch.testing.assert_close(came, F.grid_sample(image, grid, align_corners=False), rtol=0, atol=1e-12)


@pytest.mark.parametrize("align_corners", [False, True])
def test_targets_equal_to_the_controls_are_the_identity(align_corners):
    image = torch.randn(1, 2, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    came = tps_sample_naive(image, lattice(4, torch.float64), lattice(4, torch.float64)[None], None, 0.0, "border", align_corners)
    torch.testing.assert_close(came, image, rtol=0, atol=1e-12)


def test_the_output_at_a_control_point_reads_its_target():
    controls, targets = lattice(3, torch.float64), lattice(3, torch.float64)[None] * 0.5
    targets[0, 4] = torch.tensor([0.25, -0.75])
    pixels = source_pixels(controls, targets, (9, 9), (3, 3), True)
    torch.testing.assert_close(pixels[0, 1, 1], torch.tensor([5.0, 1.0]).double(), rtol=0, atol=1e-12)
    image = torch.arange(81.0, dtype=torch.float64).view(1, 1, 9, 9)
    came = tps_sample_naive(image, controls, targets, (3, 3), 0.0, "zeros", True)
    assert came[0, 0, 1, 1].item() == pytest.approx(9 * 1 + 5, abs=1e-10)


def test_the_radial_function_is_zero_at_zero_with_a_finite_gradient():
    squared = torch.tensor([0.0, 1.0, np.e, 4.0], dtype=torch.float64, requires_grad=True)
    value = radial_naive(squared)
    assert value.tolist() == pytest.approx([0, 0, np.e, 4 * np.log(4)])
    (gradient,) = torch.autograd.grad(value.sum(), squared)
    assert gradient.tolist() == pytest.approx([0, 1, 2, 1 + np.log(4)])


@pytest.mark.parametrize("padding", PADDINGS)
def test_first_and_second_derivatives_are_right(padding):
    image, controls, targets = inputs(1, 1, (4, 5), (2, 3), False, dtype=torch.float64)
    image.requires_grad_()
    targets.requires_grad_()

    def function(image, targets):
        return tps_sample_naive(image, controls, targets, (2, 3), 0.0, padding)

    assert torch.autograd.gradcheck(function, (image, targets))
    assert torch.autograd.gradgradcheck(function, (image, targets))
