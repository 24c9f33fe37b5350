"""The start-invariant distance against plain loops over complex numbers, and what it must not mind."""

import math
import re

import pytest
import torch

from vislab.geometry.correspondence import start_invariant_distance


def drawn(batch, vertices, seed=0, far=0.0):
    """Two batches of polygons [B, 2, N] that have nothing to do with one another, away from the origin, in float64."""
    generator = torch.Generator().manual_seed(seed)
    return (far + 0.4 + torch.randn(batch, 2, vertices, generator=generator, dtype=torch.float64) for _ in range(2))


def by_loops(first, second):
    """Every start of every pair, vertex by vertex."""
    found = []
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        a, b = ([complex(x, y) for x, y in zip(*polygon, strict=True)] for polygon in (one, other))
        count = len(a)
        found.append(min(sum(abs(a[n] - b[(n + start) % count]) ** 2 for n in range(count)) / count for start in range(count)))
    return torch.tensor(found, dtype=torch.float64)


@pytest.mark.parametrize(("batch", "vertices"), [(1, 1), (3, 2), (4, 7), (3, 8), (2, 96)])
@pytest.mark.parametrize("far", [0.0, -300.0])
def test_distance_is_that_of_loops_over_all_starts(batch, vertices, far):
    first, second = drawn(batch, vertices, seed=vertices, far=far)
    torch.testing.assert_close(start_invariant_distance(first, second), by_loops(first, second), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda first, second: (first - second).square().sum(dim=1).mean(dim=1),
        lambda first, second: start_invariant_distance(first, second.flip(2)),
        lambda first, second: start_invariant_distance(first, second).sqrt(),
        lambda first, second: start_invariant_distance(first, second) / 2,
        lambda first, second: start_invariant_distance(first, second).amin().expand(len(first)),
    ],
    ids=["no shift", "run backwards", "not squared", "mean over both coordinates", "least of the batch"],
)
def test_the_loops_catch_a_wrong_distance(wrong):
    first, second = drawn(4, 9)
    assert (wrong(first, second) - by_loops(first, second)).abs().max() > 0.05


def test_every_roll_has_distance_zero_and_never_less():
    first, second = (value.float() for value in drawn(5, 11, far=1000.0))
    for shift in range(11):
        assert not start_invariant_distance(first, first.roll(shift, dims=2)).any()
        torch.testing.assert_close(start_invariant_distance(first, second.roll(shift, dims=2)), start_invariant_distance(first, second))
    assert (start_invariant_distance(first, first + 1e-6) >= 0).all()


def test_far_from_the_origin_the_best_start_is_found_in_float32():
    first, _ = (value.float() for value in drawn(6, 32, seed=5))
    second = first.roll(13, dims=2) + 0.01
    expected = torch.full((6,), 2 * 0.01**2)
    torch.testing.assert_close(start_invariant_distance(first + 500, second + 500), expected, rtol=0.05, atol=0)


def test_gradients_are_those_of_differences_and_a_common_shift_changes_nothing():
    first, second = (value.requires_grad_() for value in drawn(3, 7, seed=2))
    assert torch.autograd.gradcheck(start_invariant_distance, (first, second), eps=1e-6, atol=1e-7)
    by_first, by_second = torch.autograd.grad(start_invariant_distance(first, second).sum(), (first, second))
    torch.testing.assert_close(by_first.sum(dim=2), -by_second.sum(dim=2), rtol=0, atol=1e-12)


def test_where_all_starts_are_equally_good_the_gradient_is_finite():
    first, _ = drawn(2, 6)
    one_place = torch.full((2, 2, 6), 0.3, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(start_invariant_distance(first, one_place).sum(), one_place)
    torch.testing.assert_close(slope.sum(dim=2), -2 * (first - 0.3).mean(dim=2), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtypes_views_inputs_and_an_empty_batch(dtype):
    first, second = (value.to(dtype) for value in drawn(3, 8, seed=4))
    before = first.clone(), second.clone()
    found = start_invariant_distance(first, second.mT.contiguous().mT)
    assert found.dtype == dtype and found.shape == (3,)
    torch.testing.assert_close(found.double(), by_loops(*before), rtol=0.05 if dtype.itemsize == 2 else 1e-5, atol=1e-5)
    assert torch.equal(first, before[0]) and torch.equal(second, before[1])
    empty = torch.zeros(0, 2, 8, dtype=dtype, requires_grad=True)
    assert start_invariant_distance(empty, second[:0]).shape == (0,)
    assert torch.autograd.grad(start_invariant_distance(empty, second[:0]).sum(), empty)[0].shape == (0, 2, 8)


def test_a_vertex_that_is_no_number_shows():
    first, second = drawn(2, 5)
    first[1, 0, 3] = math.nan
    assert start_invariant_distance(first, second).isnan().tolist() == [False, True]


POLYGONS = torch.zeros(3, 2, 7)


@pytest.mark.parametrize(
    ("first", "second", "error", "text"),
    [
        (POLYGONS.long(), POLYGONS, TypeError, "first is torch.int64; it must be a floating tensor; convert with torch.as_tensor(first,"),
        (POLYGONS, [[0.0]], TypeError, "second is list; it must be a floating tensor"),
        (POLYGONS[0], POLYGONS[0], ValueError, "first.shape (2, 7) must be [B, 2, N] with N at least 1; give one polygon as polygon[None]"),
        (POLYGONS, POLYGONS[:, :, :0], ValueError, "second.shape (3, 2, 0) must be [B, 2, N] with N at least 1"),
        (POLYGONS, POLYGONS[:1], ValueError, "second.shape (1, 2, 7) must equal first.shape (3, 2, 7)"),
        (POLYGONS, POLYGONS[:, :, :5], ValueError, "second.shape (3, 2, 5) must equal first.shape (3, 2, 7); resample one of the two"),
        (POLYGONS, POLYGONS.double(), TypeError, "second.dtype torch.float64 must equal first.dtype torch.float32; convert with "),
        (POLYGONS, POLYGONS.to("meta"), ValueError, "second.device meta must equal first.device cpu; use second.to(first.device)"),
    ],
)
def test_errors_name_value_rule_and_remedy(first, second, error, text):
    with pytest.raises(error, match=re.escape(text)):
        start_invariant_distance(first, second)
