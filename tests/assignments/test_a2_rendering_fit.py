"""Outlines fitted by descent: what the judge draws and counts, what the text promises, and that the second term is what decides."""

import functools
import hashlib
import math

import pytest
import torch
from contourpy import contour_generator
from course_assignments import ASSIGNMENTS

from assignments.a2_shapes.exercises.coverage import centres as pixel_centres
from assignments.a2_shapes.exercises.fit_outline import (
    EXTENT,
    HEIGHT,
    OUTLINES,
    WIDTH,
    in_place,
    photographed,
    task,
)
from autograder.exercise.draw import Draw
from vislab.geometry.outlines import signed_distance

NOTEBOOK = "2_rendering"
EXERCISE = ASSIGNMENTS["a2_shapes"].exercises["shapes.fit_outline"]


@functools.cache
def drawn(number):
    inputs = task(Draw(hashlib.sha256(b"%d" % number).digest()))
    return inputs.args, inputs.withheld[0]


def crossings(xs, ys):
    """How many pairs of edges cross, one pair at a time: the point where their lines meet lies within both."""
    corners, found = [complex(x, y) for x, y in zip(xs, ys, strict=True)], 0
    for n in range(len(corners)):
        for m in range(n):
            p, q = corners[n], corners[m]
            u, v = corners[(n + 1) % len(corners)] - p, corners[(m + 1) % len(corners)] - q
            turn, between = (u.conjugate() * v).imag, q - p
            if turn:
                found += 0 < (between.conjugate() * v).imag / turn < 1 and 0 < (between.conjugate() * u).imag / turn < 1
    return found


@pytest.mark.parametrize("number", range(2))
def test_shapes_are_simple_lie_inside_the_raster_and_are_drawn_by_their_area(number):
    (pictures, centres, start), shapes = drawn(number)
    assert pictures.shape == (OUTLINES, 1, HEIGHT, WIDTH) and centres.shape == (HEIGHT * WIDTH, 2) and 72 <= start.shape[1] <= 84
    assert float(shapes.abs().max()) < EXTENT
    assert [crossings(*shape.tolist()) for shape in shapes[:2]] == [0, 0]
    area = (shapes[:, 0] * shapes[:, 1].roll(-1, 1) - shapes[:, 0].roll(-1, 1) * shapes[:, 1]).sum(dim=1) / 2
    clean = photographed(shapes)
    by_pixels = clean.sum(dim=(1, 2, 3)) * (2 * EXTENT) ** 2 / (HEIGHT * WIDTH)
    torch.testing.assert_close(by_pixels, area, rtol=0.01, atol=0)
    assert 0.07 < float((pictures - clean).std()) < 0.09


def test_pictures_lie_as_the_conventions_say():
    (_, centres, _), shapes = drawn(0)
    assert torch.equal(centres, pixel_centres(HEIGHT, WIDTH, EXTENT).to(centres.dtype))
    # in the middle of what is inside by the distance, the picture is full; far outside it is empty.
    distance = signed_distance(centres, shapes).view(OUTLINES, 1, HEIGHT, WIDTH)
    clean = photographed(shapes)
    assert bool((clean[distance < -0.09] == 1).all()) and bool((clean[distance > 0.09] == 0).all())
    assert bool((clean[distance.abs() < 0.01] > 0.2).all())
    first = centres[0].tolist()
    assert first == pytest.approx([-EXTENT + EXTENT / WIDTH, EXTENT - EXTENT / HEIGHT])


def test_the_judge_counts_outlines_wherever_they_begin_and_whichever_way_they_run():
    _, shapes = drawn(1)
    for right in (shapes, shapes.roll(7, 2), shapes.flip(2), shapes[:, :, ::2]):
        assert float(in_place(right, shapes)) == OUTLINES
    assert float(in_place(shapes.roll(1, 0), shapes)) == 0
    middle = shapes.mean(dim=2, keepdim=True)
    assert float(in_place(middle + 0.95 * (shapes - middle), shapes)) < 5
    assert float(in_place(shapes + 0.1, shapes)) < 5


