"""The reference of window_pool against SciPy and loops, closed forms and numerical differentiation."""

import math

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from window_cases import WINDOW_NAMES, inputs

from vislab.ops.window_pool.naive import window_filters_naive, window_pool_naive

WIDTHS = {"gaussian": 0.5, "box": 0.5, "bump": 1.0}


def weight_of(u, window, softness):
    """One pixel's weight by the published formula, at ``u`` scales from the window's middle."""
    if window == "gaussian":
        return math.exp(-u * u / 2)
    if window == "box":
        return expit((u + 1) / softness) - expit((u - 1) / softness)
    return math.exp(1 - 1 / (1 - u * u)) if abs(u) < 1 else 0.0


def filters_by_loops(centre, extent, cells, pixels, window, width, softness):
    rows = np.zeros((cells, pixels))
    for cell in range(cells):
        middle = centre - extent / 2 + (cell + 0.5) * extent / cells
        scale = max(width * extent / cells, 1.0) if window == "bump" else width * extent / cells
        row = [weight_of((pixel - middle) / scale, window, softness) for pixel in range(pixels)]
        rows[cell] = np.array(row) / math.fsum(row)
    return rows


@pytest.mark.parametrize("window", WINDOW_NAMES)
@pytest.mark.parametrize("size", [(2, 2, 5, 7, 3, 4), (1, 1, 3, 9, 5, 2)], ids=str)
def test_equals_loops(size, window):
    batch, channels, height, width, rows, columns = size
    images, centres, extents = inputs(*size[:4], dtype=torch.float64)
    came = window_pool_naive(images, centres, extents, (rows, columns), window, WIDTHS[window], 0.2)
    for b in range(batch):
        left = filters_by_loops(centres[b, 1].item(), extents[b, 1].item(), rows, height, window, WIDTHS[window], 0.2)
        right = filters_by_loops(centres[b, 0].item(), extents[b, 0].item(), columns, width, window, WIDTHS[window], 0.2)
        for c in range(channels):
            for i in range(rows):
                for j in range(columns):
                    terms = [left[i, p] * images[b, c, p, q].item() * right[j, q] for p in range(height) for q in range(width)]
                    assert came[b, c, i, j].item() == pytest.approx(math.fsum(terms), abs=1e-10)


def test_the_oracle_tells_x_from_y():
    images, centres, extents = inputs(1, 1, 8, 8, dtype=torch.float64)
    came = window_pool_naive(images, centres.flip(1), extents.flip(1), (1, 1))
    left, right = (filters_by_loops(centres[0, k].item(), extents[0, k].item(), 1, 8, "gaussian", 0.5, 0.1) for k in (1, 0))
    assert abs(came.item() - (left @ images[0, 0].numpy() @ right.T).item()) > 1e-3


