"""The lessons of assignment 1: solutions rest on the setup cell alone, and the numbers in the text are right."""

import ast
import math
import tomllib

import pytest
import torch

from autograder.authoring.cell import Role
from autograder.authoring.markers import removed_lines
from autograder.authoring.rules import read_lessons
from vislab.geometry.pixel_coordinates import norm_to_pixel, pixel_to_norm
from vislab.ops.soft_argmax.op import soft_argmax

LINES_MAX, KERNEL_LINES_MAX = 25, 40


@pytest.fixture(scope="module")
def lessons(a1):
    return read_lessons(a1)


def text_of(lesson):
    return "\n".join(cell.source for cell in lesson.cells)


def test_points_of_the_text_are_the_points_of_the_exercises(a1, lessons):
    shown = "\n".join(text_of(lesson) for lesson in lessons)
    for exercise in a1.exercises.values():
        points = f"({exercise.points_total:g} {'bonus ' if exercise.bonus else ''}points)"
        headings = [line for line in shown.split("\n") if line.startswith("##") and points in line]
        assert [line for line in headings if exercise.bonus or exercise.symbol in line], f"no heading gives {exercise.name} {points}"
    for lesson, total in zip(lessons, (21, 19)):
        exercises = sum(a1.exercises[name].points_total for name in lesson.exercises if not a1.exercises[name].bonus)
        questions = sum(cell.points for cell in lesson.cells if cell.role is Role.QUESTION)
        assert exercises + questions == total and f"{total} points" in lesson.cells[0].source


def test_what_hidden_cases_ask_of_every_exercise_stands_in_the_conventions(a1, lessons):
    layouts = {case.layout for exercise in a1.exercises.values() for case in exercise.cases()}
    assert {"strided", "transposed"} <= layouts
    for lesson in lessons:
        (conventions,) = [cell.source for cell in lesson.cells if cell.is_markdown and "## Conventions" in cell.source]
        for word in ("dtype", "float64", "inputs", "random generators", "empty (B = 0)", "not contiguous"):
            assert word in conventions, f"{lesson.place}: the conventions do not speak of {word}"


def test_limbs_on_the_left_are_drawn_paler_as_the_text_says(lessons):
    names = {"LIMBS", "INK", "WIDTH, HEIGHT, JOINTS"}
    for lesson in lessons:
        (cell,) = [cell.source for cell in lesson.cells if cell.source.startswith("LIMBS")]
        space = {"torch": torch, "Tensor": torch.Tensor}
        exec("\n".join(line for line in cell.split("\n") if line.split(" = ")[0] in names), space)
        # joint 2 is the hand to the left of the picture (an angle of 140 degrees), joint 3 the one to the right.
        ink = {end: float(ink) for (_, end), ink in zip(space["LIMBS"], space["INK"][:, 0])}
        assert ink[2] < ink[3] and ink[5] < ink[6]
    assert "limbs on the left of the picture are drawn paler" in text_of(lessons[0])


def test_the_written_question_is_not_answered_by_the_text(lessons):
    shown = "\n".join(cell.source for cell in lessons[1].cells if cell.role is not Role.QUESTION)
    assert "stride 4 it is" not in shown and "1.5 image pixels" not in shown
    assert f"{8 * (math.sqrt(2) + math.asinh(1)) / 6:.0f}" == "3" and "stride 8 it is 3 image pixels" in shown


def test_each_notebook_has_a_question_with_model_answer_and_rubric(lessons):
    for lesson in lessons:
        (question,) = [cell for cell in lesson.cells if cell.role is Role.QUESTION]
        hidden = "\n".join(line for _, line in removed_lines(question.source))
        assert "**Rubric**" in hidden and len(hidden) > 500


@pytest.mark.parametrize(
    "name",
    ["norm_to_pixel", "pixel_to_norm", "joint_loss", "regression_head", "soft_argmax", "soft_argmax_kernel", "heatmap_covariance"],
)
def test_solution_needs_the_setup_cell_alone_and_earns_every_point(a1, lessons, judged, tmp_path, name):
    (lesson,) = [lesson for lesson in lessons if f"pose.{name}" in lesson.exercises]
    path = tmp_path / f"solution_{name}.py"
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.solution_source(f'pose.{name}')}\n", encoding="utf-8")
    exercise = a1.exercises[f"pose.{name}"]
    record, score = judged(exercise, path)
    assert score.earned == exercise.points_total, [(case.name, case.text) for case in record.cases if case.text]


@pytest.mark.parametrize("name", ["soft_argmax", "soft_argmax_kernel"])
def test_stub_earns_nothing(a1, lessons, judged, tmp_path, name):
    (lesson,) = [lesson for lesson in lessons if f"pose.{name}" in lesson.exercises]
    path = tmp_path / f"stub_{name}.py"
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.stub_source(f'pose.{name}')}\n", encoding="utf-8")
    _, score = judged(a1.exercises[f"pose.{name}"], path)
    assert score.earned == 0 and str(score.verdict) == "NOT_ATTEMPTED"


