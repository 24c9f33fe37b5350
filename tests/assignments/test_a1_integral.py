"""The numbers in the text of notebook 2 are right."""

import math
import re

import pytest
import torch

from autograder.authoring.cell import Role
from vislab.ops.gaussian_heatmaps.op import gaussian_heatmaps
from vislab.ops.soft_argmax.op import soft_argmax

SIZE, PLACE = 64, torch.tensor([[[10.0, 20.0]]], dtype=torch.float64)


@pytest.fixture(scope="module")
def text(lessons):
    return "\n".join(cell.source for cell in lessons["2_integral"].cells)


@pytest.fixture(scope="module")
def shown(lessons):
    return "\n".join(cell.source for cell in lessons["2_integral"].cells if cell.role is not Role.QUESTION)


@pytest.fixture(scope="module")
def lesson_code(lessons):
    """A function that runs the cells of the lesson that begin as given, and returns their names."""
    cells = [cell.source for cell in lessons["2_integral"].cells if not cell.is_markdown]

    def run(*starts, upto=None, **given):
        space = {"torch": torch, "math": math, "Tensor": torch.Tensor, **given}
        for start in starts:
            (source,) = [cell for cell in cells if cell.startswith(start)]
            exec(source.split(upto)[0] if upto else source, space)
        return space

    return run


@pytest.fixture(scope="module")
def bump():
    return gaussian_heatmaps(PLACE, (SIZE, SIZE), sigma=2.0)


def test_limbs_on_the_left_are_drawn_paler_as_the_text_says(lesson_code, text):
    space = lesson_code("LIMBS", upto="\n\n\ndef")
    # joint 2 is the hand to the left of the picture (an angle of 140 degrees), joint 3 the one to the right.
    ink = {end: float(ink) for (_, end), ink in zip(space["LIMBS"], space["INK"][:, 0])}
    assert ink[2] < ink[3] and ink[5] < ink[6]
    assert "limbs on the left of the picture are drawn paler" in text


def test_the_written_question_is_not_answered_by_the_text(shown):
    for answer in ("stride 4 it is", "1.5 image pixels", "1.53", "28.8", "249.8", "3.6 image", "variance"):
        assert answer not in shown
    assert f"{8 * (math.sqrt(2) + math.asinh(1)) / 6:.0f}" == "3" and "stride 8 it is 3 image pixels" in shown


def test_floor_of_the_arg_max(text):
    side = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000 - 0.5
    mean_distance = float(torch.hypot(side[:, None], side).mean())
    assert abs(mean_distance - (math.sqrt(2) + math.asinh(1)) / 6) < 1e-6
    assert f"{mean_distance:.4f}" == "0.3826" and "0.3826" in text and f"{4 * mean_distance:.2f}" == "1.53"
    assert "0.38 cells" in text


def test_model_answer_of_the_written_question(text):
    # a map whose bump holds 0.8 in one cell and whose rest is spread evenly, as the question has it.
    share = torch.full((12, 16), 0.2 / (12 * 16), dtype=torch.float64)
    share[9, 3] += 0.8
    x, y = soft_argmax(share.log()[None, None])[0, 0].tolist()
    assert (round(x - 3, 9), round(y - 9, 9)) == (0.9, -0.7)
    assert (round(4 * (x - 3), 9), round(4 * (y - 9), 9)) == (3.6, -2.8) and "3.6 image pixels to the right and 2.8 upwards" in text
    assert round(4 * math.hypot(0.9, 0.7), 1) == 4.6 and "4.6 px" in text
    # the arg-max errs by half a cell in each axis at the most.
    assert 4 * math.hypot(0.5, 0.5) < 4 * math.hypot(0.9, 0.7)
    line = torch.arange(64, dtype=torch.float64)
    either = 0.6 * torch.exp(-((line - 16) ** 2) / 8) + 0.4 * torch.exp(-((line - 48) ** 2) / 8)
    mean, variance = soft_argmax(either.log().reshape(1, 1, 1, 64), return_variance=True)
    assert round(float(mean[0, 0, 0]), 1) == 28.8 and round(float(variance[0, 0, 0]), 1) == 249.8
    assert "28.8" in text and "249.8" in text


