"""What the text of notebook 5 says is so."""

import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

from assignments.a2_shapes.exercises.circular_conv import written_out
from assignments.a2_shapes.exercises.invariant_encoder import features, material
from assignments.a2_shapes.exercises.outlines_from_pictures import OutlinesFromPictures, overlap, task
from autograder.authoring.cell import Role
from autograder.exercise.draw import Draw

NOTEBOOK = "5_invariance"


@pytest.fixture(scope="module")
def setup(lessons):
    space = {}
    exec(lessons[NOTEBOOK].setup_source, space)
    return space


def test_code_stays_for_every_roll_at_stride_one_and_for_multiples_of_the_stride_alone():
    for stride in (1, 2, 3, 6):
        inputs = material(2, 12, stride=stride)(Draw(b"a roll"))
        (polygons,), weights = inputs.args, inputs.weights
        codes = [features(polygons.roll(k, dims=2), weights, stride).mean(dim=2) for k in range(12)]
        stays = [k for k in range(12) if (codes[k] - codes[0]).abs().max() < 1e-6]
        assert stays == list(range(0, 12, stride))


def test_zero_padding_is_seen_to_break_the_invariance():
    signal, weight, bias, _ = (torch.randn(1, 2, 12), torch.randn(3, 2, 5), torch.randn(3), 1)
    padded = [F.conv1d(signal.roll(k, 2), weight, bias, padding=2).relu().mean(dim=2) for k in (0, 3)]
    ring = [written_out(signal.roll(k, 2), weight, bias).relu().mean(dim=2) for k in (0, 3)]
    assert (padded[0] - padded[1]).abs().max() > 1e-3 and (ring[0] - ring[1]).abs().max() < 1e-5


def test_strides_that_the_written_question_leaves_open():
    assert [s for s in range(2, 13) if 12 % s == 0 and 24 % s == 0] == [2, 3, 4, 6, 12]


def test_start_invariant_distance_equals_the_loop(setup):
    one, other = torch.randn(3, 2, 11, dtype=torch.float64), torch.randn(3, 2, 11, dtype=torch.float64)
    loop = torch.stack([(one - other.roll(k, 2)).square().sum(dim=1).mean(dim=1) for k in range(11)]).amin(dim=0)
    torch.testing.assert_close(setup["start_invariant"](one, other), loop)


def test_coverage_adds_up_to_the_area_and_has_a_gradient(setup):
    angle = torch.arange(48, dtype=torch.float64) * (2 * torch.pi / 48)
    circle = torch.stack((0.2 + 0.9 * angle.cos(), -0.1 + 0.6 * angle.sin()))[None].requires_grad_(True)
    area = setup["coverage"](circle, 64, softness=0.02).sum() * (3.2 / 64) ** 2
    x, y = circle[0]
    shoelace = (x * y.roll(-1) - x.roll(-1) * y).sum() / 2
    assert abs(float((area / shoelace).detach()) - 1) < 0.01
    (slope,) = torch.autograd.grad(area, circle)
    # Euler: the area is of degree two in the vertices.
    assert abs(float(((slope * circle).sum() / (2 * area)).detach()) - 1) < 0.02


def test_mean_shape_reaches_half_and_the_labels_are_poisoned(text):
    values = []
    for seed in (b"one", b"two"):
        inputs = task(Draw(seed))
        assert inputs.args[2].isnan().all()
        values.append(float(overlap(OutlinesFromPictures().baseline(*inputs.args), inputs.withheld[0])))
    assert all(0.44 < value < 0.56 for value in values) and "the mean shape reaches about 0.5" in text


def test_overlap_of_a_shape_with_itself_is_one_and_with_its_mirror_image_less():
    shapes = task(Draw(b"three")).withheld[0]
    assert float(overlap(shapes, shapes.roll(5, dims=2).flip(2))) == 1.0
    assert float(overlap(shapes * torch.tensor([[1.0], [-1.0]]), shapes)) < 0.7


@pytest.mark.needs_original
def test_lesson_runs_on_the_original_file(lessons, tmp_path):
    from tests.conftest import ORIGINAL_ICONS

    cells = [c.source for c in lessons[NOTEBOOK].cells if not c.is_markdown and c.role is not Role.CHECK]
    script = tmp_path / "lesson.py"
    script.write_text("\n\n".join(cells), encoding="utf-8")
    small = {"VISLAB_ICONS": str(ORIGINAL_ICONS), "VISLAB_BUDGET": "small", "VISLAB_CI": "1", "MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, script], env=os.environ | small, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