def test_cells_are_short(lessons):
    for lesson in lessons:
        for cell in lesson.cells:
            lines = len(cell.source.split("\n"))
            allowed = KERNEL_LINES_MAX if cell.name == "pose.soft_argmax_kernel" or cell.role is Role.SETUP else LINES_MAX
            assert cell.is_markdown or lines <= allowed, f"{lesson.place}:{cell.line} has {lines} lines"


def test_setup_of_the_kernel_notebook_survives_a_machine_without_triton(lessons, monkeypatch):
    # an entry of None makes the import fail, as on a system that has no wheel.
    monkeypatch.setitem(__import__("sys").modules, "triton", None)
    space = {}
    exec(compile(lessons[1].setup_source, "setup", "exec"), space)
    exec(compile(lessons[1].stub_source("pose.soft_argmax_kernel"), "stub", "exec"), space)
    assert space["HAVE_TRITON"] is False and callable(space["soft_argmax_kernel"])


def test_kernel_demonstrations_ask_whether_triton_is_there(lessons):
    for cell in lessons[1].cells:
        if cell.role is Role.CODE and "_kernel[" in cell.source:
            launches = [node for node in ast.parse(cell.source).body if "_kernel[" in ast.unparse(node)]
            assert all(isinstance(node, ast.If) and ast.unparse(node.test) == "HAVE_TRITON" for node in launches)


def test_due_date_has_a_time_zone(a1):
    table = tomllib.loads((a1.folder / "assignment.toml").read_text(encoding="utf-8"))
    assert a1.due is not None and a1.due.utcoffset() is not None and table["points_total"] == 40


def test_cost_of_a_mixed_convention(lessons):
    width = 64
    index = torch.arange(width, dtype=torch.float64)
    points = torch.stack((index, index * 0), dim=-1)
    mixed = norm_to_pixel(pixel_to_norm(points, (48, width), False), (48, width), True)[:, 0] - index
    shortcut = (2 * index / width - 1 + 1) / 2 * (width - 1) - index
    assert (round(float(mixed.abs().mean()), 2), round(float(mixed.abs().max()), 2)) == (0.25, 0.49)
    assert (round(float(shortcut.abs().mean()), 2), round(float(shortcut.abs().max()), 2)) == (0.49, 0.98)
    assert "A quarter of a pixel" in text_of(lessons[0])


def test_numbers_of_the_stride_question(lessons):
    x = 30.0
    ben = (x + 0.5) / 4 - 0.5
    mirrored = 15 - ((63 - x + 0.5) / 4 - 0.5)
    assert ben == 7.125 and 4 * (x / 4 - ben) == 1.5 and mirrored == ben
    anna = (x / 4 + (15 - (63 - x) / 4)) / 2
    assert 4 * (x / 4 - anna) == 1.5
    for number in ("7.125", "0.375", "15.75", "15.375"):
        assert number in text_of(lessons[0])


def test_floor_of_the_arg_max(lessons):
    side = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000 - 0.5
    mean_distance = float(torch.hypot(side[:, None], side).mean())
    assert abs(mean_distance - (math.sqrt(2) + math.asinh(1)) / 6) < 1e-6
    assert f"{mean_distance:.4f}" == "0.3826" and "0.3826" in text_of(lessons[1]) and f"{4 * mean_distance:.2f}" == "1.53"


def test_pull_of_the_background_and_two_maxima():
    x, y = torch.arange(64, dtype=torch.float64) - 10, torch.arange(64, dtype=torch.float64)[:, None] - 20
    bump = torch.exp(-(x**2 + y**2) / 8)[None, None]
    table = {beta: [round(value, 2) for value in soft_argmax(beta * bump)[0, 0].tolist()] for beta in (1, 5, 10, 20)}
    assert table == {1: [31.33, 31.41], 5: [27.43, 29.33], 10: [11.32, 20.7], 20: [10.0, 20.0]}
    # the same by the formula of the text: bump share times bump position plus the rest times the middle.
    beta = 5.0
    rise = torch.exp(beta * bump) - 1
    share = rise.sum() / (rise.sum() + 64 * 64)
    assert abs(float(share * 10 + (1 - share) * 31.5) - table[5][0]) < 0.01
    line = torch.arange(64, dtype=torch.float64)
    either = 0.6 * torch.exp(-((line - 16) ** 2) / 8) + 0.4 * torch.exp(-((line - 48) ** 2) / 8)
    mean, variance = soft_argmax(either.log().reshape(1, 1, 1, 64), return_variance=True)
    assert round(float(mean[0, 0, 0]), 1) == 28.8 and round(float(variance[0, 0, 0]), 1) == 249.8


def test_worked_example_of_the_running_maximum(lessons):
    first, second = math.exp(-2), math.exp(-3)
    total, sum_x = (1 + first) * first + second + 1, 1 * first + 2 * second + 3
    assert (f"{1 + first:.4f}", f"{total:.4f}", f"{sum_x:.4f}", f"{sum_x / total:.4f}") == ("1.1353", "1.2034", "3.2349", "2.6881")
    for number in ("1.1353", "1.2034", "3.2349", "2.6881"):
        assert number in text_of(lessons[1])
