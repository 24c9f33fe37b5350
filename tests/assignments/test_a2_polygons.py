"""The numbers in the text of notebook 1 of assignment 2 are right."""

import math
import re
from pathlib import Path

import pytest
import torch
from course_assignments import ASSIGNMENTS

from autograder.authoring.cell import Role
from vislab.check.verdict import Verdict
from vislab.data import open_dataset

NOTEBOOK = "1_polygons"
ICONS = Path(__file__).resolve().parents[2] / "data" / "icons.h5"
ORIGINAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ImagerIcon_subset.hdf5"


@pytest.fixture(scope="module")
def prose(text):
    """The notebook's text, wherever its lines are broken."""
    return re.sub(r"\s+", " ", text.replace("\n# ", "\n"))


@pytest.fixture(scope="module")
def a2():
    return ASSIGNMENTS["a2_shapes"].exercises


@pytest.fixture(scope="module")
def tools(lessons):
    """The lesson's own functions, on the lesson's solutions."""
    lesson, space = lessons[NOTEBOOK], {}
    exec(lesson.setup_source, space)
    for name in lesson.exercises:
        exec(lesson.solution_source(name), space)
    for word in ("unevenness", "raster"):
        (cell,) = [cell.source for cell in lesson.cells if not cell.is_markdown and f"def {word}(" in cell.source]
        exec(cell[cell.index(f"def {word}(") :].split("\n\n\n")[0], space)
    return space


@pytest.fixture(scope="module")
def icons():
    """All outlines in float64, and named ones."""
    if not ICONS.exists():
        pytest.skip(f"{ICONS} is not there; build it with: make lesson-data")
    table = open_dataset(ICONS)
    polygons, keep = table["polygon"].tensor().double(), table["has_polygon"].tensor()
    names = [str(name) for name in table["name"][:]]
    return polygons[keep], lambda name: polygons[names.index(name)]


def ring(count, a=2.0, b=1.0):
    angle = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
    return torch.stack((a * angle.cos(), b * angle.sin()))[None]


def test_areas_that_are_known(tools):
    area, length = tools["signed_area"], tools["perimeter"]
    # n / 2 sin(2 pi / n) times the area of the square around the ellipse's quarter.
    assert abs(float(area(ring(96))) - 2 * 48 * math.sin(2 * math.pi / 96)) < 1e-13
    assert abs(float(length(ring(96, 1.0))) - 192 * math.sin(math.pi / 96)) < 1e-13
    for shift in (1, 40):
        assert abs(float(area(ring(96).roll(shift, 2)) - area(ring(96)))) < 1e-13
    assert abs(float(area(ring(96).flip(2)) + area(ring(96)))) < 1e-13


def test_gradient_of_the_area_is_the_formula_of_the_text(tools, icons):
    shapes = icons[0][:4].clone().requires_grad_()
    (pull,) = torch.autograd.grad(tools["signed_area"](shapes).sum(), shapes)
    x, y = shapes.detach().unbind(1)
    by_hand = torch.stack((y.roll(-1, 1) - y.roll(1, 1), x.roll(1, 1) - x.roll(-1, 1)), dim=1) / 2
    assert float((pull - by_hand).abs().max()) < 1e-13 and float(pull.sum(dim=2).abs().max()) < 1e-12
    # and an error in its second half would be seen.
    assert float((pull + by_hand).abs().max()) > 1e-2


