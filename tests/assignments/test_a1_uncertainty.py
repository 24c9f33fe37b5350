"""The notebook on uncertainty: the numbers in its text, and what its exercises rest on."""

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats

from autograder.authoring.cell import Role
from autograder.exercise.case import Inputs
from autograder.exercise.expected import reference_outputs
from autograder.exercise.suite import Suspect


@pytest.fixture
def lesson(lessons):
    return lessons["4_uncertainty"]


@pytest.fixture
def text(lesson):
    return re.sub(r"\s*\n# ?", " ", "\n".join(cell.source for cell in lesson.cells if cell.is_markdown))


@pytest.fixture
def setup(lesson):
    space = {}
    exec(compile(lesson.setup_source, "setup", "exec"), space)
    return space


@pytest.fixture
def either():
    x = torch.arange(64, dtype=torch.float64)
    return (0.6 * torch.exp(-((x - 16) ** 2) / 8) + 0.4 * torch.exp(-((x - 48) ** 2) / 8)).reshape(1, 1, 1, 64)


def reference(a1, name, *args, **kwargs):
    return reference_outputs(a1.exercises[f"pose.{name}"], Inputs(args, kwargs))


def test_two_maxima_have_the_mean_the_peak_and_the_variance_of_the_text(a1, either):
    places, heights, found = reference(a1, "find_peaks", either, count=3, threshold=0.1)
    assert places[0, 0].tolist() == [[16, 0], [48, 0], [-1, -1]] and found[0, 0].tolist() == [True, True, False]
    assert [round(value, 3) for value in heights[0, 0].tolist()] == [0.6, 0.4, 0.0]
    (covariance,) = reference(a1, "heatmap_covariance", either.log())
    share = either.flatten() / either.sum()
    x = torch.arange(64, dtype=torch.float64)
    mean = float(share @ x)
    assert round(mean, 1) == 28.8 and round(float(covariance[0, 0, 0, 0]), 1) == 249.8
    assert float(covariance[0, 0, 0, 0]) == pytest.approx(float(share @ (x - mean) ** 2))
    # the same on paper: widths, and the distances of the bumps from 28.8.
    assert 0.6 * (4 + 12.8**2) + 0.4 * (4 + 19.2**2) == pytest.approx(249.76)


def test_numbers_of_the_model_answer(either):
    x, share = torch.arange(64, dtype=torch.float64), either.flatten() / either.sum()
    squared = [float(share @ (x - answer) ** 2) for answer in (16.0, 28.8)]
    assert [round(value) for value in squared] == [414, 250]
    assert round(0.6 * (stats.norm.cdf(1.5) - stats.norm.cdf(-1.5)), 2) == 0.52
    assert float(share[(x - 28.8).abs() < 3].sum()) < 1e-6
    # fusion with 17 ± 2: the precision-weighted mean, as one Gaussian and on a fine grid of the mixture.
    precision = 1 / 4 + 1 / 249.8
    assert (round((17 / 4 + 28.8 / 249.8) / precision, 1), round(1 / precision, 1)) == (17.2, 3.9)
    grid = np.linspace(-20, 80, 200001)
    fused = (0.6 * stats.norm.pdf(grid, 16, 2) + 0.4 * stats.norm.pdf(grid, 48, 2)) * stats.norm.pdf(grid, 17, 2)
    fused /= fused.sum()
    mean = float((fused * grid).sum())
    assert round(mean, 2) == 16.5 and round(float((fused * (grid - mean) ** 2).sum()), 2) == 2.0


def test_the_written_question_is_not_answered_by_the_text(lesson):
    shown = "\n".join(cell.source for cell in lesson.cells if cell.role is not Role.QUESTION)
    for answer in ("245.8", "409.6", "414", "17.2", "16.5", "0.52", "chance of a hit", "mode of the labels"):
        assert answer not in shown, answer


def test_plateaus_of_the_example_are_those_of_the_text(setup, text):
    tiny = torch.tensor([[0, 7, 7, 0, 2, 0], [0, 7, 0, 0, 2, 2], [0, 0, 0, 0, 0, 3]])[None, None].float()
    numbers = setup["plateaus"](tiny)[0, 0]
    assert numbers[tiny[0, 0] == 7].tolist() == [1, 1, 1] and numbers[tiny[0, 0] == 2].tolist() == [4, 4, 4]
    highest = torch.nn.functional.max_pool2d(tiny, 3, stride=1, padding=1)[0, 0]
    beaten = (highest > tiny[0, 0])[tiny[0, 0] == 2].tolist()
    assert beaten == [False, True, True] and "its other two cells touch the 3" in text


