"""Mutants and accepted answers of assignment 1, under one course secret; the audit repeats this under twenty."""

import ast
from pathlib import Path

import pytest

from vislab.check.verdict import Verdict

FOLDER = Path(__file__).resolve().parents[2] / "assignments" / "a1_pose"
# answers to test-suite, behaviour and model exercises need processes and trainings of their own: the audit has the means for them.
JUDGED_HERE = ("function", "module", "step", "kernel")
MUTANTS = sorted(FOLDER.glob("mutants/*/*.py"))
ACCEPTED = sorted(FOLDER.glob("accepted/*/*.py"))

# what the report says about a mutant, where a diagnosis is what makes it useful.
NAMED = {
    "norm_to_pixel/flag_reversed": "the other align_corners convention",
    "norm_to_pixel/height_first": "height and width exchanged",
    "norm_to_pixel/half_pixel_lost": "half a unit too large",
    "norm_to_pixel/whole_pixels": "rounded to whole pixels",
    "pixel_to_norm/index_over_size": "the pixel index divided by the size",
    "pixel_to_norm/y_first": "x and y swapped",
    "pose2heatmap/x_and_y_swapped": "x and y swapped",
    "pose2heatmap/without_the_two": "without the 2",
    "pose2heatmap/sigma_not_squared": "sigma where sigma squared belongs",
    "pose2heatmap/area_of_the_bell": "divided by 2 pi sigma^2",
    "pose2heatmap/mode_ignored": "the other mode",
    "pose2heatmap/visibility_ignored": "every joint drawn, hidden or not",
    "pose2heatmap/counted_from_one": "cells counted from one",
    "decode_heatmap/row_first": "x and y swapped",
    "decode_heatmap/never_refined": "the arg-max, without any refinement",
    "decode_heatmap/column_by_column": "the map searched column by column",
    "decode_heatmap/no_logarithm": "a parabola through the values, without the logarithm",
    "decode_heatmap/slope_not_halved": "twice the refinement",
    "decode_heatmap/quarter_away": "the refinement in the wrong direction",
    "joint_loss/divides_by_all_joints": "divided by all joints instead of the visible ones",
    "joint_loss/mean_of_means": "the mean of every person's own mean",
    "joint_loss/mask_ignored": "every joint counted, hidden or not",
    "joint_loss/not_squared": "distances that are not squared",
    "regression_head/all_x_then_all_y": "all x first and then all y",
    "regression_head/maximum_pooling": "pooled by the maximum",
    "regression_head/tanh_on_the_output": "a tanh on the output",
    "soft_argmax/hard_argmax": "the arg-max",
    "soft_argmax/rows_on_their_own": "the soft-max taken over each row",
    "soft_argmax/transposed_grid": "rows and columns mixed up",
    "soft_argmax/counted_from_one": "off by one",
    "soft_argmax_kernel/first_block_only": "the first block alone",
    "soft_argmax_kernel/y_first": "x and y swapped",
    "integral_bias/middle_of_the_edges": "the middle of the map taken at (W/2, H/2)",
    "integral_bias/no_factor": "c - x, without the share of the background",
    "integral_bias/share_of_the_bump_as_factor": "w (c - x), with the share of the bump",
    "integral_bias/position_returned": "the position without the background",
    "heatmap_kernel/two_forgotten": "sigma squared without the 2 in front",
    "heatmap_kernel/at_the_nearest_cell": "the joint moved to the nearest cell",
    "heatmap_kernel/index_split_by_height": "rows and columns mixed up",
    "heatmap_kernel/visibility_ignored": "hidden joints drawn like the others",
    "soft_argmax_backward_kernel/mean_not_taken_off": "without the mean taken off",
    "soft_argmax_backward_kernel/x_and_y_exchanged": "the gradients of x and y exchanged",
    "soft_argmax_backward_kernel/total_forgotten": "never divided by their total",
    "soft_argmax_backward_kernel/other_way_round": "wrong sign",
    "find_peaks/no_suppression": "the highest cells, without any suppression",
    "find_peaks/four_neighbours": "four neighbours instead of eight",
    "find_peaks/y_first": "x and y swapped",
    "find_peaks/threshold_ignored": "the threshold ignored",
    "robust_loss/half_forgotten": "is twice what was expected",
    "robust_loss/slope_of_one": "a slope of 1 beyond delta",
    "robust_loss/smooth_l1": "the smooth L1 loss",
    "robust_loss/delta_ignored": "a delta of 1 instead of the given one",
    "robust_loss/kinds_exchanged": "the other kind of loss",
    "robust_centre/plain_mean": "the plain mean",
    "robust_centre/lower_median": "the lower one of the two middle samples",
    "robust_centre/share_in_all": "the share cut in all",
    "robust_centre/one_end_only": "cut at the upper end alone",
    "robust_centre/single_round": "a single round of weights",
    "point_nll/constant_dropped": "the constant left out",
    "point_nll/log_deviation": "the logarithm of the standard deviation",
    "point_nll/half_missing": "the half of the log-variance left out",
    "point_nll/mean_over_x_and_y": "is half of what was expected",
    "point_nll/scale_without_root_two": "a Laplace density of variance b²",
    "heatmap_loss/other_direction": "the other direction",
    "heatmap_loss/cross_entropy_for_kl": "the cross-entropy, whose smallest value is not zero",
    "heatmap_loss/no_softmax": "without the soft-max",
    "heatmap_loss/half_forgotten": "twice",
    "heatmap_covariance/about_the_corner": "the second moment about the corner",
    "heatmap_covariance/variances_only": "the variances without the covariance",
    "limb_field/summed": "people summed where they overlap, not averaged",
    "limb_field/divides_by_all_people": "divided by the number of people",
    "limb_field/not_normalised": "directions as long as the limb",
    "limb_field/line_without_ends": "a line that does not stop at the joints",
    "limb_score/not_normalised": "the direction left as long as the limb",
    "limb_score/sum_over_samples": "the sum over the samples",
    "limb_score/ends_alone": "the two ends alone",
    "limb_score/end_left_out": "samples that leave out the end",
    "visibility_loss/labels_exchanged": "visible and hidden exchanged",
    "visibility_loss/visible_alone": "the visible joints alone",
    "pck/pixels_for_shares": "the same threshold for people of every size",
    "pck/mask_ignored": "every joint counted, visible or not",
    "pck/divides_by_all_joints": "divided by all joints instead of the visible ones",
    "flip_average/sides_kept": "left and right joints not exchanged",
    "flip_average/not_turned_back": "the second maps not turned back",
    "flip_average/upside_down": "turned upside down",
}