def test_far_from_the_origin_the_formula_loses_what_the_numbers_know(tools, icons, prose):
    _, icon = icons
    cat = icon("cat")[None]
    true = float(tools["signed_area"](cat))
    plain, own, known = [], [], []
    for offset in (0.9e4, 0.95e4, 1e4, 1.05e4, 1.1e4):
        stored = (cat + offset).float()
        x, y = stored.unbind(1)
        plain.append(abs(float((x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum() / 2) / true - 1))
        own.append(abs(float(tools["signed_area"](stored)) / true - 1))
        known.append(abs(float(tools["signed_area"](stored.double())) / true - 1))
    assert max(known) < 0.01 and max(own) < 0.01 and 0.1 < sorted(plain)[2] < 30
    assert "better than a per cent" in prose and "noise of the size of the area itself" in prose


def test_icons_run_clockwise_until_they_are_turned(tools, icons):
    shapes, _ = icons
    turned = tools["counter_clockwise"](shapes)
    assert bool((tools["signed_area"](shapes) < 0).all()) and bool((tools["signed_area"](turned) > 0).all())
    assert torch.equal(turned[..., 0], shapes[..., 0])


def test_roundness_is_one_for_a_disc_and_less_for_others(tools, icons):
    def roundness(shapes):
        return 4 * math.pi * tools["signed_area"](shapes).abs() / tools["perimeter"](shapes) ** 2

    assert abs(float(roundness(ring(1000, 1.0))) - 1) < 1e-5 and float(roundness(icons[0]).max()) < 1
    square = torch.tensor([[[2.0, 3.0, 3.0, 2.0], [5.0, 5.0, 6.0, 6.0]]])
    assert abs(float(roundness(square)) - math.pi / 4) < 1e-6


def test_centroid_does_not_see_where_the_vertices_crowd(tools, icons):
    key = icons[1]("key")[None]
    middle = (key + key.roll(-1, 2)) / 2
    crowded = torch.stack((key, middle), dim=3).flatten(2)
    assert float((tools["centroid"](crowded) - tools["centroid"](key)).norm()) < 1e-12
    crowded = torch.cat((crowded[:, :, :100], key[:, :, 50:]), dim=2)
    assert float((tools["centroid"](crowded) - tools["centroid"](key)).norm()) < 1e-12
    assert float((crowded.mean(dim=2) - key.mean(dim=2)).norm()) > 0.05


def test_unevenness_of_the_course_icons(tools, icons, prose):
    assert f"{float(tools['unevenness'](icons[0]).mean()):.2f}" == "0.06" and "It is 0.06 on average" in prose


@pytest.mark.needs_original
def test_what_the_text_says_of_the_first_file(tools, prose):
    shapes = open_dataset(ORIGINAL)["polygon"].tensor().double()
    repeats = (shapes[..., 0] == shapes[..., -1]).all(dim=1)
    assert len(shapes) == 44 and f"{float(repeats.double().mean()):.0%}" == "64%"
    assert f"{float(tools['unevenness'](shapes).mean()):.2f}" == "0.34"
    assert "of the 44 icons" in prose and "64 % repeat their first vertex" in prose and "0.34 in the first file" in prose


def test_steps_are_equal_on_convex_shapes_and_points_lie_on_the_outline(tools, icons, prose):
    resample, distance = tools["resample"], tools["signed_distance"]
    assert float(tools["unevenness"](ring(96))) > 0.2 > 1e-3 > float(tools["unevenness"](resample(ring(96), 96)))
    assert "the CV falls below a thousandth" in prose
    cat = icons[1]("cat")[None]
    assert float(distance(resample(cat, 61)[0].T, cat).abs().max()) < 1e-12
    assert float(distance(resample(cat, 61)[0].T + 1e-3, cat).abs().max()) > 1e-4


def test_a_regular_polygon_resamples_to_itself(tools):
    for count in (3, 7, 96):
        assert float((tools["resample"](ring(count, 1.0) + 0.3, count) - ring(count, 1.0) - 0.3).abs().max()) < 1e-13
    assert float((tools["resample"](ring(7), 7) - ring(7)).abs().max()) > 1e-2


@pytest.mark.parametrize("closed", [True, False])
def test_gradients_are_finite_where_vertices_repeat_and_points_meet_vertices(tools, closed):
    square = torch.tensor([[[2.0, 2.0, 3.0, 3.0, 2.0, 2.0], [5.0, 5.0, 5.0, 6.0, 6.0, 5.0]]], dtype=torch.float64, requires_grad=True)
    found = tools["resample"](square, 4, closed)
    (gradient,) = torch.autograd.grad(found.square().sum(), square)
    assert bool(torch.isfinite(gradient).all()) and bool(gradient.any())


def test_areas_above_the_pictures_count_what_the_text_says(tools):
    # a bow tie: the winding number is 1 on one side and -1 on the other, and the shoelace formula adds them up.
    tie = torch.tensor([[[-1.0, 1.0, 1.0, -1.0], [-0.8, 0.8, -0.8, 0.8]]])
    assert float(tools["signed_area"](tie)) == 0
    pixels = tools["raster"](200, 1.3)
    for rule in ("even_odd", "nonzero"):
        assert abs(float(tools["inside"](pixels, tie, rule).float().mean()) * 2.6**2 - 1.6) < 0.03
    twice = torch.cat((ring(5, 1.1, 1.1), ring(5, 0.6, 0.6)), dim=2).float()
    by_rule = [float(tools["inside"](pixels, twice, rule).float().mean()) * 2.6**2 for rule in ("even_odd", "nonzero")]
    # winding 2 in the middle: counted twice by the formula, once by non-zero, not at all by even-odd.
    assert abs(float(tools["signed_area"](twice)) - (2 * by_rule[1] - by_rule[0])) < 0.05


def test_ready_even_odd_agrees_with_the_exercise(tools, icons):
    shapes = icons[0][::400]
    points = 3.2 * torch.rand(300, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64) - 1.6
    for rule in ("even_odd", "nonzero"):
        assert torch.equal(tools["even_odd"](points, shapes), tools["inside"](points, shapes, rule))
    assert bool(tools["even_odd"](points, shapes).any()) and not bool(tools["even_odd"](points, shapes).all())


def test_slope_of_the_distance_is_one_but_on_the_skeleton(tools, icons):
    cat = icons[1]("cat")[None]
    points = tools["raster"](60, 1.9).double().requires_grad_()
    (slope,) = torch.autograd.grad(tools["signed_distance"](points, cat).sum(), points)
    assert float((slope.norm(dim=1) - 1).abs().max()) < 1e-9
    # away from the skeleton, differences say the same; on it they do not.
    step = 1e-5 * torch.eye(2, dtype=torch.float64)
    both = [tools["signed_distance"](points.detach() + sign * way, cat)[0] for way in step for sign in (1, -1)]
    numeric = torch.stack(((both[0] - both[1]), (both[2] - both[3])), dim=1).norm(dim=1) / 2e-5
    assert float(((numeric - 1).abs() < 1e-6).double().mean()) > 0.99
    square = torch.tensor([[[1.0, 3.0, 3.0, 1.0], [1.0, 1.0, 3.0, 3.0]]], dtype=torch.float64)
    crease = [float(tools["signed_distance"](torch.tensor([[2.0 + d, 2.0]], dtype=torch.float64), square)) for d in (-1e-3, 0.0, 1e-3)]
    assert abs(crease[0] - crease[2]) < 1e-12 and crease[1] < crease[0]


def test_result_of_the_experiment_on_the_number_of_points(tools, icons, prose):
    shapes = icons[0][torch.linspace(0, len(icons[0]) - 1, 100).long()]
    farthest, mean, area = {}, {}, {}
    for count in (16, 24, 32, 64):
        fewer = tools["resample"](shapes, count)
        off = torch.stack([tools["signed_distance"](old.T, new[None])[0].abs() for old, new in zip(shapes, fewer, strict=True)])
        farthest[count], mean[count] = float(off.amax(dim=1).median()), float(off.mean(dim=1).median())
        area[count] = float((tools["signed_area"](fewer) / tools["signed_area"](shapes) - 1).abs().median())
    pixel = 3 / 28
    assert farthest[24] < pixel < farthest[16] and 0.005 < area[24] < 0.02
    # twice the points: about half at the corners, about a quarter elsewhere.
    assert 1.4 < farthest[16] / farthest[32] < 2.8 < mean[16] / mean[32] < 5
    assert "With 24 points" in prose and "right to about a per cent" in prose


def test_the_text_answers_no_written_question(lessons):
    shown = "\n".join(cell.source for cell in lessons[NOTEBOOK].cells if cell.role is not Role.QUESTION)
    for words in ("−n mod", "flip(-1).roll", "clockwise on the screen", "(−c_x", "collapse", "vertical axis"):
        assert words not in shown


def test_matplotlib_earns_nothing_in_the_inside_test(a2, judged, tmp_path):
    path = tmp_path / "ready.py"
    path.write_text(
        "import numpy as np\nimport torch\nfrom matplotlib.path import Path\n\n\n"
        "def inside(points, polygons, rule):\n"
        "    found = [Path(one.T.numpy()).contains_points(points.numpy()) for one in polygons]\n"
        "    return torch.from_numpy(np.array(found, dtype=bool).reshape(len(polygons), len(points)))\n"
    )
    record, score = judged(a2["shapes.inside"], path)
    assert score.earned == 0 and score.verdict is Verdict.RULE and len(record.observed.tripped) == 1


def test_matplotlib_by_a_name_of_ones_own_evades_the_tripwire_and_knows_one_rule(a2, judged, tmp_path):
    """Nothing can replace a compiled function that somebody holds already: what it earns is a matter of the cases."""
    path = tmp_path / "held.py"
    path.write_text(
        "import numpy as np\nimport torch\nfrom matplotlib._path import points_in_path as mine\nfrom matplotlib.path import Path\n\n\n"
        "def inside(points, polygons, rule):\n"
        "    found = [mine(points.double().numpy(), 0.0, Path(one.T.double().numpy()), None) for one in polygons]\n"
        "    return torch.from_numpy(np.array(found, dtype=bool).reshape(len(polygons), len(points)))\n"
    )
    exercise = a2["shapes.inside"]
    for secret in range(3):
        record, score = judged(exercise, path, secret)
        assert record.observed.tripped == ()
        assert 0 < score.earned < 0.3 * exercise.points_total
        # it does answer the even-odd cases, so that what is lost is lost by the rule and not by an exception.
        assert all(case.verdict is Verdict.OK for case in record.cases if case.family == "value" and "even-odd" in case.name)


def test_answers_of_the_written_question(tools, icons):
    shapes, icon = icons
    mirror = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    some = shapes[::500]
    assert torch.allclose(tools["signed_area"](some * mirror), -tools["signed_area"](some), atol=1e-12)
    assert torch.allclose(tools["perimeter"](some * mirror), tools["perimeter"](some), atol=1e-12)
    assert torch.allclose(tools["centroid"](some * mirror), tools["centroid"](some) * mirror[:, 0], atol=1e-12)
    # the heart is its own mirror image and starts on its axis.
    heart = icon("heart")[None]
    both = tools["counter_clockwise"](torch.cat((heart, heart * mirror)))
    assert float((both[0] - both[1]).abs().max()) < 0.02 and float((heart + heart * mirror)[:, 0].abs().max()) == 0
    assert float((both[0] - both[1].flip(1).roll(1, 1)).abs().max()) > 1
    # y turned over, and run the other way on the screen.
    down = tools["counter_clockwise"](some * -mirror)
    assert bool((tools["signed_area"](down * -mirror) < 0).all())


@pytest.mark.parametrize("name", ["signed_area", "centroid", "resample", "inside", "signed_distance"])
def test_constants_and_public_answers_earn_nothing(a2, judged, tmp_path, name):
    exercise = a2[f"shapes.{name}"]
    known = []
    for case in exercise.cases():
        if case.public and not case.wants_gradient:
            inputs = case.inputs(exercise.public_seed(case))
            known.append((inputs.args[0].float(), exercise.reference(*inputs.args, **inputs.kwargs)))
    torch.save(known, tmp_path / "known.pt")
    path = tmp_path / "by_heart.py"
    path.write_text(
        "import pathlib\n\nimport torch\n\nKNOWN = torch.load(pathlib.Path(__file__).parent / 'known.pt')\n\n\n"
        f"def {name}(first, *args, **more):\n"
        "    for given, answer in KNOWN:\n"
        "        if given.shape == first.shape and torch.equal(given, first.float()):\n"
        "            return answer.to(first.dtype) if answer.is_floating_point() else answer\n"
        "    return KNOWN[0][1].to(first.dtype)\n"
    )
    _, score = judged(exercise, path)
    assert score.earned == 0


@pytest.mark.needs_original
def test_the_notebook_runs_on_the_first_file(lessons, monkeypatch):
    import matplotlib.pyplot

    matplotlib.use("Agg")
    # another lesson's figures may still be open, one of them under the same name.
    matplotlib.pyplot.close("all")
    monkeypatch.setenv("VISLAB_ICONS", str(ORIGINAL))
    monkeypatch.setenv("VISLAB_BUDGET", "small")
    lesson, space = lessons[NOTEBOOK], {}
    for cell in lesson.cells:
        if cell.role is Role.EXERCISE:
            exec(lesson.solution_source(cell.name), space)
        elif not cell.is_markdown and cell.role is not Role.CHECK:
            exec(cell.source, space)
    assert len(space["shapes"]) == 44 and space["ICONS"] == str(ORIGINAL)
