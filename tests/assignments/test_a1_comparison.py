"""Notebook 6 of assignment 1: the numbers of its text, what its metric counts, and where hidden pictures come from."""

from __future__ import annotations

import re
import statistics
import sys
from pathlib import Path

import pytest
import torch

from assignments.a1_pose.heads_by_seed import errors_of_seed, lesson_names, table
from autograder.exercise.draw import Draw
from autograder.exercise.hidden_data import FOLDER_VARIABLE, HiddenDataMissing
from data_scripts.discovery import builders
from data_scripts.production import make

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "assignments" / "a1_pose"
LESSON = FOLDER / "lessons" / "6_comparison.py"


def module_of(a1, name):
    return sys.modules[type(a1.exercises[name]).__module__]


@pytest.fixture(scope="session")
def hidden_folder(tmp_path_factory):
    """A small file of hidden pictures, built as the big one is."""
    folder = tmp_path_factory.mktemp("hidden")
    make(builders()["pose_hidden"], folder, 560, 1, lambda what, total: lambda line: None)
    return folder


def test_rounding_to_cells_costs_what_the_text_says():
    grid = (torch.arange(1000) + 0.5) / 1000 - 0.5
    mean = torch.hypot(grid[:, None].double(), grid[None].double()).mean()
    assert abs(float(mean) - 0.3826) < 1e-4
    assert [round(0.3826 * stride, 2) for stride in (2, 4, 8, 16)] == [0.77, 1.53, 3.06, 6.12]


def test_two_nets_of_one_mean_error_have_other_shares(a1):
    ways = torch.nn.functional.normalize(torch.randn(50, 10, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)), dim=-1)
    even, lost = 5 * ways, torch.where(torch.arange(10)[:, None] == 0, 41 * ways, ways)
    assert all(abs(float(torch.linalg.vector_norm(guess, dim=-1).mean()) - 5) < 1e-9 for guess in (even, lost))
    share = a1.exercises["pose.pck"].reference
    zero, size = torch.zeros(50, 10, 2, dtype=torch.float64), torch.full((50,), 50.0, dtype=torch.float64)
    seen = torch.ones(50, 10, dtype=torch.bool)
    found = {alpha: [float(share(guess, zero, seen, size, alpha=alpha)) for guess in (even, lost)] for alpha in (0.05, 0.09, 0.11, 0.2)}
    assert found[0.09] == [0.0, 0.9] and found[0.11] == [1.0, 0.9] and found[0.05] == [0.0, 0.9] and found[0.2] == [1.0, 0.9]


@pytest.mark.parametrize("name", ["constant", "likely_share", "squared_distance", "largest_coordinate"])
def test_a_share_that_is_said_without_looking_earns_nothing(a1, judged, name):
    path = FOLDER / "mutants" / "pck" / f"{name}.py"
    assert [judged(a1.exercises["pose.pck"], path, secret)[1].earned for secret in range(4)] == [0.0] * 4


def test_hidden_joints_lie_on_one_side_of_the_threshold_whatever_the_precision(a1):
    exercise = a1.exercises["pose.pck"]
    for case in exercise.cases():
        inputs = case.inputs(b"seed")
        predicted, target, visible, scale = inputs.args
        if case.public or case.family != "value":
            continue
        share = torch.linalg.vector_norm(predicted - target, dim=-1) / scale[:, None]
        assert float((share / inputs.kwargs["alpha"] - 1).abs().min()) > 5e-4
        # many, and an odd number of them: a half is never right.
        assert int(visible.sum()) > 2000 and int(visible.sum()) % 2 == 1


def test_scores_of_hand_made_numbers(a1):
    one = torch.tensor([[[3.0, 4.0], [0.0, 0.0]], [[6.0, 8.0], [0.0, 1.0]]], dtype=torch.float64)
    seen, kappa = torch.tensor([[True, True], [True, False]]), torch.tensor([0.125, 0.25], dtype=torch.float64)
    size = torch.tensor([40.0, 0.0], dtype=torch.float64)
    mean, area, similar = a1.exercises["pose.keypoint_scores"].reference(one, torch.zeros_like(one), seen, size, kappa, alphas=[0.1, 0.125])
    assert float(mean) == 5.0 and abs(float(area) - 0.5) < 1e-12
    # 5 px at a reach of 40 / 8 = 5 px: exp(-1/2); nothing of a person of no size counts.
    assert torch.allclose(similar, torch.tensor([(torch.exp(torch.tensor(-0.5)) + 1) / 2, 0.0], dtype=torch.float64))


def test_averaging_in_the_mirror_is_an_involution(a1):
    average, generator = a1.exercises["pose.flip_average"].reference, torch.Generator().manual_seed(0)
    maps, twin = torch.randn(2, 5, 4, 7, dtype=torch.float64, generator=generator), torch.tensor([0, 3, 4, 1, 2])
    assert torch.equal(average(maps, maps.flip(-1)[:, twin], twin), maps)


