"""The numbers in the text of notebook 1 are right, and its references say what the mathematics says."""

import math

import pytest
import torch

from autograder.authoring.cell import Role
from vislab.check.verdict import Verdict
from vislab.geometry.pixel_coordinates import norm_to_pixel, pixel_to_norm
from vislab.ops.gaussian_heatmaps.op import gaussian_heatmaps


@pytest.fixture
def text(lessons):
    return "\n".join(cell.source for cell in lessons["1_heatmaps"].cells)


@pytest.fixture
def draw(a1):
    return a1.exercises["pose.pose2heatmap"].reference


@pytest.fixture
def decode(a1):
    return a1.exercises["pose.decode_heatmap"].reference


@pytest.fixture
def in_a_cell():
    """Places spread evenly within the cell (6, 6), ``[1, N, 2]``."""
    part = (torch.arange(100, dtype=torch.float64) + 0.5) / 100 - 0.5
    return 6 + torch.stack(torch.meshgrid(part, part, indexing="xy"), dim=-1).reshape(1, -1, 2)


def mean_error(found, truth):
    return float((found - truth).norm(dim=-1).mean())


def test_cost_of_a_mixed_convention(text):
    width = 64
    index = torch.arange(width, dtype=torch.float64)
    points = torch.stack((index, index * 0), dim=-1)
    mixed = norm_to_pixel(pixel_to_norm(points, (48, width), False), (48, width), True)[:, 0] - index
    shortcut = (2 * index / width - 1 + 1) / 2 * (width - 1) - index
    assert (round(float(mixed.abs().mean()), 2), round(float(mixed.abs().max()), 2)) == (0.25, 0.49)
    assert (round(float(shortcut.abs().mean()), 2), round(float(shortcut.abs().max()), 2)) == (0.49, 0.98)
    assert "A quarter of a pixel" in text


def test_numbers_of_the_stride_question(text):
    x = 30.0
    ben = (x + 0.5) / 4 - 0.5
    mirrored = 15 - ((63 - x + 0.5) / 4 - 0.5)
    assert ben == 7.125 and 4 * (x / 4 - ben) == 1.5 and mirrored == ben
    anna = (x / 4 + (15 - (63 - x) / 4)) / 2
    assert 4 * (x / 4 - anna) == 1.5
    for number in ("7.125", "0.375", "15.75", "15.375"):
        assert number in text


def test_the_text_answers_neither_written_question(lessons):
    shown = "\n".join(cell.source for cell in lessons["1_heatmaps"].cells if cell.role is not Role.QUESTION)
    # notebook 2 asks for the floor of an arg-max at stride 4: 1.53 image pixels.
    for number in ("7.125", "0.375", "1.53", "1.5 px", "1.5 image pixels"):
        assert number not in shown


@pytest.mark.parametrize("mode", ["peak", "sum"])
def test_maps_agree_with_the_shipped_op(draw, mode):
    poses = torch.tensor([[[4.3, 2.6], [-1.4, 9.7], [900.0, -700.0]], [[5.5, 3.0], [math.nan, 1.0], [12.0, 0.2]]], dtype=torch.float64)
    visible = torch.tensor([[True, True, True], [True, False, True]])
    for sigma in (1e-3, 0.7, 2.5):
        maps = draw(poses, visible, 8, 13, sigma, mode)
        shipped = gaussian_heatmaps(poses, (8, 13), sigma=sigma, normalise=mode, visibility=visible)
        assert torch.allclose(maps, shipped, atol=1e-9), sigma