def label(path):
    return f"{path.parent.name}/{path.stem}"


def exercise_of(a1, path):
    return a1.exercises[f"pose.{path.parent.name}"]


def judged_here(a1, path):
    exercise = exercise_of(a1, path)
    if exercise.probe.kind not in JUDGED_HERE:
        pytest.skip("judged by the audit, which has the means for it")
    return exercise


@pytest.mark.parametrize("path", MUTANTS, ids=label)
def test_mutant_loses_points_on_hidden_cases(a1, judged, path):
    exercise = judged_here(a1, path)
    record, score = judged(exercise, path)
    public = {case.name for case in exercise.cases() if case.public}
    wrong = [case for case in record.cases if case.verdict is not Verdict.OK]
    assert score.earned < exercise.points_total
    assert [case for case in wrong if case.name not in public], "only public cases reject it"
    assert len(wrong) >= 2, f"a single case rejects it: {wrong}"
    assert Verdict.GRADER_ERROR not in {case.verdict for case in record.cases}
    if label(path) in NAMED:
        assert any(NAMED[label(path)] in case.text for case in wrong), [case.text for case in wrong]


@pytest.mark.parametrize("path", ACCEPTED, ids=label)
def test_accepted_answer_keeps_every_point(a1, judged, path):
    exercise = judged_here(a1, path)
    record, score = judged(exercise, path)
    assert [(case.name, case.text) for case in record.cases if case.verdict is not Verdict.OK] == []
    assert score.earned == exercise.points_total, record.observed


