"""Signed distance from outlines against a double loop in plain numbers, closed forms and a dense sample of the outline."""

import math
import re

import pytest
import torch
from scipy.spatial import cKDTree

from vislab.geometry.outlines import signed_distance, soft_masks


def drawn(batch, points, vertices, turns=1, seed=0):
    """Points [P, 2] and star-shaped outlines [B, 2, N] away from the origin, every second one clockwise, in float64."""
    generator = torch.Generator().manual_seed(seed)

    def number(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

    angle = (torch.arange(vertices) + number(-0.3, 0.3, batch, vertices)) * (2 * math.pi * turns / vertices)
    angle[1::2] *= -1
    radius = number(0.5, 1.4, batch, vertices)
    outlines = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1) + number(0.2, 0.6, batch, 2, 1)
    return number(-1.5, 2.0, points, 2), outlines


def by_loops(points, polygons):
    """Edge by edge with complex numbers; inside where the angles under which the edges are seen make an odd number of turns."""
    table = torch.zeros(len(polygons), len(points), dtype=torch.float64)
    for b, (xs, ys) in enumerate(polygons.tolist()):
        corners = [complex(x, y) for x, y in zip(xs, ys, strict=True)]
        for p, (x, y) in enumerate(points.tolist()):
            nearest, turned = math.inf, 0.0
            for n, corner in enumerate(corners):
                a, b_ = corners[n - 1] - complex(x, y), corner - complex(x, y)
                length = abs(b_ - a)
                # the edge along the real axis, the point at the origin.
                start, end = (a, b_) if length == 0 else (a * (b_ - a).conjugate() / length, b_ * (b_ - a).conjugate() / length)
                nearest = min(nearest, abs(start.imag) if start.real < 0 < end.real else min(abs(a), abs(b_)))
                turned += math.atan2((a.conjugate() * b_).imag, (a.conjugate() * b_).real)
            table[b, p] = -nearest if round(turned / (2 * math.pi)) % 2 else nearest
    return table


@pytest.mark.parametrize(
    ("batch", "points", "vertices", "turns"), [(1, 63, 3, 1), (3, 64, 7, 1), (4, 65, 11, 1), (3, 63, 7, 2), (2, 64, 10, 3)]
)
def test_distance_is_that_of_a_double_loop(batch, points, vertices, turns):
    places, outlines = drawn(batch, points, vertices, turns)
    torch.testing.assert_close(signed_distance(places, outlines), by_loops(places, outlines), rtol=0, atol=1e-13)


def _to_vertices(points, polygons):
    return (points[:, None] - polygons.mT[:, None]).norm(dim=-1).amin(dim=2) * signed_distance(points, polygons).sign()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda points, polygons: -signed_distance(points, polygons),
        lambda points, polygons: signed_distance(points, polygons).abs(),
        lambda points, polygons: signed_distance(points.flip(1), polygons),
        lambda points, polygons: signed_distance(points, polygons[:1].expand_as(polygons)),
        lambda points, polygons: signed_distance(points, polygons).square(),
        _to_vertices,
    ],
    ids=["positive inside", "no sign", "y first", "first polygon for all", "squared", "vertices alone"],
)
def test_the_double_loop_catches_a_wrong_distance(wrong):
    places, outlines = drawn(3, 64, 7)
    assert (wrong(places, outlines) - by_loops(places, outlines)).abs().max() > 0.05


def test_what_is_circled_twice_lies_outside():
    angle = 2 * math.pi * 2 * torch.arange(5, dtype=torch.float64) / 5
    pentagram = torch.stack([angle.cos(), angle.sin()])[None] + 0.3
    # the pentagon in the middle: its edges are this far from the middle.
    assert float(signed_distance(torch.tensor([[0.3, 0.3]], dtype=torch.float64), pentagram)) == pytest.approx(math.cos(2 * math.pi / 5))


