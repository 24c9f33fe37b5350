"""The reference of Gaussian heatmaps against a loop over the pixels, SciPy and closed forms."""

import pytest
import torch
from pose_cases import by_loops, poses
from scipy.ndimage import gaussian_filter
from scipy.stats import multivariate_normal

from vislab.ops.gaussian_heatmaps.naive import gaussian_heatmaps_naive

BOTH = pytest.mark.parametrize("normalise", ["peak", "sum"])


@BOTH
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (5, 7), (17, 12)])
@pytest.mark.parametrize("sigma", [0.6, 2.0])
def test_equals_a_loop_over_the_pixels(size, sigma, normalise):
    pose = poses(2, 3, *size, dtype=torch.float64).requires_grad_()
    maps = gaussian_heatmaps_naive(pose, size, sigma, normalise)
    upstream = torch.randn(maps.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (gradient,) = torch.autograd.grad(maps, pose, upstream)
    for batch in range(2):
        for joint in range(3):
            expected, slope = by_loops(pose[batch, joint].tolist(), size, sigma, normalise)
            torch.testing.assert_close(maps[batch, joint], expected, rtol=1e-12, atol=1e-13)
            torch.testing.assert_close(gradient[batch, joint], (upstream[batch, joint] * slope).sum((1, 2)), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("fault", ["x and y swapped", "variance for twice the variance"])
def test_the_loop_tells_a_wrong_formula(fault):
    pose = torch.tensor([[[2.2, 1.3]]], dtype=torch.float64)
    wrong = (
        gaussian_heatmaps_naive(pose.flip(-1), (5, 7), 1.5)
        if fault == "x and y swapped"
        else gaussian_heatmaps_naive(pose, (5, 7), 1.5 / 2**0.5)
    )
    with pytest.raises(AssertionError):
        torch.testing.assert_close(wrong[0, 0], by_loops([2.2, 1.3], (5, 7), 1.5, "peak")[0], rtol=1e-3, atol=1e-3)


def test_a_peak_map_is_scipys_density_times_its_norm():
    maps = gaussian_heatmaps_naive(torch.tensor([[[3.3, 6.1]]], dtype=torch.float64), (9, 8), 1.7)
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(8.0), indexing="ij")
    density = multivariate_normal(mean=[3.3, 6.1], cov=1.7**2).pdf(torch.stack([x, y], -1).numpy())
    torch.testing.assert_close(maps[0, 0], torch.as_tensor(density) * (2 * torch.pi * 1.7**2), rtol=1e-12, atol=1e-14)


def test_a_sum_map_inside_is_scipys_filtered_impulse():
    impulse = torch.zeros(41, 41, dtype=torch.float64)
    impulse[18, 22] = 1.0
    maps = gaussian_heatmaps_naive(torch.tensor([[[22.0, 18.0]]], dtype=torch.float64), (41, 41), 2.0, "sum")
    torch.testing.assert_close(maps[0, 0], torch.as_tensor(gaussian_filter(impulse.numpy(), 2.0, truncate=9)), rtol=0, atol=1e-13)


@BOTH
def test_first_and_second_derivatives_are_right(normalise):
    pose = poses(2, 1, 2, 3, dtype=torch.float64).requires_grad_()
    visibility = torch.tensor([[1], [0]])

    def function(pose):
        return gaussian_heatmaps_naive(pose, (2, 3), 1.2, normalise, visibility)

    assert torch.autograd.gradcheck(function, pose)
    assert torch.autograd.gradgradcheck(function, pose)


@BOTH
def test_a_hidden_joint_is_zero_even_where_its_position_is_nan(normalise):
    pose = torch.tensor([[[torch.nan, 2.0], [1.0, 2.0]]], dtype=torch.float64, requires_grad=True)
    maps = gaussian_heatmaps_naive(pose, (4, 5), 1.0, normalise, torch.tensor([[False, True]]))
    (gradient,) = torch.autograd.grad(maps[..., 0].sum(), pose)
    assert not maps[0, 0].any() and maps[0, 1].any()
    assert not gradient[0, 0].any() and gradient[0, 1, 0] != 0


@BOTH
@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_an_empty_batch_has_an_empty_answer(shape, normalise):
    pose = torch.empty(*shape, 2, requires_grad=True)
    maps = gaussian_heatmaps_naive(pose, (4, 5), 1.0, normalise)
    maps.sum().backward()
    assert maps.shape == (*shape, 4, 5) and pose.grad.shape == pose.shape