def test_one_crossing_is_enough():
    _, shapes = drawn(2)
    shapes = shapes[:, :, ::2].clone()
    for b, n in enumerate((0, 5, 30, 71, 11)):
        order = torch.arange(72)
        order[[n, (n + 1) % 72]] = order[[(n + 1) % 72, n]]
        shapes[b] = shapes[b][:, order]
    found = [crossings(*shape.tolist()) for shape in shapes]
    assert min(found[:5]) >= 1 and found[5:] == [0, 0, 0]
    smooth = drawn(2)[1]
    assert float(in_place(shapes, smooth)) == 3


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 0.0, 3e38])
def test_what_is_no_outline_is_not_in_place(number):
    _, shapes = drawn(0)
    assert float(in_place(torch.full((OUTLINES, 2, 75), number, dtype=torch.float64), shapes)) == 0


def test_the_circle_is_never_in_place():
    for number in range(4):
        args, shapes = drawn(number)
        assert float(in_place(EXERCISE.baseline(*args), shapes)) == 0


def test_a_circle_of_the_right_size_and_place_is_not_enough():
    for number in range(4):
        (_, _, start), shapes = drawn(number)
        area = (shapes[:, 0] * shapes[:, 1].roll(-1, 1) - shapes[:, 0].roll(-1, 1) * shapes[:, 1]).sum(dim=1, keepdim=True)[..., None] / 2
        circle = start - start.mean(dim=1, keepdim=True)
        fitted = shapes.mean(dim=2, keepdim=True) + circle / circle.norm(dim=0).mean() * (area / math.pi).sqrt()
        assert float(in_place(fitted, shapes)) == 0


def test_the_text_promises_what_the_judge_asks(text):
    bands = sorted((band.low, band.share) for band in EXERCISE.probe.bands)
    assert bands == [(5.0, 0.5), (6.0, 1.0)] and "Of eight outlines 6 must be in place for all points, 5 for half" in text
    assert "covers 0.93 of the union" in text and "0.93" in in_place.__doc__
    assert f"{HEIGHT} × {WIDTH} pixels" in text and OUTLINES == 8
    assert EXERCISE.probe.steps == 200 and "You have 200 steps" in text
    assert EXERCISE.probe.allowance_s == 30 and "30 seconds of CPU" in text
    assert {drawn(number)[0][2].shape[1] for number in range(4)} <= set(range(72, 85)) and "72 to 84 vertices" in text


def test_twice_as_many_vertices_have_a_sixteenth_of_the_second_term(text):
    def uneven(count):
        angle = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
        outline = (1 + 0.3 * (3 * angle).cos()) * torch.stack([angle.cos(), angle.sin()])
        return float((outline.roll(1, 1) + outline.roll(-1, 1) - 2 * outline).square().sum(dim=0).mean())

    assert uneven(80) / uneven(160) == pytest.approx(16, rel=0.02) and "when there are twice as many" in text


@pytest.fixture(scope="module")
def fit(lessons):
    space = {}
    exec(compile(f"{lessons[NOTEBOOK].setup_source}\n{lessons[NOTEBOOK].solution_source(EXERCISE.name)}", "solution", "exec"), space)
    return space["fit_outline"]


def test_the_second_term_decides(fit):
    args, shapes = drawn(3)
    args = [value.float() for value in args]
    before = [value.clone() for value in args]
    kept, left_out = (float(in_place(fit(*args, steps=200, seed=0, weight=weight).double(), shapes)) for weight in (None, 0.0))
    assert kept >= 6 and left_out <= 3
    assert all(torch.equal(value, old) for value, old in zip(args, before, strict=True))


def test_a_traced_contour_passes_as_the_instructors_page_says():
    """The half level of a picture, in equal steps: no descent, and in place all the same."""
    (pictures, centres, start), shapes = drawn(0)
    grid = centres.unflatten(0, (HEIGHT, WIDTH))
    x, y = grid[0, :, 0].numpy(), grid[:, 0, 1].numpy()
    traced = []
    for picture in pictures[:, 0]:
        line = torch.from_numpy(max(contour_generator(x, y, picture.numpy()).lines(0.5), key=len))[:-1]
        step = (line.roll(-1, 0) - line).norm(dim=1)
        along = torch.cat([step.new_zeros(1), step.cumsum(0)])
        want = torch.arange(start.shape[1]) * (along[-1] / start.shape[1])
        n = (torch.searchsorted(along, want, right=True) - 1).clamp(0, len(line) - 1)
        traced.append(torch.lerp(line[n], line[(n + 1) % len(line)], ((want - along[n]) / step[n])[:, None]).T)
    assert float(in_place(torch.stack(traced), shapes)) >= 6
    page = (ASSIGNMENTS["a2_shapes"].folder / "README.md").read_text(encoding="utf-8")
    assert "tracing the half level" in page
