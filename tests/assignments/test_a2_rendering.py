"""The numbers in the text of the notebook on rendering are right."""

import itertools
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from autograder.authoring.cell import Role

NOTEBOOK = "2_rendering"
ORIGINAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ImagerIcon_subset.hdf5"


@pytest.fixture(scope="module")
def a2(lessons):
    from course_assignments import ASSIGNMENTS

    return ASSIGNMENTS["a2_shapes"]


def ellipse(width=1.2, height=0.8):
    angle = torch.arange(96, dtype=torch.float64) * (2 * math.pi / 96)
    return torch.stack([width * angle.cos(), height * angle.sin()])[None]


def shoelace(polygon):
    x, y = polygon[0]
    return float((x * y.roll(-1) - x.roll(-1) * y).sum() / 2)


def pixel_area(a2, polygon, tau):
    return a2.exercises["shapes.coverage"].reference(polygon, 64, 64, 2.0, tau).sum() * (4 / 64) ** 2


@pytest.mark.parametrize(("tau", "percent"), [(0.02, "0.15"), (0.05, "0.86"), (0.1, "3.43"), (0.2, "13.35")])
def test_area_by_pixels_exceeds_the_shoelace_formula(a2, tau, percent):
    polygon = ellipse()
    assert f"{100 * (float(pixel_area(a2, polygon, tau)) / shoelace(polygon) - 1):.2f}" == percent


def test_excess_is_four_times_as_much_at_twice_the_temperature(a2, text):
    polygon, area = ellipse(), shoelace(ellipse())
    excess = [float(pixel_area(a2, polygon, tau)) / area - 1 for tau in (0.05, 0.1, 0.2)]
    assert all(3.5 < later / former < 4.5 for former, later in itertools.pairwise(excess)) and "four times as much" in text
    assert "off by nearly a hundredth" in text and 0.008 < excess[0] < 0.01


def gradient_of_area(a2, polygon, tau):
    leaf = polygon.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(pixel_area(a2, leaf, tau), leaf)
    return gradient


def test_gradient_keeps_two_identities(a2, text):
    polygon = ellipse()
    gradient = gradient_of_area(a2, polygon, 0.05)
    assert f"{float((polygon * gradient).sum()):.4f}" == "6.0279" and f"{2 * shoelace(polygon):.4f}" == "6.0276"
    assert float(gradient.sum(dim=2).abs().max()) < 1e-12
    assert abs(float((polygon * gradient).sum()) / (2 * shoelace(polygon)) - 1) < 1e-4 and "a part in ten thousand" in text


def test_a_raster_that_is_coarse_against_tau_breaks_the_identity(a2, text):
    polygon = ellipse()
    found = float((polygon * gradient_of_area(a2, polygon, 0.005)).sum())
    assert abs(found / (2 * shoelace(polygon)) - 1) > 0.01 and "try τ = 0.005" in text


@pytest.mark.parametrize(("kernel", "padding", "block"), [(3, 0, [4, 2, 2, 1]), (4, 1, [4, 4, 4, 4])])
def test_contributions_in_the_middle(kernel, padding, block):
    counts = F.conv_transpose2d(torch.ones(1, 1, 6, 6), torch.ones(1, 1, kernel, kernel), stride=2, padding=padding)
    assert counts[0, 0, 4:6, 4:6].flatten().tolist() == block


def test_parameters_stay_within_the_budget(text):
    count = 192 * 1024 + 1024 + sum(16 * a * b + b for a, b in ((64, 32), (32, 16), (16, 3)))
    assert count == 239_411 <= 250_000 and "250 000 parameters" in text and "<= 250_000" in text


def test_numbers_of_the_written_question(lessons):
    (question,) = [cell.source for cell in lessons[NOTEBOOK].cells if cell.role is Role.QUESTION]
    c = 1 / (1 + math.exp(10))
    assert f"{4 * c * (1 - c):.1e}" == "1.8e-04" and "1.8 · 10⁻⁴" in question
    assert round(2 / 512, 4) == 0.0039 and 0.5 / (2 / 512) == 128 and round(0.2 / (2 / 512)) == 51
    assert "128 τ" in question and "51 pixels" in question
    assert f"{(0.004 / 0.2) ** (1 / 200):.2f}" == "0.98"


def test_share_of_a_pixel_at_three_temperatures(text):
    assert f"{1 / (1 + math.exp(-3)):.2f}" == "0.95" and "at $3\\tau$ inside, a pixel is 0.95" in text


@pytest.mark.needs_original
def test_the_notebook_runs_on_the_original_icons(lessons, tmp_path):
    lines = ["import vislab.check", "vislab.check.check = lambda *answer, **extras: None"]
    lines += [cell.source for cell in lessons[NOTEBOOK].cells if not cell.is_markdown]
    script = tmp_path / "notebook.py"
    script.write_text(re.sub(r"steps\(full=\d+", "steps(full=3", "\n".join(lines)), encoding="utf-8")
    environment = os.environ | {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "VISLAB_ICONS": str(ORIGINAL)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