def test_slope_of_a_map_is_the_formula_of_the_text(draw):
    poses = torch.tensor([[[4.3, 2.6]]], dtype=torch.float64, requires_grad=True)
    visible = torch.ones(1, 1, dtype=torch.bool)
    column, row = torch.arange(11, dtype=torch.float64), torch.arange(7, dtype=torch.float64)[:, None]
    cotangent = torch.rand(7, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    maps = draw(poses, visible, 7, 11, 1.3, "peak")[0, 0]
    (slope,) = torch.autograd.grad((maps * cotangent).sum(), poses)
    by_hand = [float((cotangent * maps * (place - own) / 1.3**2).sum().detach()) for place, own in ((column, 4.3), (row, 2.6))]
    assert torch.allclose(slope[0, 0], torch.tensor(by_hand, dtype=torch.float64), atol=1e-13)
    # in sum mode, the distance is taken from the mean of the map instead of the joint.
    share = draw(poses, visible, 7, 11, 1.3, "sum")[0, 0]
    (slope,) = torch.autograd.grad((share * cotangent).sum(), poses)
    by_hand = float((cotangent * share * (column - (share * column).sum()) / 1.3**2).sum().detach())
    assert abs(float(slope[0, 0, 0]) - by_hand) < 1e-13
    assert torch.autograd.gradcheck(lambda given: draw(given, visible, 7, 11, 1.3, "sum"), poses)


def test_squares_of_a_far_joint_swallow_the_near_axis_as_the_text_says():
    assert torch.tensor(1500.0) ** 2 + torch.tensor(0.3) ** 2 == torch.tensor(1500.0) ** 2
    assert 64 + 64 == 128 and 64 * 64 == 4096


def test_a_joint_that_walks_out_fades_in_one_mode_only(draw):
    visible = torch.ones(1, 1, dtype=torch.bool)
    table = {
        away: [
            float(draw(torch.tensor([[[14.0 + away, 4.0]]], dtype=torch.float64), visible, 9, 15, 1.6, mode).max())
            for mode in ("peak", "sum")
        ]
        for away in (0.0, 1.0, 3.0, 20.0)
    }
    peaks, sums = zip(*table.values(), strict=True)
    assert list(peaks) == sorted(peaks, reverse=True) and list(sums) == sorted(sums)
    assert peaks[-1] < 1e-6 and sums[-1] > 0.2


def test_mean_errors_of_the_three_decoders(decode, draw, in_a_cell, text):
    visible = torch.ones(1, in_a_cell.shape[1], dtype=torch.bool)
    maps = draw(in_a_cell, visible, 13, 13, 1.5, "peak")
    theory = (math.sqrt(2) + math.asinh(1)) / 6
    means = {method: mean_error(decode(maps, method), in_a_cell) for method in ("argmax", "quarter", "parabola")}
    assert f"{means['argmax']:.4f}" == f"{theory:.4f}" == "0.3826" and "0.3826" in text
    assert f"{means['quarter']:.4f}" == f"{theory / 2:.4f}" == "0.1913" and "0.1913" in text
    assert means["parabola"] < 1e-6
    assert f"{16 * (means['argmax'] - means['parabola']):.0f}" == "6" and "is six pixels" in text


def test_without_the_logarithm_a_perfect_map_is_misread(decode, draw, in_a_cell):
    visible = torch.ones(1, in_a_cell.shape[1], dtype=torch.bool)
    maps = draw(in_a_cell, visible, 13, 13, 1.5, "peak")
    assert 0.01 < mean_error(decode(maps.exp(), "parabola"), in_a_cell) < 0.05


def test_noise_costs_more_on_wide_bumps(decode):
    generator = torch.Generator().manual_seed(1)
    place = 10 + 4 * torch.rand(1, 2000, 2, generator=generator)
    noise = 0.05 * torch.randn(1, 2000, 25, 25, generator=generator)
    errors = [mean_error(decode(gaussian_heatmaps(place, (25, 25), sigma=sigma) + noise, "parabola"), place) for sigma in (1.0, 2.0, 4.0)]
    assert errors[0] < 0.12 < errors[1] < 0.35 < errors[2] < 0.9


def test_contradicting_labels_lower_the_peak_by_the_formula_of_the_text():
    generator = torch.Generator().manual_seed(0)
    labels = 20 + 3.0 * torch.randn(1, 4000, 2, generator=generator)
    mean = gaussian_heatmaps(labels, (41, 41), sigma=2.0)[0].mean(dim=0)
    width = math.hypot(2.0, 3.0)
    formula = (2.0 / width) ** 2 * gaussian_heatmaps(torch.full((1, 1, 2), 20.0), (41, 41), sigma=width)[0, 0]
    assert (mean - formula).abs().max() < 0.02


def test_result_of_the_experiment_on_scale(decode, text):
    generator = torch.Generator().manual_seed(6)
    error, peak = {}, {}
    for height in (20.0, 60.0, 120.0):
        slip = 0.05 * height
        for rule, sigma in (("one", 1.0), ("six", 6.0), ("scale", 0.05 * height)):
            wide = math.hypot(sigma, slip)
            truth = 32 + 16 * torch.rand(1, 150, 2, generator=generator)
            maps = (sigma / wide) ** 2 * gaussian_heatmaps(truth, (80, 80), sigma=wide)
            maps = maps + 0.03 * torch.randn(maps.shape, generator=generator)
            peak[rule, height] = float(maps.amax(dim=(2, 3)).mean())
            error[rule, height] = float((decode(maps, "parabola") - truth).norm(dim=-1).median()) / height
    assert peak["one", 20.0] > 0.45 and peak["one", 60.0] < 0.25 and peak["one", 120.0] < 0.2
    assert all(value > 0.45 for (rule, _), value in peak.items() if rule != "one")
    assert error["six", 20.0] > 5 * error["scale", 20.0] and "more than five times less accurately" in text
    for height in (20.0, 60.0, 120.0):
        seen = [error[rule, height] for rule in ("one", "six") if peak[rule, height] > 0.3]
        assert error["scale", height] < 1.1 * min(seen)


@pytest.mark.parametrize("place, call", [("gaussian_heatmaps", "sigma=sigma, normalise=mode, visibility=visible"), ("op", "")])
def test_the_shipped_maps_are_seen_and_earn_nothing(a1, judged, tmp_path, place, call):
    path = tmp_path / "shipped.py"
    ready = "shipped" if call else "shipped._plain"
    path.write_text(
        f"from vislab.ops.gaussian_heatmaps import {place} as shipped\n\n\n"
        "def pose2heatmap(poses, visible, height, width, sigma, mode='peak'):\n"
        f"    return {ready}(poses, (height, width), {call or 'sigma, mode, visible, poses.dtype'})\n"
    )
    record, score = judged(a1.exercises["pose.pose2heatmap"], path)
    assert score.earned == 0 and score.verdict is Verdict.RULE and len(record.observed.tripped) == 1


def test_public_answers_learnt_by_heart_earn_nothing(a1, judged, tmp_path):
    exercise = a1.exercises["pose.decode_heatmap"]
    known = [case.inputs(exercise.public_seed(case)) for case in exercise.cases() if case.public]
    answers = [exercise.reference(*inputs.args, **inputs.kwargs).float() for inputs in known]
    torch.save(
        [(inputs.args[0].float(), inputs.kwargs["method"], answer) for inputs, answer in zip(known, answers, strict=True)],
        tmp_path / "known.pt",
    )
    path = tmp_path / "by_heart.py"
    path.write_text(
        "import pathlib\n\nimport torch\n\nKNOWN = torch.load(pathlib.Path(__file__).parent / 'known.pt')\n\n\n"
        "def decode_heatmap(heatmaps, method='parabola'):\n"
        "    for maps, name, answer in KNOWN:\n"
        "        if name == method and maps.shape == heatmaps.shape and maps.dtype == heatmaps.dtype:\n"
        "            return answer.clone()\n"
        "    return torch.zeros(*heatmaps.shape[:2], 2, dtype=heatmaps.dtype)\n"
    )
    record, score = judged(exercise, path)
    right = [case.name for case in record.cases if case.verdict is Verdict.OK and not case.public]
    # what is right by accident, such as an empty batch or a map of one cell, does not count beside wrong values.
    assert score.earned == 0, right