def heads_like_trained_ones(joints):
    """Regression, heat map and integral answers, each with errors of its own, in their bands."""
    noise = torch.randn(3, *joints.shape, dtype=joints.dtype, generator=torch.Generator().manual_seed(0))
    return joints + 1.2 * noise[0], ((joints + 0.9 * noise[1] - 1.5) / 4).round() * 4 + 1.5, joints + 0.5 * noise[2]


def test_heads_are_counted_one_by_one(a1):
    exercise = a1.exercises["pose.three_heads"]
    metric = exercise.probe.metric
    inputs = exercise.cases()[1].inputs(b"seed")
    joints, counted = inputs.withheld
    regression, heatmap, integral = heads_like_trained_ones(joints)
    assert metric(torch.stack([regression, heatmap, integral]), joints, counted) == 3
    assert metric(torch.stack([regression, heatmap + 0.1, integral]), joints, counted) == 2, "a heat map is read at the centres of cells"
    assert metric(torch.stack([integral, heatmap, integral]), joints, counted) == 2, "one answer handed in twice counts once"
    assert metric(torch.stack([regression, heatmap, joints + 2]), joints, counted) == 2
    assert metric(exercise.baseline(*inputs.args), joints, counted) == 0
    # what is overexposed does not count.
    spoilt = torch.where(counted[:, None, None], integral, torch.full_like(joints, 1e6))
    assert metric(torch.stack([regression, heatmap, spoilt]), joints, counted) == 3
    assert (~counted).sum() == 8


def test_what_one_training_gives_away_is_no_second_one(a1):
    exercise = a1.exercises["pose.three_heads"]
    metric = exercise.probe.metric
    joints, counted = exercise.cases()[1].inputs(b"seed").withheld
    regression, heatmap, integral = heads_like_trained_ones(joints)
    assert metric(torch.stack([regression, heatmap, integral]), joints, counted) == 3
    rounded = ((integral - 1.5) / 4).round() * 4 + 1.5
    assert metric(torch.stack([regression, rounded, integral]), joints, counted) == 2
    assert metric(torch.stack([1.05 * integral + 0.4, heatmap, integral]), joints, counted) == 2
    assert metric(torch.stack([1.05 * integral + 0.4, rounded, integral]), joints, counted) == 1
    assert metric(torch.full((3, *joints.shape), 1e30), joints, counted) == 0


def band_cell(lessons):
    (cell,) = [cell.source for cell in lessons["6_comparison"].cells if "bands = " in cell.source]
    return cell