def test_a_gaussian_row_is_scipys_softmax_of_the_logarithms():
    rows = window_filters_naive(torch.tensor([3.3]).double(), torch.tensor([4.0]).double(), 2, 9, "gaussian", 0.5, 0.1)[0]
    for cell, middle in enumerate((2.3, 4.3)):
        expected = softmax(-((np.arange(9) - np.float64(torch.tensor([3.3])) - (middle - 3.3)) ** 2) / 2)
        np.testing.assert_allclose(rows[cell].numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_rows_sum_to_one_whatever_the_extent(window):
    extent = torch.tensor([100.0, 10.0, 1.0, 1e-3, 1e-30, 0.0, -1.0], dtype=torch.float64)
    rows = window_filters_naive(torch.full_like(extent, 6.2), extent, 5, 20, window, WIDTHS[window], 0.1)
    assert rows.isfinite().all()
    if window == "bump":
        # a bump that reaches no pixel, outside the image, has nothing to weigh.
        empty = rows.sum(-1) == 0
        assert empty.tolist() == [[True, False, False, False, True]] + [[False] * 5] * 6
        rows = rows[~empty]
    torch.testing.assert_close(rows.sum(-1), torch.ones_like(rows.sum(-1)), rtol=0, atol=1e-14)


def test_a_small_sigma_takes_the_nearest_pixel_where_weights_over_their_sum_are_no_number():
    centre = torch.tensor([6.2])
    assert (torch.exp(-(((torch.arange(20) - 6.2) / 1e-3) ** 2) / 2)).sum() == 0
    rows = window_filters_naive(centre, torch.tensor([2e-3]), 1, 20, "gaussian", 0.5, 0.1)
    assert torch.equal(rows[0, 0], torch.eye(20)[6])


def test_a_gaussian_between_two_pixels_weighs_both_alike():
    rows = window_filters_naive(torch.tensor([6.5]), torch.tensor([1e-3]), 1, 20, "gaussian", 0.5, 0.1)
    assert rows[0, 0, 6:8].tolist() == [0.5, 0.5]


def test_boxes_are_a_partition():
    """Side by side, and before each is normalised, they add up to one box over the whole extent."""
    u = torch.arange(40, dtype=torch.float64)[None] - (10 + 4 * torch.arange(5, dtype=torch.float64))[:, None]
    each = torch.sigmoid((u / 2 + 1) / 0.1) - torch.sigmoid((u / 2 - 1) / 0.1)
    whole = torch.sigmoid((torch.arange(40).double() - 8) / 0.2) - torch.sigmoid((torch.arange(40).double() - 28) / 0.2)
    torch.testing.assert_close(each.sum(0), whole, rtol=0, atol=1e-14)
    rows = window_filters_naive(torch.tensor([18.0]).double(), torch.tensor([20.0]).double(), 5, 40, "box", 0.5, 0.1)[0]
    torch.testing.assert_close(rows, each / each.sum(-1, keepdim=True), rtol=1e-10, atol=1e-14)


def test_a_bump_is_one_in_the_middle_and_nothing_at_its_edge_with_all_derivatives():
    position = torch.tensor([8.0], dtype=torch.float64, requires_grad=True)
    rows = window_filters_naive(position, torch.tensor([4.0]).double(), 1, 17, "bump", 1.0, 0.1)[0, 0]
    assert rows.argmax() == 8 and torch.equal(rows != 0, (torch.arange(17) - 8).abs() < 4)
    assert rows[7].item() / rows[8].item() == pytest.approx(math.exp(1 - 1 / (1 - 1 / 16)))
    for pixel in (4, 12, 0):
        value, order = rows[pixel], 0
        while order < 3:
            (value,) = torch.autograd.grad(value, position, create_graph=True)
            value, order = value.sum(), order + 1
            assert value == 0


def test_a_bump_on_a_pixel_is_never_narrower_than_that_pixel():
    rows = window_filters_naive(torch.tensor([3.0]), torch.tensor([1e-3]), 1, 8, "bump", 1.0, 0.1)
    assert torch.equal(rows[0, 0], torch.eye(8)[3])


@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_an_image_of_ones_stays_ones_and_a_ramp_stays_a_ramp(window):
    images = torch.arange(40.0, dtype=torch.float64).expand(1, 1, 30, 40)
    pooled = window_pool_naive(
        images, torch.tensor([[20.0, 15.0]]).double(), torch.tensor([[20.0, 15.0]]).double(), (3, 5), window, 0.8, 0.3
    )
    # every window is symmetric about its middle; here all lie inside.
    expected = torch.tensor([12.0, 16.0, 20.0, 24.0, 28.0], dtype=torch.float64).expand(3, 5)
    torch.testing.assert_close(pooled[0, 0], expected, rtol=0, atol=3e-3)
    ones = window_pool_naive(torch.ones_like(images), *inputs(1, 1, 30, 40, dtype=torch.float64)[1:], (3, 5), window, WIDTHS[window], 0.3)
    torch.testing.assert_close(ones, torch.ones_like(ones), rtol=0, atol=1e-13)


@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_first_and_second_derivatives_are_right(window):
    tensors = [tensor.requires_grad_() for tensor in inputs(2, 1, 4, 5, dtype=torch.float64)]

    def function(*leaves):
        return window_pool_naive(*leaves, (2, 3), window, WIDTHS[window], 0.5)

    assert torch.autograd.gradcheck(function, tensors)
    assert torch.autograd.gradgradcheck(function, tensors)


def test_the_gradient_of_a_gaussian_by_its_centre_is_a_covariance():
    """Σ w ∂log w/∂c − (Σ w)(…) for weights w: the covariance of pixel and image, over sigma²."""
    image = inputs(1, 1, 1, 9, dtype=torch.float64)[0]
    centre = torch.tensor([[4.3, 0.0]], dtype=torch.float64, requires_grad=True)
    pooled = window_pool_naive(image, centre, torch.tensor([[3.0, 1.0]]).double(), (1, 1))
    (gradient,) = torch.autograd.grad(pooled, centre)
    weight = window_filters_naive(centre.detach()[:, 0], torch.tensor([3.0]).double(), 1, 9, "gaussian", 0.5, 0.1)[0, 0]
    pixel, value = torch.arange(9, dtype=torch.float64), image[0, 0, 0]
    covariance = (weight * pixel * value).sum() - (weight * pixel).sum() * (weight * value).sum()
    assert gradient[0].tolist() == pytest.approx([covariance.item() / 1.5**2, 0.0], abs=1e-12)