def test_pull_of_the_background_and_its_closed_form(lesson_code, bump):
    table = {beta: [round(value, 2) for value in soft_argmax(beta * bump)[0, 0].tolist()] for beta in (1, 5, 10, 20)}
    assert table == {1: [31.33, 31.41], 5: [27.43, 29.33], 10: [11.32, 20.7], 20: [10.0, 20.0]}
    risen = lesson_code("def risen", upto="\n\n\nplace")["risen"]
    for beta, measured in table.items():
        above = float((torch.exp(beta * bump) - 1).sum())
        # an integral in place of a sum: the sharper the weights, the coarser the cells.
        assert abs(risen(beta, 2.0) / above - 1) < 0.08
        w = risen(beta, 2.0) / (risen(beta, 2.0) + SIZE * SIZE)
        assert max(abs(w * at + (1 - w) * 31.5 - got) for at, got in zip((10, 20), measured)) < 0.02
    # a plant: a map of another size is not predicted.
    w = risen(5, 2.0) / (risen(5, 2.0) + 4 * SIZE * SIZE)
    assert abs(w * 10 + (1 - w) * 31.5 - table[5][0]) > 1
    exact = soft_argmax((-((torch.arange(64.0) - 10) ** 2) / 8).expand(1, 1, 64, 64) - ((torch.arange(64.0)[:, None] - 20) ** 2) / 8)
    assert torch.allclose(exact, PLACE.float(), atol=1e-3)


def test_push_of_the_border():
    columns = torch.arange(64, dtype=torch.float64)
    bias = [float(torch.softmax(-((columns - x) ** 2) / 8, dim=0) @ columns) - x for x in (0, 0.5, 1, 2, 4)]
    assert [f"{value:.2f}" for value in bias] == ["1.30", "1.02", "0.78", "0.40", "0.06"]


def test_beta_grows_with_the_logarithm_of_the_number_of_cells(lesson_code):
    risen = lesson_code("def risen", upto="\n\n\nplace")["risen"]

    def needed(cells, share=0.9):
        low, high = 0.1, 60.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if risen(middle, 2.0) < cells * share / (1 - share) else (low, middle)
        return low

    # of instructors' answer to the Think question: a good one and a half more, not four times as much.
    assert 1.4 < needed(128 * 128) - needed(64 * 64) < 1.7 and 9 < needed(64 * 64) < 10


def test_the_floor_decides_what_the_correction_is_worth(a1, bump):
    bias_of = a1.exercises["pose.integral_bias"].reference
    generator = torch.Generator().manual_seed(4)
    found = {}
    for beta, noise in ((5, 0.1), (5, 0.3), (8, 0.1), (8, 0.3)):
        maps = beta * bump + noise * torch.randn(200, 1, SIZE, SIZE, generator=generator, dtype=torch.float64)
        mean, flat = soft_argmax(maps), maps.flatten(2)
        floors = {"lowest": flat.amin(dim=-1), "median": flat.median(dim=-1).values, "right": torch.full((200, 1), noise**2 / 2).double()}
        left = {name: mean - bias_of(maps, floor)[0] - PLACE for name, floor in floors.items()}
        found[beta, noise] = {name: float(off.norm(dim=-1).mean()) for name, off in left.items()} | {
            "mean": float((mean - PLACE).norm(dim=-1).mean())
        }
        assert found[beta, noise]["median"] < 0.2 * found[beta, noise]["mean"] < found[beta, noise]["lowest"] < found[beta, noise]["mean"]
        # "always towards the middle", which lies to the right and below.
        assert noise == 0.1 or bool((left["median"].mean(dim=0) > 0.1).all())
        # the mean of exp(h) is exp(s² / 2), its median 1: a floor of s² / 2 is right on average.
        assert bool((left["right"].mean(dim=0).abs() < 0.15).all())
    assert [round(found[5, 0.1][name], 1) for name in ("mean", "lowest", "median")] == [19.8, 13.8, 0.2]


def test_without_the_background_the_bump_is_where_it_was(a1, bump):
    for beta in (1e-4, 1.0, 5.0, 10.0, 40.0):
        maps = beta * bump.expand(2, 3, SIZE, SIZE)
        bias, share = a1.exercises["pose.integral_bias"].reference(maps, torch.zeros(2, 3, dtype=torch.float64))
        assert torch.allclose(soft_argmax(maps) - bias, PLACE, atol=1e-5)
        assert torch.allclose(bias, (1 - share)[..., None] * (31.5 - PLACE), atol=1e-5)


