"""The numbers in the text of notebook 5 are right."""

import math

import pytest
import torch

from autograder.authoring.cell import Role


@pytest.fixture(scope="module")
def text(lessons):
    return "\n".join(cell.source for cell in lessons["5_people"].cells)


def score_table(a1, ends, half_width, summed=False, back=False):
    """Scores of all pairs of two limbs ``[[start, end], ...]``, by the references."""
    field, score = a1.exercises["pose.limb_field"].reference, a1.exercises["pose.limb_score"].reference
    joints = torch.tensor(ends, dtype=torch.float64)
    grid = {"height": 40, "width": 50, "half_width": half_width}
    seen, limb = torch.ones(2, 2, dtype=torch.bool), torch.tensor([[0, 1]])
    alone = [field(one[None], seen[:1], limb, **grid)[0] for one in joints]
    maps = alone[0] + alone[1] if summed else field(joints, seen, limb, **grid)[0]
    return score(maps, joints[:, int(back)], joints[:, 1 - int(back)], 21)


LAYOUTS = {
    "parallel": ([[[10, 10], [26, 10]], [[10, 26], [26, 26]]], 1.0, ("1.00", "0.16", "-1.00", "1.00")),
    "crossing": ([[[13, 12], [37, 28]], [[37, 12], [13, 28]]], 3.0, ("0.80", "0.22", "-0.80", "0.87")),
    "side by side": ([[[10, 20], [30, 20]], [[10, 21], [30, 21]]], 1.5, ("1.00", "1.00", "-1.00", "2.00")),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_scores_of_two_limbs(a1, text, name):
    limbs, half_width, expected = LAYOUTS[name]
    mean, back, total = (score_table(a1, limbs, half_width, **how) for how in ({}, {"back": True}, {"summed": True}))
    assert tuple(f"{float(value):.2f}" for value in (mean[0, 0], mean[0, 1], back[0, 0], total[0, 0])) == expected
    assert f'"{name}": ({limbs}, {half_width})' in text


def test_a_thinner_limb_would_be_seen(a1):
    limbs, half_width, expected = LAYOUTS["crossing"]
    assert f"{float(score_table(a1, limbs, half_width / 2)[0, 0]):.2f}" != expected[0]


def test_greed_on_the_table_of_the_text(a1, text):
    scores = torch.tensor([[0.9, 0.8], [0.85, 0.1]], dtype=torch.float64)
    best = a1.exercises["pose.match_limbs"].reference(scores, minimum=0.05)
    assert best.tolist() == [1, 0] and f"{float(scores[range(2), best].sum()):.2f}" == "1.65" and "makes 1.65" in text
    assert f"{0.9 + 0.1:.2f}" == "1.00" and "a total of 1.00" in text
    assert "| **start 0** | 0.90 | 0.80 |" in text and "| **start 1** | 0.85 | 0.10 |" in text


def test_share_of_zeros_in_the_fields_of_the_two_people(a1, text):
    space = {"torch": torch}
    exec("\n".join(line for line in text.split("\n") if line.startswith(("FIRST = ", "SECOND = ", "LIMBS = "))), space)
    joints = torch.tensor([space["FIRST"], space["SECOND"]], dtype=torch.float64)
    seen = torch.ones(joints.shape[:2], dtype=torch.bool)
    field = a1.exercises["pose.limb_field"].reference(joints, seen, space["LIMBS"], height=48, width=64, half_width=1.5)
    assert f"{100 * float((field == 0).double().mean()):.0f}" == "98" and "98 of a" in text


def test_the_mean_of_a_linear_field_is_its_value_in_the_middle(a1):
    x, y = torch.arange(13, dtype=torch.float64), torch.arange(9, dtype=torch.float64)[:, None]
    field = torch.stack((0.2 * x - 0.1 * y, 0.3 * x + 0.4 * y + 1))
    start, end = torch.tensor([[1.3, 2.1]], dtype=torch.float64), torch.tensor([[10.2, 6.6]], dtype=torch.float64)
    unit, (p, q) = (end - start)[0] / (end - start).norm(), ((start + end) / 2)[0]
    score = a1.exercises["pose.limb_score"].reference(field, start, end, 7)
    assert abs(float(score) - float(unit[0] * (0.2 * p - 0.1 * q) + unit[1] * (0.3 * p + 0.4 * q + 1))) < 1e-12


def test_limbs_that_cancel(a1):
    # the written question, part 1: all four pairs score (nearly) nothing, and everybody stays alone.
    limbs = [[[10, 10], [10, 26]], [[10, 26], [10, 10]]]
    for summed in (False, True):
        scores = score_table(a1, limbs, 1.0, summed=summed)
        assert not bool(scores.any())
        assert a1.exercises["pose.match_limbs"].reference(scores, minimum=0.3).tolist() == [-1, -1]


def test_numbers_of_the_model_answer(lessons):
    (question,) = [cell.source for cell in lessons["5_people"].cells if cell.role is Role.QUESTION]
    assert 16 * math.factorial(4) == 384 and "16 · 24 = 384" in question
    assert f"{math.factorial(4) ** 16:.1e}" == "1.2e+22" and "1.2 · 10^22" in question


def test_the_written_question_is_not_answered_by_the_text(lessons):
    shown = "\n".join(cell.source for cell in lessons["5_people"].cells if cell.role is not Role.QUESTION)
    for told in ("cancel", "24^16", "long pairs", "384"):
        assert told not in shown, told


def test_the_cross_entropy_of_the_text(a1):
    loss = a1.exercises["pose.visibility_loss"].reference
    assert float(loss(torch.tensor([[200.0]], dtype=torch.float64), torch.tensor([[False]]))) == 200.0
    tiny = float(loss(torch.tensor([[30.0]], dtype=torch.float64), torch.tensor([[True]])))
    assert abs(tiny / math.exp(-30) - 1) < 1e-9


def test_conditional_gaussian_by_the_precision_matrix(a1):
    generator = torch.Generator().manual_seed(3)
    factor = torch.randn(8, 8, generator=generator, dtype=torch.float64)
    covariance, mean = factor @ factor.T, torch.randn(4, 2, generator=generator, dtype=torch.float64)
    joints = torch.randn(1, 4, 2, generator=generator, dtype=torch.float64)
    visible = torch.tensor([[True, False, True, False]])
    filled, spread = a1.exercises["pose.fill_in"].reference(joints, visible, mean, covariance, jitter=0.0)
    hidden = ~visible.repeat_interleave(2, dim=1)[0]
    precision = torch.linalg.inv(covariance)
    inner = torch.linalg.inv(precision[hidden][:, hidden])
    assert torch.allclose(spread[0][hidden][:, hidden], inner, atol=1e-9)
    away = (joints[0] - mean).flatten()[~hidden]
    answer = mean.flatten()[hidden] - inner @ precision[hidden][:, ~hidden] @ away
    assert torch.allclose(filled[0].flatten()[hidden], answer, atol=1e-9)
    # seeing more can only make surer.
    assert bool((spread[0].diagonal() <= covariance.diagonal() + 1e-12).all())


@pytest.fixture(scope="module")
def crowd_tools(lessons):
    """The lesson's own functions that invent crowds and take them apart, on the lesson's solutions."""
    lesson = lessons["5_people"]
    space = {}
    exec(lesson.setup_source, space)
    for name in ("limb_field", "limb_score", "match_limbs"):
        exec(lesson.solution_source(f"pose.{name}"), space)
    for cell in lesson.cells:
        if not cell.is_markdown and any(f"def {name}(" in cell.source for name in ("toy_people", "greedy", "error_rates")):
            exec(cell.source, space)
    return space


def test_what_matching_and_fields_gain(crowd_tools, text):
    rates = crowd_tools["error_rates"](3, 40, 1.0, 1.0)
    near, total, _, fields = rates.values()
    # matching removes more than half of the errors, fields about half of what is left.
    assert total < 0.5 * near and 0.3 * total < fields < 0.75 * total, rates
    assert "more than half of the errors" in text and "about half of what is left" in text


def test_random_scores_would_gain_nothing(crowd_tools):
    generator = torch.Generator().manual_seed(1)
    honest = crowd_tools["limb_score"]
    crowd_tools["limb_score"] = lambda field, starts, ends, samples: torch.rand(len(starts), len(ends), generator=generator)
    try:
        rates = crowd_tools["error_rates"](3, 10, 1.0, 1.0)
    finally:
        crowd_tools["limb_score"] = honest
    assert rates["fields, optimal"] > rates["distance, optimal"]