def test_a_box_has_the_distance_that_one_knows_by_heart():
    places = 6 * torch.rand(1000, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 3
    middle, half = torch.tensor([0.4, -0.3], dtype=torch.float64), torch.tensor([1.3, 0.7], dtype=torch.float64)
    corners = middle + half * torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)
    beyond = (places - middle).abs() - half
    expected = beyond.clamp(min=0).norm(dim=1) + beyond.amax(dim=1).clamp(max=0)
    for box in (corners.T[None], corners.flip(0).T[None], corners[[0, 0, 1, 2, 3, 3]].T[None]):
        torch.testing.assert_close(signed_distance(places, box)[0], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("sides", [3, 6, 96])
def test_the_middle_of_a_regular_polygon(sides):
    angle = 2 * math.pi * (torch.arange(sides, dtype=torch.float64) + 0.3) / sides
    polygon = 1.7 * torch.stack([angle.cos(), angle.sin()])[None] + 0.25
    middle = torch.tensor([[0.25, 0.25]], dtype=torch.float64)
    assert float(signed_distance(middle, polygon)) == pytest.approx(-1.7 * math.cos(math.pi / sides))


def test_distance_is_that_of_a_dense_sample_of_the_outline():
    places, outlines = drawn(2, 200, 12)
    share = torch.linspace(0, 1, 2001, dtype=torch.float64)
    first = outlines.mT[:, :, None]
    sample = torch.lerp(first, first.roll(-1, 1), share[:, None]).flatten(1, 2)
    for outline, distance in zip(sample, signed_distance(places, outlines), strict=True):
        found, _ = cKDTree(outline.numpy()).query(places.numpy())
        # half a step of the sample aside at the most.
        assert 0 <= float((torch.as_tensor(found) - distance.abs()).min()) + 1e-12
        torch.testing.assert_close(torch.as_tensor(found), distance.abs(), rtol=0, atol=1e-4)


def test_points_level_with_vertices_and_edges():
    comb = torch.tensor([[[0, 6, 6, 5, 5, 4, 3, 2, 2, 0], [0, 0, 2, 2, 1, 1, 3, 1, 2, 2]]], dtype=torch.float64)
    places = torch.stack(torch.meshgrid(torch.arange(-1, 15) / 2 + 0.1, torch.arange(-1, 8) / 2, indexing="xy"), dim=-1).flatten(0, 1)
    found = signed_distance(places.double(), comb)
    off = found[0].abs() > 1e-9
    torch.testing.assert_close(found[:, off], by_loops(places[off], comb), rtol=0, atol=1e-13)


def test_gradients_are_those_of_differences():
    places, outlines = drawn(3, 9, 7, seed=3)
    assert torch.autograd.gradcheck(signed_distance, (places.requires_grad_(), outlines.requires_grad_()), eps=1e-6, atol=1e-6)


def test_the_slope_is_one_and_a_shift_of_everything_changes_nothing():
    places, outlines = drawn(1, 1000, 9, seed=4)
    places.requires_grad_()
    outlines.requires_grad_()
    by_point, by_vertex = torch.autograd.grad(signed_distance(places, outlines).sum(), (places, outlines))
    torch.testing.assert_close(by_point.norm(dim=1), torch.ones(1000, dtype=torch.float64), rtol=0, atol=1e-9)
    torch.testing.assert_close(by_point.sum(dim=0) + by_vertex.sum(dim=2)[0], torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_on_the_outline_and_edges_without_length_have_finite_gradients(dtype):
    _, outlines = drawn(2, 1, 7)
    outlines = outlines[:, :, [0, 0, 1, 2, 3, 4, 5, 6, 6, 6]].to(dtype)
    places = torch.cat([outlines[0].T, outlines.mean(dim=2)]).requires_grad_()
    outlines.requires_grad_()
    distance = signed_distance(places, outlines)
    assert distance.dtype == dtype and not distance[0, :10].any() and not torch.signbit(distance[0, :10]).any()
    by_point, by_vertex = torch.autograd.grad(distance.sum(), (places, outlines))
    assert by_point.isfinite().all() and by_vertex.isfinite().all()
    (alone,) = torch.autograd.grad(signed_distance(places, outlines)[0, :10].sum(), places)
    assert not alone.any()


@pytest.mark.parametrize("vertices", [1, 2])
def test_a_single_vertex_and_two_have_no_inside(vertices):
    outline = torch.tensor([[[1.0, 4.0], [2.0, 6.0]]])[:, :, :vertices]
    places = torch.tensor([[1.0, 5.0], [4.0, 2.0]])
    expected = [3.0, 3.0] if vertices == 1 else [1.8, 2.4]
    assert signed_distance(places, outline)[0].tolist() == pytest.approx(expected)


def test_sizes_dtypes_views_and_inputs():
    places, outlines = (value.float() for value in drawn(3, 65, 7))
    expected = signed_distance(places, outlines)
    assert expected.dtype == torch.float32 and expected.shape == (3, 65)
    assert signed_distance(places[:0], outlines).shape == (3, 0) and signed_distance(places, outlines[:0]).shape == (0, 65)
    wide = torch.zeros(65, 4)
    wide[:, ::2] = places
    swapped = outlines.mT.contiguous().mT
    before = wide.clone(), swapped.clone()
    torch.testing.assert_close(signed_distance(wide[:, ::2], swapped), expected, rtol=0, atol=1e-6)
    assert torch.equal(wide, before[0]) and torch.equal(swapped, before[1])
    torch.testing.assert_close(signed_distance(places.double(), outlines.double()).float(), expected, rtol=0, atol=1e-5)


POINTS, POLYGONS = torch.zeros(5, 2), torch.zeros(3, 2, 7)


@pytest.mark.parametrize(
    ("points", "polygons", "error", "text"),
    [
        ([[0.0, 1.0]], POLYGONS, TypeError, "points is list; it must be a floating tensor; convert with torch.as_tensor(points,"),
        (POINTS, POLYGONS.long(), TypeError, "polygons is torch.int64; it must be a floating tensor; convert with torch.as_tensor("),
        (POINTS.T, POLYGONS, ValueError, "points.shape (2, 5) must be [P, 2], x then y; flatten a raster, and stack x and y last"),
        (torch.zeros(4, 6, 2), POLYGONS, ValueError, "points.shape (4, 6, 2) must be [P, 2]"),
        (POINTS, POLYGONS[0], ValueError, "polygons.shape (2, 7) must be [B, 2, N] with N at least 1; give one polygon as polygon[None]"),
        (POINTS, POLYGONS.mT, ValueError, "polygons.shape (3, 7, 2) must be [B, 2, N]"),
        (POINTS, POLYGONS[:, :, :0], ValueError, "polygons.shape (3, 2, 0) must be [B, 2, N] with N at least 1"),
        (POINTS, POLYGONS.double(), TypeError, "polygons.dtype torch.float64 must equal points.dtype torch.float32; convert with "),
        (POINTS, POLYGONS.to("meta"), ValueError, "polygons.device meta must equal points.device cpu; use polygons.to(points.device)"),
    ],
)
def test_errors_name_value_rule_and_remedy(points, polygons, error, text):
    with pytest.raises(error, match=re.escape(text)):
        signed_distance(points, polygons)


def test_masks_are_the_logistic_function_of_the_distance_at_pixel_centres():
    _, outlines = drawn(2, 1, 7)
    masks = soft_masks(outlines, 3, 5, extent=1.7, tau=0.2)
    assert masks.shape == (2, 1, 3, 5) and masks.dtype == torch.float64
    centres = [(-1.7 + (j + 0.5) * 3.4 / 5, 1.7 - (i + 0.5) * 3.4 / 3) for i in range(3) for j in range(5)]
    distance = by_loops(torch.tensor(centres, dtype=torch.float64), outlines)
    torch.testing.assert_close(masks.flatten(1), 1 / (1 + (distance / 0.2).exp()), rtol=0, atol=1e-12)


def test_masks_of_an_ellipse_add_up_to_its_area_and_have_gradients():
    angle = torch.arange(96, dtype=torch.float64) * (2 * math.pi / 96)
    ellipse = torch.stack((1.4 * angle.cos(), 0.9 * angle.sin()))[None].requires_grad_()
    area = soft_masks(ellipse, 64, 64, extent=2.0, tau=0.02).sum() * (4 / 64) ** 2
    assert abs(area.item() / (96 / 2 * math.sin(2 * math.pi / 96) * 1.4 * 0.9) - 1) < 0.002
    (slope,) = torch.autograd.grad(area, ellipse)
    # Euler's identity for an area, which is of second degree in the vertices.
    assert abs((slope * ellipse).sum().item() / (2 * area.item()) - 1) < 0.002


def test_masks_of_no_polygon_and_of_sharp_borders():
    assert soft_masks(torch.zeros(0, 2, 5), 4, 6, extent=1.0, tau=0.1).shape == (0, 1, 4, 6)
    _, outlines = drawn(2, 1, 7)
    sharp = outlines.float().requires_grad_()
    masks = soft_masks(sharp, 9, 9, extent=2.0, tau=1e-6)
    assert masks.dtype == torch.float32 and set(masks.unique().tolist()) == {0.0, 1.0}
    assert torch.autograd.grad(masks.sum(), sharp)[0].isfinite().all()


@pytest.mark.parametrize(
    ("polygons", "changed", "error", "text"),
    [
        (POLYGONS.long(), {}, TypeError, "polygons is torch.int64; it must be a floating tensor; convert with torch.as_tensor("),
        ([[0.0]], {}, TypeError, "polygons is list; it must be a floating tensor"),
        (POLYGONS[0], {}, ValueError, "polygons.shape (2, 7) must be [B, 2, N]"),
        (POLYGONS, {"height": 0}, ValueError, "height 0 must be at least 1 pixel"),
        (POLYGONS, {"width": -2}, ValueError, "width -2 must be at least 1 pixel"),
        (POLYGONS, {"extent": 0.0}, ValueError, "extent 0.0 must be greater than 0, in the polygons' unit"),
        (POLYGONS, {"tau": math.nan}, ValueError, "tau nan must be greater than 0, in the polygons' unit"),
    ],
)
def test_masks_refuse_with_name_value_rule_and_remedy(polygons, changed, error, text):
    with pytest.raises(error, match=re.escape(text)):
        soft_masks(polygons, **{"height": 4, "width": 5, "extent": 1.0, "tau": 0.1, **changed})
