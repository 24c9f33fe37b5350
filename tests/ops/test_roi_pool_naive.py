"""The reference of RoI pooling against loops from the definition, a PyTorch built-in and torchvision where it is installed."""

import math
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from region_cases import boxes, maps

from vislab.ops.roi_pool.naive import roi_pool_naive


def naive(features, regions, *arguments, **options):
    return roi_pool_naive(features, regions[:, 1:], regions[:, 0].long(), *arguments, **options)


def by_loops(features, regions, output_size, scale):
    """Every pixel of every box asks which bins it lies in: bin p of e pixels covers [p·e/P, (p + 1)·e/P), in fractions."""
    pooled = torch.zeros(len(regions), features.shape[1], *output_size, dtype=features.dtype)
    owner = torch.full(pooled.shape, -1)
    for number, (image, *corners) in enumerate(regions.tolist()):
        # halves away from 0.
        x1, y1, x2, y2 = (int(math.copysign(math.floor(abs(Fraction(c) * Fraction(scale)) + Fraction(1, 2)), c)) for c in corners)
        high, wide = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        for y in range(features.shape[2]):
            for x in range(features.shape[3]):
                for p in range(output_size[0]):
                    for q in range(output_size[1]):
                        # the pixel [y, y + 1) meets the bin.
                        meets_y = Fraction(p * high, output_size[0]) < y - y1 + 1 and y - y1 < Fraction((p + 1) * high, output_size[0])
                        meets_x = Fraction(q * wide, output_size[1]) < x - x1 + 1 and x - x1 < Fraction((q + 1) * wide, output_size[1])
                        if not (meets_y and meets_x and 0 <= y - y1 < high and 0 <= x - x1 < wide):
                            continue
                        for c in range(features.shape[1]):
                            value = features[int(image), c, y, x]
                            if owner[number, c, p, q] < 0 or value > pooled[number, c, p, q]:
                                pooled[number, c, p, q], owner[number, c, p, q] = value, y * features.shape[3] + x
    return pooled, owner


@pytest.mark.parametrize("output_size", [(1, 1), (3, 2), (4, 5)], ids=str)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 1), (5, 7)], ids=str)
def test_equals_a_loop_over_pixels_and_bins(size, output_size):
    # whole numbers, so that maxima are often shared and the first one has to be found.
    features = (2 * maps(2, 2, *size, dtype=torch.float64)).round().requires_grad_()
    regions = boxes(4, 2, *size, dtype=torch.float64)
    expected, owner = by_loops(features.detach(), regions, output_size, 0.25)
    pooled = naive(features, regions, output_size, 0.25)
    assert torch.equal(pooled, expected)
    upstream = torch.arange(1.0, pooled.numel() + 1).view(pooled.shape).double()
    (gradient,) = torch.autograd.grad(pooled, features, upstream)
    by_hand = torch.zeros_like(features)
    for (number, c, p, q), pixel in ((place, owner[tuple(place)].item()) for place in (owner >= 0).nonzero().tolist()):
        by_hand[int(regions[number, 0]), c].view(-1)[pixel] += upstream[number, c, p, q]
    assert torch.equal(gradient, by_hand)


def test_the_loop_tells_halves_to_even():
    features = maps(1, 1, 9, 9, dtype=torch.float64)
    regions = torch.tensor([[0, 2.5, 0, 6, 6]], dtype=torch.float64)
    assert not torch.equal(by_loops(features, regions, (1, 4), 1.0)[0], by_loops(features, regions.round(), (1, 4), 1.0)[0])


def test_bins_inside_are_those_of_adaptive_max_pooling():
    features = maps(1, 3, 13, 17, dtype=torch.float64)
    for x1, y1, x2, y2 in [(0, 0, 16, 12), (2, 3, 9, 12), (5, 1, 6, 4)]:
        pooled = naive(features, torch.tensor([[0, x1, y1, x2, y2]], dtype=torch.float64), (4, 5))
        assert torch.equal(pooled[0], F.adaptive_max_pool2d(features[0, :, y1 : y2 + 1, x1 : x2 + 1], (4, 5)))


def test_equals_torchvision_where_it_is_installed():
    ops = pytest.importorskip("torchvision.ops")
    features, regions = maps(2, 3, 13, 17), boxes(8, 2, 13, 17)
    # extents that 2 and 4 divide exactly, where floating-point bins are whole-number bins.
    assert torch.equal(naive(features, regions, (4, 2), 0.25), ops.roi_pool(features, regions, (4, 2), 0.25))


def test_first_and_second_derivatives_are_right():
    features = maps(1, 2, 3, 4, dtype=torch.float64).requires_grad_()
    corners = torch.tensor([[0.3, 0.1, 2.8, 2.2]], dtype=torch.float64, requires_grad=True)

    def function(features, corners):
        return roi_pool_naive(features, corners, torch.zeros(1).long(), (2, 1))

    assert torch.autograd.gradcheck(function, (features, corners))
    assert torch.autograd.gradgradcheck(function, (features, corners))


def test_no_box_has_an_empty_answer():
    features, corners = maps(2, 3, 4, 5).requires_grad_(), torch.empty(0, 4, requires_grad=True)
    pooled = roi_pool_naive(features, corners, torch.empty(0).long(), (2, 3))
    pooled.sum().backward()
    assert pooled.shape == (0, 3, 2, 3) and corners.grad.shape == (0, 4)