def test_plateaus_are_the_connected_groups_of_scipy(setup):
    from scipy import ndimage

    maps = torch.from_numpy(np.random.default_rng(3).integers(0, 3, (2, 3, 9, 13))).double()
    found = setup["plateaus"](maps).numpy()
    for one, numbers in zip(maps.flatten(0, 1).numpy(), found.reshape(-1, 9, 13)):
        for level in np.unique(one):
            groups, count = ndimage.label(one == level, structure=np.ones((3, 3)))
            for group in range(1, count + 1):
                assert np.unique(numbers[groups == group]).tolist() == [np.flatnonzero(groups == group)[0]]
    assert len(np.unique(found[0, 0])) < 9 * 13


def test_plateaus_work_on_a_view_and_on_an_empty_batch(setup):
    wide = torch.randint(0, 2, (2, 3, 8, 10), generator=torch.Generator().manual_seed(0)).float()
    assert torch.equal(setup["plateaus"](wide.mT), setup["plateaus"](wide.mT.contiguous()))
    assert setup["plateaus"](wide[:0]).shape == (0, 3, 8, 10)


def test_robust_losses_by_hand_and_their_limits(a1):
    residual = torch.tensor([-5.0, -1.5, 0.0, 0.5, 1e6], dtype=torch.float64)
    value, influence = reference(a1, "robust_loss", residual, kind="huber", delta=1.5)
    assert value.tolist() == [1.5 * 4.25, 1.125, 0.0, 0.125, 1.5 * (1e6 - 0.75)]
    assert influence.tolist() == [-1.5, -1.5, 0.0, 0.5, 1.5]
    value, influence = reference(a1, "robust_loss", residual, kind="geman_mcclure", delta=1.5)
    assert float(value[-1]) == pytest.approx(1.5**2 / 2) and abs(float(influence[-1])) < 1e-15
    assert float(value[1]) == pytest.approx(1.125 / 2) and float(influence[1]) == pytest.approx(-1.5 / 4)
    for kind in ("huber", "geman_mcclure"):
        value, influence = reference(a1, "robust_loss", residual[:4], kind=kind, delta=1e30)
        assert torch.allclose(value, residual[:4] ** 2 / 2) and torch.allclose(influence, residual[:4])


@pytest.mark.parametrize("kind", ["huber", "geman_mcclure"])
def test_influence_is_the_derivative_bounded_and_continuous(a1, kind):
    delta = 1.3
    residual = torch.cat((torch.linspace(-9, 9, 301, dtype=torch.float64), torch.tensor([delta - 1e-9, delta + 1e-9], dtype=torch.float64)))
    residual.requires_grad_(True)
    value, influence = a1.exercises["pose.robust_loss"].reference(residual, kind, delta)
    (slope,) = torch.autograd.grad(value.sum(), residual)
    assert torch.allclose(slope, influence, atol=1e-12)
    # Geman and McClure pull hardest at delta / sqrt(3).
    bound = delta if kind == "huber" else 9 / (16 * math.sqrt(3)) * delta
    assert float(influence.detach().abs().max()) <= bound + 1e-12
    value, influence = value.detach(), influence.detach()
    assert abs(float(value[-1] - value[-2])) < 1e-8 and abs(float(influence[-1] - influence[-2])) < 1e-8


def test_a_tenth_of_outliers_moves_the_mean_and_hardly_the_others(a1, lesson):
    generator = torch.Generator().manual_seed(7)
    samples = torch.randn(200, generator=generator, dtype=torch.float64)
    samples[:20] += 20
    found = {"mean": float(samples.mean())}
    for kind in ("median", "trimmed", "huber", "geman_mcclure"):
        found[kind] = float(reference(a1, "robust_centre", samples, kind=kind, delta=1.0, share=0.2)[0])
    rounded = {kind: round(value, 2) for kind, value in found.items()}
    assert rounded == {"mean": 1.98, "median": 0.06, "trimmed": 0.09, "huber": 0.09, "geman_mcclure": -0.06}
    (cell,) = [cell.source for cell in lesson.cells if "for name, centre in centres(samples).items()" in cell.source]
    assert "delta=1.0, share=0.2" in cell