def test_bias_of_a_flat_map_is_nothing_and_has_no_gradient(a1):
    maps = torch.full((2, 1, 4, 7), 3.0, dtype=torch.float64)
    maps[1, 0, 2, 5] = 5.0
    maps, floor = maps.requires_grad_(True), torch.full((2, 1), 3.0, dtype=torch.float64, requires_grad=True)
    bias, share = a1.exercises["pose.integral_bias"].reference(maps, floor)
    gradients = torch.autograd.grad(bias.sum() + share.sum(), (maps, floor))
    assert not bool(bias[0].any()) and not bool(share[0].any())
    for gradient in gradients:
        assert not bool(gradient[0].any()) and bool(gradient[1].any()) and bool(torch.isfinite(gradient).all())


@pytest.mark.parametrize("answer", ["zero", "constant", "pull alone"])
def test_guesses_at_the_bias_earn_nothing(a1, judged, tmp_path, answer):
    body = {
        "zero": "heatmaps.new_zeros(*heatmaps.shape[:2], 2), heatmaps.new_zeros(heatmaps.shape[:2])",
        "constant": "heatmaps.new_full((*heatmaps.shape[:2], 2), 0.7), heatmaps.new_full(heatmaps.shape[:2], 0.6)",
        "pull alone": "soft_argmax(heatmaps) - soft_argmax(0 * heatmaps), heatmaps.new_ones(heatmaps.shape[:2])",
    }[answer]
    path = tmp_path / "guess.py"
    path.write_text(f"from vislab.ops.soft_argmax import soft_argmax\n\n\ndef integral_bias(heatmaps, floor):\n    return {body}\n")
    _, score = judged(a1.exercises["pose.integral_bias"], path)
    assert score.earned == 0


def test_what_a_student_test_meets_is_what_the_text_says(a1, shown):
    exercise = a1.exercises["pose.test_joint_loss"]
    cases = exercise.cases()
    assert len(cases) == 19 and "nineteen wrong ones" in shown
    assert sum(case.public for case in cases) == 4 and "each of four faults" in shown
    assert f"At most {exercise.probe.calls_max} calls" in shown


def test_right_implementations_may_be_called_as_the_docstring_says(a1):
    # kind has a default there; a reference without it would fail every test that relies on it.
    implementations = a1.exercises["pose.test_joint_loss"].implementations
    for key in implementations.right:
        right = implementations.load(key)
        inputs = torch.tensor([[[1.0, 2.0]]]), torch.zeros(1, 1, 2), torch.tensor([[True]])
        assert [float(right(*inputs)), float(right(*inputs, "l1")), float(right(*inputs, kind="l1"))] == [5.0, 3.0, 3.0], key


def test_averaging_over_frames_trades_noise_for_lag(lesson_code):
    space = lesson_code("def average", generator=torch.Generator().manual_seed(0))
    average, with_velocity = space["average"], space["with_velocity"]
    noise = torch.randn(4000, 2, generator=torch.Generator().manual_seed(1))
    time = torch.arange(400.0)
    ramp = torch.stack((0.5 * time, -0.25 * time), dim=-1)
    for n in (3, 5, 15):
        assert abs(float(average(noise, n)[n:].std()) * math.sqrt(n) - 1) < 0.1
        assert torch.allclose(average(ramp, n)[n:], ramp[n:] - (n - 1) / 2 * torch.tensor([0.5, -0.25]), atol=1e-3)
    assert torch.allclose(with_velocity(ramp, 0.3)[200:], ramp[200:], atol=1e-3)
    # of instructors' answer to the Think question: 2 s² / n + v² ((n - 1) / 2)², with v = 0.5 and s = 1.2.
    cost = {n: 2 * 1.2**2 / n + 0.5**2 * ((n - 1) / 2) ** 2 for n in range(1, 20)}
    assert min(cost, key=cost.get) == 3


def test_bands_in_the_text_are_those_of_the_table(text):
    said = dict(re.findall(r"# (ten seeds gave|over ten seeds: mean) (\d\.\d+) px", text))
    assert said == {"ten seeds gave": "2.65", "over ten seeds: mean": "1.22"}
    # four standard deviations and more lie between mean and band, and the dummy lies outside.
    assert 2.65 + 4 * 0.04 < 2.9 < 5.4 and 1.22 + 4 * 0.05 < 1.6 < 2.06 - 4 * 0.07


def test_no_floor_of_the_cases_lies_higher_than_the_docstring_says(a1, shown):
    assert "no more than 50 above the lowest logit" in shown
    exercise = a1.exercises["pose.integral_bias"]
    for case in exercise.cases():
        heatmaps, floor = case.inputs(exercise.public_seed(case)).args
        assert heatmaps.numel() == 0 or bool((floor - heatmaps.amin(dim=(2, 3)) <= 50).all()), case.name