@pytest.mark.parametrize("path", MUTANTS + ACCEPTED, ids=label)
def test_answer_file_says_what_it_is_and_defines_the_symbol(a1, path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sentence = ast.get_docstring(tree)
    defined = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert sentence and sentence.endswith(".") and "\n" not in sentence
    exercise = exercise_of(a1, path)
    # weights are made by a function of that name; what students hand in is a file.
    assert ("weights" if exercise.probe.kind == "model" else exercise.symbol) in defined


def test_every_exercise_ships_enough_answers(a1):
    for exercise in a1.exercises.values():
        assert len(list((FOLDER / "mutants" / exercise.file_stem).glob("*.py"))) >= 4, exercise.name
        assert len(list((FOLDER / "accepted" / exercise.file_stem).glob("*.py"))) >= 2, exercise.name


def test_diagnoses_are_asked_of_mutants_that_exist():
    assert set(NAMED) <= {label(path) for path in MUTANTS}


def test_a_built_in_loss_costs_the_rule_points_alone(a1, judged, tmp_path):
    path = tmp_path / "built_in.py"
    path.write_text(
        "from torch.nn import functional as F\n\n\n"
        "def joint_loss(predicted, target, visible, kind='l2'):\n"
        "    loss = getattr(F, 'mse_loss' if kind == 'l2' else 'l1_loss')\n"
        "    return loss(predicted[visible], target[visible], reduction='sum') / max(1, int(visible.sum()))\n"
    )
    record, score = judged(a1.exercises["pose.joint_loss"], path)
    assert score.earned == 5.75 and score.verdict is Verdict.RULE
    assert record.observed.forbidden == ("torch.nn.functional.l1_loss", "torch.nn.functional.mse_loss")


def test_the_shipped_op_is_seen_and_earns_nothing(a1, judged, tmp_path):
    path = tmp_path / "shipped.py"
    path.write_text("import vislab.ops.soft_argmax as shipped\n\n\ndef soft_argmax(maps):\n    return shipped.soft_argmax(maps)\n")
    record, score = judged(a1.exercises["pose.soft_argmax"], path)
    assert score.earned == 0 and score.verdict is Verdict.RULE and record.observed.tripped == ("vislab.ops.soft_argmax.soft_argmax",)


def test_a_ready_density_is_seen_and_earns_nothing(a1, judged, tmp_path):
    path = tmp_path / "ready.py"
    path.write_text(
        "import torch\n\n\n"
        "def point_nll(predicted, log_variance, target, kind):\n"
        "    deviation = torch.exp(log_variance / 2)\n"
        "    ready = torch.distributions\n"
        "    density = ready.Normal(predicted, deviation) if kind == 'gaussian' else ready.Laplace(predicted, deviation / 2**0.5)\n"
        "    return -density.log_prob(target).sum(dim=-1)\n"
    )
    record, score = judged(a1.exercises["pose.point_nll"], path)
    assert score.earned == 0 and score.verdict is Verdict.RULE
    assert record.observed.tripped == ("torch.distributions.Laplace", "torch.distributions.Normal")


def test_work_in_place_costs_the_purity_points(a1, judged, tmp_path):
    path = tmp_path / "in_place.py"
    path.write_text(
        "import torch\n\n\n"
        "def norm_to_pixel(points, height, width, align_corners):\n"
        "    size = torch.tensor([width, height], dtype=points.dtype)\n"
        "    answer = (points + 1) / 2 * (size - 1) if align_corners else ((points + 1) * size - 1) / 2\n"
        "    points.detach().mul_(2)\n"
        "    return answer\n"
    )
    record, score = judged(a1.exercises["pose.norm_to_pixel"], path)
    assert score.observed == 0 and record.observed.mutated and score.verdict is Verdict.MUTATED_INPUT