def test_rounds_of_weights_have_converged(a1):
    exercise = a1.exercises["pose.robust_centre"]
    for case in exercise.cases():
        inputs = case.inputs(b"converged" + case.name.encode())
        if inputs.kwargs["kind"] in ("huber", "geman_mcclure") and inputs.args[0].shape[0]:
            (centre,) = reference_outputs(exercise, inputs)
            delta = inputs.kwargs.get("delta", 1.0)
            pull = a1.exercises["pose.robust_loss"].reference(inputs.args[0] - centre[..., None], inputs.kwargs["kind"], delta)[1].sum(-1)
            assert float(pull.abs().max()) < 1e-9 * (1 + float(inputs.args[0].abs().max())), case.name


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
def test_likelihood_is_best_where_the_variance_is_the_error(a1, kind):
    away = torch.tensor([[[0.3, 2.0]]], dtype=torch.float64)
    # of one label: a Gaussian's best variance is r², a Laplace density's is 2 b² with b = |r|.
    best = away.square().log() + (0.0 if kind == "gaussian" else math.log(2))
    best.requires_grad_(True)
    value = a1.exercises["pose.point_nll"].reference(torch.zeros_like(away), best, away, kind=kind)
    (slope,) = torch.autograd.grad(value.sum(), best)
    assert float(slope.abs().max()) < 1e-12
    density = torch.exp(-value.detach())
    scale = best.detach().exp().sqrt()
    by_scipy = stats.norm if kind == "gaussian" else stats.laplace
    widths = scale.numpy() if kind == "gaussian" else scale.numpy() / math.sqrt(2)
    assert float(density) == pytest.approx(float(np.prod(by_scipy.pdf(away.numpy(), scale=widths))))


def test_divergences_are_bounded_and_zero_for_equal_maps_alone(a1):
    loss = a1.exercises["pose.heatmap_loss"].reference
    generator = torch.Generator().manual_seed(2)
    logits = 3 * torch.randn(2, 3, 5, 7, dtype=torch.float64, generator=generator)
    target = torch.softmax(3 * torch.randn(2, 3, 35, dtype=torch.float64, generator=generator), dim=-1).reshape(2, 3, 5, 7)
    for kind in ("kl", "js"):
        assert float(loss(target.log(), target, kind=kind).abs().max()) < 1e-12 < float(loss(logits, target, kind=kind).min())
    apart = torch.zeros(1, 1, 5, 7, dtype=torch.float64)
    apart[..., 1, 1] = 1.0
    assert float(loss(1e4 * apart.roll(2, -1), apart, kind="js")) == pytest.approx(math.log(2))
    logits.requires_grad_(True)
    (slope,) = torch.autograd.grad(loss(logits, target, kind="kl").sum(), logits)
    share = torch.softmax(logits.detach().flatten(2), dim=-1).reshape(logits.shape)
    assert torch.allclose(slope, share - target, atol=1e-12)


def test_kullback_leibler_divergence_of_a_shift_in_cells(a1, text):
    column, row = torch.arange(64, dtype=torch.float64), torch.arange(48, dtype=torch.float64)[:, None]
    here, there = (-((column - at) ** 2 + (row - 24) ** 2)[None, None] / 8 for at in (16, 22))
    target = torch.softmax(here.flatten(), dim=0).reshape(here.shape)
    value = float(a1.exercises["pose.heatmap_loss"].reference(there, target, kind="kl"))
    assert value == pytest.approx(6**2 / (2 * 2**2), abs=1e-6) and 2 * math.sqrt(2 * value) == pytest.approx(6)
    assert "largest JS" not in text


def test_numbers_of_the_two_losses_that_are_compared(text):
    # bumps of height 1 and sigma 2 against a map of zeros, and normalised units in pixels: the discussion in the README.
    x = torch.arange(256, dtype=torch.float64)
    bump = torch.exp(-((x - 100.3) ** 2) / 8)
    energy = float((bump[:, None] * bump).square().sum())
    assert energy == pytest.approx(math.pi * 4, rel=1e-6)
    assert f"{energy / 64**2:.1e}" == "3.1e-03" and f"{energy / 256**2:.1e}" == "1.9e-04" and energy / 256**2 < 2.4e-4
    assert round(math.sqrt(0.058) * 32, 1) == 7.7
    assert "2.4 · 10⁻⁴" in text and "0.058" in text


def test_suspects_cover_every_kind_of_fault_and_each_mutant_exists(a1):
    exercise = a1.exercises["pose.test_robust_loss"]
    suspects = exercise.cases()
    assert all(isinstance(case, Suspect) for case in suspects) and len({case.mutant for case in suspects if case.mutant}) >= 12
    assert {str(case.family) for case in suspects} == {"value", "stability", "edge", "dtype"}


def test_accepted_tests_and_the_solution_tell_right_from_wrong(a1, lesson, setup):
    exercise = a1.exercises["pose.test_robust_loss"]
    space = dict(setup)
    exec(compile(lesson.solution_source("pose.test_robust_loss"), "solution", "exec"), space)
    test, implementations = space["test_robust_loss"], exercise.implementations
    for key in implementations.right:
        test(implementations.load(key))
    for key in implementations.wrong.values():
        with pytest.raises(BaseException):  # noqa: B017 - a test fails an implementation by any exception
            test(implementations.load(key))