def seeds_of_the_readme():
    """The table of errors by seed: names of its columns, and a row of numbers for each seed."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    head, *rows = [
        line.strip("| ").split(" | ") for line in text[text.index("| seed |") :].split("\n\n")[0].splitlines() if "---" not in line
    ]
    return head[1:], [[float(value) for value in row[1:]] for row in rows if row[0].isdigit()]


def test_bands_of_the_lesson_are_four_deviations_about_ten_seeds(lessons):
    names, rows = seeds_of_the_readme()
    bands = eval(re.search(r"bands = (.*)", band_cell(lessons))[1])
    assert len(rows) == 10 and len(bands) == 5
    for name, values, (low, high) in zip(names, zip(*rows), bands):
        mean, deviation = statistics.mean(values), statistics.stdev(values)
        assert abs(mean - 4 * deviation - low) < 0.06 and abs(mean + 4 * deviation - high) < 0.06, name
        assert high < 11.5


def test_a_net_outside_of_its_band_is_told(lessons):
    _, rows = seeds_of_the_readme()
    asked = (("regression", 4), ("heatmap", 4), ("integral", 4), ("heatmap", 8), ("integral", 8))

    def run(errors, count=300):
        names = {
            "COUNT": count,
            "ASKED": asked,
            "mean_pose": 11.5,
            "guesses": dict(zip(asked, errors)),
            "measured": lambda guess: (guess, 0.0),
        }
        exec(band_cell(lessons), names)

    for row in rows:
        run(row[:5])
    for place in range(5):
        for wrong in (3.0, 11.5):
            with pytest.raises(AssertionError, match=r"px lies outside of .* px; was the training changed\?"):
                run([*rows[0][:place], wrong, *rows[0][place + 1 : 5]])
    with pytest.raises(AssertionError):
        run([7.8, 7.5, 6.6, 7.6, 7.2])
    # shortened trainings are not held against them.
    run([12.0] * 5, count=10)


def test_errors_by_seed_come_out_of_the_lessons_own_cells():
    if not (ROOT / "data" / "pose.h5").is_file():
        make(builders()["pose"], ROOT / "data", builders()["pose"].count, 0, lambda what, total: lambda line: None)
    lesson = lesson_names(LESSON.read_text(encoding="utf-8"))
    lesson["COUNT"], lesson["pictures"] = 1, lesson["pictures"][:40]
    for name in ("truth", "visible", "extent"):
        lesson[name] = lesson[name][:40]
    lesson["measured"].__defaults__ = (lesson["visible"],)
    row = errors_of_seed(lesson, 0)
    assert list(row) == seeds_of_the_readme()[0]
    # after one step no net knows anything, and no two ways of reading agree.
    assert all(8 < value < 64 for value in row.values()), row
    assert len(set(row.values())) == len(row)


def test_a_lesson_without_its_training_is_refused():
    text = '# %% [markdown]\n# # Title\n# %%\ntrained = 1\n# %%\nflip_average = undefined\n# %% check="pose.flip_average"\nundefined'
    with pytest.raises(LookupError, match=r"6_comparison.py defines no flip_average; this table needs both"):
        lesson_names(text)


def test_a_table_of_seeds_has_mean_and_deviation():
    assert table([{"a": 1.0, "b": 2.5}]) == "| seed | a | b |\n|---|---|---|\n| 0 | 1.00 | 2.50 |"
    assert table([{"a": 1.0}, {"a": 2.0}]).endswith("| 1 | 2.00 |\n| mean ± sd | 1.50 ± 0.71 |")


def test_two_looks_with_noise_of_their_own_leave_what_the_text_says(lessons):
    (cell,) = [cell.source for cell in lessons["6_comparison"].cells if "noise moves a place" in cell.source]
    names = {}
    exec(lessons["6_comparison"].setup_source, names)
    exec(lessons["6_comparison"].solution_source("pose.flip_average"), names)
    names["people"] = type("People", (), {"attributes": {"mirror": [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]}})
    exec(cell, names)
    assert abs(names["off"][1] / names["off"][0] - 2**-0.5) < 0.01
    assert round(names["off"][0], 3) == 0.067 and round(names["off"][1], 3) == 0.047


def test_every_case_of_figures_has_colours_and_an_order_of_its_own(a1):
    module = module_of(a1, "pose.three_heads")
    first, second = (module.task(Draw(bytes([number]))) for number in (1, 2))
    pictures, joints, hidden = first.args
    assert pictures.dtype == torch.int16 and tuple(pictures.shape) == (400, 3, 24, 32) and tuple(joints.shape) == (400, 5, 2)
    assert int(hidden[::20].max()) > 10_000 and int(hidden[1:20].max()) < 1_400
    assert float(joints.min()) >= 0 and float(joints[..., 0].max()) <= 31 and float(joints[..., 1].max()) <= 23
    assert not torch.equal(first.args[0], second.args[0])
    # about what the mean pose is wrong by, as the text says.
    off = torch.linalg.vector_norm(joints.mean(dim=0) - first.withheld[0], dim=-1).mean()
    assert 6.0 < float(off) < 8.0


def test_hidden_pictures_are_drawn_from_the_instructors_file(a1, hidden_folder, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(hidden_folder))
    exercise = a1.exercises["pose.net"]
    one, other = (exercise.cases()[3].inputs(bytes([number])).args for number in (1, 2))
    assert tuple(one[0].shape) == (200, 3, 64, 64) and 0 <= float(one[0].min()) and float(one[0].max()) <= 1
    assert not torch.equal(one[0], other[0]) and one[2].dtype == torch.bool
    assert all(case.draw.__name__ == "pictures_of_training" for case in exercise.cases() if case.public)


def test_a_missing_hidden_file_says_how_to_build_it(a1, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(HiddenDataMissing, match=r"pose_hidden.h5 is missing; .*python -m data_scripts pose_hidden"):
        a1.exercises["pose.net"].cases()[3].inputs(b"1")


def test_a_file_with_too_few_people_is_told(a1, tmp_path, monkeypatch):
    make(builders()["pose_hidden"], tmp_path, 20, 1, lambda what, total: lambda line: None)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match=r"people who face the camera; at least 200 are needed: build it with more, by --count"):
        a1.exercises["pose.net"].cases()[3].inputs(b"1")


def test_trained_weights_reach_both_bars_and_others_do_not(a1, hidden_folder, monkeypatch):
    from autograder.audit.answers import answers_in
    from autograder.audit.model_audit import weights_file
    from autograder.exercise.seeds import SeedSource
    from autograder.judge.model import judge_model, local_model
    from autograder.judge.scoring import score

    monkeypatch.setenv(FOLDER_VARIABLE, str(hidden_folder))
    if not (ROOT / "data" / "pose.h5").is_file():
        make(builders()["pose"], ROOT / "data", builders()["pose"].count, 0, lambda what, total: lambda line: None)
    exercise, seeds = a1.exercises["pose.net"], SeedSource(bytes(32), "a submission")
    answers = [answer for kind in ("accepted", "mutants") for answer in answers_in(FOLDER / kind / "net")]
    # the audit measures all of them under many secrets.
    some = [answer for answer in answers if answer.name in ("trained", "sides_exchanged", "learnt_by_heart")]
    earned = {answer.name: score(exercise, judge_model(exercise, seeds, weights_file(answer), local_model)).earned for answer in some}
    assert earned == {"trained": 6, "sides_exchanged": 0, "learnt_by_heart": 0}
