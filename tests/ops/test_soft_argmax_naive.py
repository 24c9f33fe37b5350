"""The reference of soft-argmax against SciPy, a double loop, closed forms and numerical differentiation."""

import math

import pytest
import torch
from heatmap_cases import answers, assert_same_answers, gaussian, logits
from scipy.special import softmax

from vislab.ops.soft_argmax.naive import soft_argmax_naive


def by_scipy(heatmap, temperature):
    """Mean and variance of one map from SciPy's softmax and one loop over the pixels."""
    probability = softmax(heatmap.double().numpy() / temperature)
    pixels = [(x, y, probability[y, x]) for y in range(heatmap.shape[0]) for x in range(heatmap.shape[1])]
    mean = [math.fsum(p * point[axis] for *point, p in pixels) for axis in (0, 1)]
    variance = [math.fsum(p * (point[axis] - mean[axis]) ** 2 for *point, p in pixels) for axis in (0, 1)]
    return torch.tensor(mean, dtype=torch.float64), torch.tensor(variance, dtype=torch.float64)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (5, 7), (63, 65), (64, 64), (3, 1000)])
@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_equals_scipy_and_a_loop(size, temperature):
    heatmaps = logits(2, 3, *size, dtype=torch.float64)
    mean, variance = soft_argmax_naive(heatmaps, temperature, return_variance=True)
    for batch in range(2):
        for joint in range(3):
            expected_mean, expected_variance = by_scipy(heatmaps[batch, joint], temperature)
            torch.testing.assert_close(mean[batch, joint], expected_mean, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(variance[batch, joint], expected_variance, rtol=1e-11, atol=1e-11)


def test_the_oracle_tells_x_from_y():
    heatmap = logits(5, 7, dtype=torch.float64)
    mean = soft_argmax_naive(heatmap[None, None])[0, 0]
    with pytest.raises(AssertionError):
        torch.testing.assert_close(mean.flip(0), by_scipy(heatmap, 1.0)[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("return_variance", [False, True])
def test_first_and_second_derivatives_are_right(return_variance):
    heatmaps = logits(2, 1, 3, 4, dtype=torch.float64).requires_grad_()

    def function(maps):
        return soft_argmax_naive(maps, 0.7, return_variance=return_variance)

    assert torch.autograd.gradcheck(function, heatmaps)
    assert torch.autograd.gradgradcheck(function, heatmaps)


def test_the_gradient_of_the_mean_is_p_times_x_minus_the_mean():
    heatmaps = logits(1, 1, 5, 7, dtype=torch.float64).requires_grad_()
    mean = soft_argmax_naive(heatmaps)
    (gradient,) = torch.autograd.grad(mean[0, 0, 0], heatmaps)
    probability = torch.softmax(heatmaps.detach().flatten(), 0).view(5, 7)
    expected = probability * (torch.arange(7, dtype=torch.float64) - mean[0, 0, 0].item())
    torch.testing.assert_close(gradient[0, 0], expected, rtol=1e-12, atol=1e-14)


def test_a_large_logit_over_a_small_temperature_does_not_overflow():
    heatmaps = torch.full((1, 1, 4, 6), -1e4)
    heatmaps[0, 0, 1, 5] = 1e4
    came = answers(lambda maps, **options: soft_argmax_naive(maps, 1e-30, **options), heatmaps)
    assert came["mean"].tolist() == [[[5.0, 1.0]]]
    assert came["variance"].tolist() == [[[0.0, 0.0]]]
    assert not came["gradient"].any()


def test_masked_pixels_take_no_part_and_get_no_gradient():
    heatmaps = logits(1, 2, 6, 8, dtype=torch.float64)
    masked = heatmaps.clone()
    masked[..., 5:] = -torch.inf
    came, expected = answers(soft_argmax_naive, masked), answers(soft_argmax_naive, heatmaps[..., :5].clone())
    assert not came["gradient"][..., 5:].any()
    came["gradient"] = came["gradient"][..., :5]
    assert_same_answers(came, expected, 1e-12)


def test_a_blank_map_counts_as_uniform_and_leaves_its_neighbour_alone():
    heatmaps = logits(1, 2, 4, 6, dtype=torch.float64)
    heatmaps[0, 0] = -torch.inf
    came, neighbour = answers(soft_argmax_naive, heatmaps), soft_argmax_naive(heatmaps[:, 1:])
    assert came["mean"][0, 0].tolist() == pytest.approx([2.5, 1.5])
    assert came["variance"][0, 0].tolist() == pytest.approx([35 / 12, 15 / 12])
    assert not came["gradient"][0, 0].any() and came["gradient"][0, 1].any()
    assert torch.equal(came["mean"][:, 1:], neighbour)


def test_a_gaussian_has_its_own_centre_and_variance():
    heatmaps = gaussian(64, 80, 41.25, 30.5, 3.0).log()[None, None]
    mean, variance = soft_argmax_naive(heatmaps, return_variance=True)
    torch.testing.assert_close(mean[0, 0], torch.tensor([41.25, 30.5], dtype=torch.float64), rtol=0, atol=1e-9)
    torch.testing.assert_close(variance[0, 0], torch.tensor([9.0, 9.0], dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5)])
def test_an_empty_batch_has_an_empty_answer(shape):
    came = answers(soft_argmax_naive, torch.empty(shape))
    assert came["mean"].shape == came["variance"].shape == (*shape[:2], 2)
    assert came["gradient"].shape == shape
