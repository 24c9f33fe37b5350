"""The numbers in the text of notebook 2 are right."""

import math

import pytest
import torch

from autograder.authoring.cell import Role
from vislab.ops.soft_argmax.op import soft_argmax


@pytest.fixture
def text(lessons):
    return "\n".join(cell.source for cell in lessons["2_integral"].cells)


def test_limbs_on_the_left_are_drawn_paler_as_the_text_says(lessons, text):
    names = {"LIMBS", "INK", "WIDTH, HEIGHT, JOINTS"}
    (cell,) = [cell.source for cell in lessons["2_integral"].cells if cell.source.startswith("LIMBS")]
    space = {"torch": torch, "Tensor": torch.Tensor}
    exec("\n".join(line for line in cell.split("\n") if line.split(" = ")[0] in names), space)
    # joint 2 is the hand to the left of the picture (an angle of 140 degrees), joint 3 the one to the right.
    ink = {end: float(ink) for (_, end), ink in zip(space["LIMBS"], space["INK"][:, 0])}
    assert ink[2] < ink[3] and ink[5] < ink[6]
    assert "limbs on the left of the picture are drawn paler" in text


def test_the_written_question_is_not_answered_by_the_text(lessons):
    shown = "\n".join(cell.source for cell in lessons["2_integral"].cells if cell.role is not Role.QUESTION)
    assert "stride 4 it is" not in shown and "1.5 image pixels" not in shown
    assert f"{8 * (math.sqrt(2) + math.asinh(1)) / 6:.0f}" == "3" and "stride 8 it is 3 image pixels" in shown


def test_floor_of_the_arg_max(text):
    side = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000 - 0.5
    mean_distance = float(torch.hypot(side[:, None], side).mean())
    assert abs(mean_distance - (math.sqrt(2) + math.asinh(1)) / 6) < 1e-6
    assert f"{mean_distance:.4f}" == "0.3826" and "0.3826" in text and f"{4 * mean_distance:.2f}" == "1.53"


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
