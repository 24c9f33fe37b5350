"""The references of assignment 1 say what the mathematics says, beyond the oracles that the audit holds them against."""

import hashlib
import math
from pathlib import Path

import pytest
import torch

from autograder.exercise.assignment import load_assignment
from autograder.exercise.expected import oracle_outputs, reference_outputs
from vislab.check.verdict import OBSERVED_FAMILIES
from vislab.geometry import pixel_coordinates
from vislab.ops.soft_argmax.op import soft_argmax as shipped_soft_argmax

FOLDER = Path(__file__).resolve().parents[2] / "assignments" / "a1_pose"
# those whose reference is a formula; trainings, tests and weights are held against bands, suspects and bars by the audit.
WITH_ORACLE = ("function", "module", "step", "kernel")
ASSIGNMENT = load_assignment(FOLDER)
NAMES = sorted(name for name, exercise in ASSIGNMENT.exercises.items() if exercise.probe.kind in WITH_ORACLE)


def seed(*parts):
    return hashlib.sha256(repr(parts).encode()).digest()


def largest_distance(exercise, seeds):
    """Largest distance of reference and oracle over all cases and seeds, relative to the answer's size."""
    worst = 0.0
    for number in range(seeds):
        for case in exercise.cases():
            inputs = case.inputs(seed(number, case.name))
            for expected, independent in zip(reference_outputs(exercise, inputs), oracle_outputs(exercise, inputs), strict=True):
                assert expected.shape == independent.shape, case.name
                assert bool(torch.isfinite(expected).all()), case.name
                if expected.numel():
                    # masks and indices are compared as numbers.
                    expected, independent = expected.double(), independent.double()
                    worst = max(worst, float((expected - independent).abs().max() / (1 + expected.abs().max())))
    return worst


@pytest.mark.parametrize("name", NAMES)
def test_reference_equals_its_oracle_over_twenty_seeds(a1, name):
    assert largest_distance(a1.exercises[name], 20) < 1e-13


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_reference_is_caught_by_the_oracle(a1, name):
    class Wrong(type(a1.exercises[name])):
        def reference(self, *args, **kwargs):
            outputs = super().reference(*args, **kwargs)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            return tuple(output.double() * (1 + 1e-9) for output in outputs)

    assert largest_distance(Wrong(), 1) > 1e-11


@pytest.mark.parametrize("name", NAMES)
def test_every_paid_family_has_a_hidden_case(a1, name):
    exercise = a1.exercises[name]
    hidden = {case.family for case in exercise.cases() if not case.public}
    assert hidden == {family for family in exercise.points_by_family if family not in OBSERVED_FAMILIES}


@pytest.mark.parametrize("name", NAMES)
def test_value_inputs_are_generic(a1, name):
    for case in a1.exercises[name].cases():
        inputs = case.inputs(seed(name, case.name))
        first = inputs.args[0]
        if str(case.family) != "value" or "corner" in case.name:
            continue
        assert bool((first != 0).all()) and bool((first != 1).all()), case.name
        if first.ndim >= 3 and first.shape[-1] != 2:
            assert len(set(first.shape)) == first.ndim, f"{case.name}: axes {tuple(first.shape)} must all differ"
        if "height" in inputs.kwargs:
            assert inputs.kwargs["height"] != inputs.kwargs["width"], case.name


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("height, width", [(7, 12), (31, 5), (2, 3)])
def test_coordinates_round_trip_and_agree_with_the_shipped_ones(a1, align_corners, height, width):
    to_pixel, to_norm = a1.exercises["pose.norm_to_pixel"].reference, a1.exercises["pose.pixel_to_norm"].reference
    points = torch.rand(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3 - 1.5
    grid = {"height": height, "width": width, "align_corners": align_corners}
    assert (to_norm(to_pixel(points, **grid), **grid) - points).abs().max() < 1e-12
    assert torch.allclose(to_pixel(points, **grid), pixel_coordinates.norm_to_pixel(points, (height, width), align_corners), atol=1e-12)
    assert torch.allclose(to_norm(points, **grid), pixel_coordinates.pixel_to_norm(points, (height, width), align_corners), atol=1e-12)


def test_one_pixel_has_a_finite_inverse_with_gradient_zero(a1):
    points = torch.tensor([[0.3, 2.0]], dtype=torch.float64, requires_grad=True)
    norm = a1.exercises["pose.pixel_to_norm"].reference(points, height=5, width=1, align_corners=True)
    (gradient,) = torch.autograd.grad(norm.sum(), points)
    assert norm.tolist() == [[0.0, 0.0]] and gradient.tolist() == [[0.0, 0.5]]


def test_joint_loss_by_hand(a1):
    loss = a1.exercises["pose.joint_loss"].reference
    predicted = torch.tensor([[[1.0, 2.0], [5.0, 5.0]], [[0.0, 0.0], [4.0, 1.0]]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[[4.0, 6.0], [math.nan, 1.0]], [[2.0, -1.0], [math.nan, math.nan]]], dtype=torch.float64)
    visible = torch.tensor([[True, False], [True, False]])
    value = loss(predicted, target, visible, kind="l2")
    (gradient,) = torch.autograd.grad(value, predicted)
    assert float(value.detach()) == (9 + 16 + 4 + 1) / 2
    assert gradient.tolist() == [[[-3.0, -4.0], [0.0, 0.0]], [[-2.0, 1.0], [0.0, 0.0]]]
    assert float(loss(predicted, target, visible, kind="l1").detach()) == (3 + 4 + 2 + 1) / 2


def test_joint_loss_of_nothing_is_zero_with_gradient_zero(a1):
    predicted = torch.ones(2, 3, 2, dtype=torch.float64, requires_grad=True)
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    value = a1.exercises["pose.joint_loss"].reference(predicted, predicted.detach() * math.nan, nothing, kind="l2")
    (gradient,) = torch.autograd.grad(value, predicted)
    assert float(value.detach()) == 0.0 and not bool(gradient.any())


def test_regression_head_forgets_where_cells_are(a1):
    exercise = a1.exercises["pose.regression_head"]
    inputs = next(case for case in exercise.cases() if case.name == "three images").inputs(seed("head"))
    (features,) = inputs.args
    order = torch.randperm(features[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[..., order].reshape(features.shape)
    same = [exercise.reference(maps, weights=inputs.weights, **inputs.init) for maps in (features, shuffled)]
    assert torch.allclose(*same, atol=1e-12)


@pytest.fixture
def logits():
    return 1.5 * torch.randn(2, 3, 7, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


def test_soft_argmax_gradient_is_p_times_distance_from_the_mean(a1, logits):
    logits.requires_grad_(True)
    positions = a1.exercises["pose.soft_argmax"].reference(logits)
    share = torch.softmax(logits.flatten(2), dim=-1).reshape(logits.shape)
    rows, columns = torch.meshgrid(torch.arange(7), torch.arange(11), indexing="ij")
    for axis, place in enumerate((columns, rows)):
        (gradient,) = torch.autograd.grad(positions[..., axis].sum(), logits, retain_graph=True)
        assert torch.allclose(gradient, share * (place - positions[..., axis, None, None]), atol=1e-13)


def test_soft_argmax_passes_gradcheck(a1, logits):
    assert torch.autograd.gradcheck(a1.exercises["pose.soft_argmax"].reference, logits[:1, :2].clone().requires_grad_(True))


def test_soft_argmax_ignores_a_constant_and_follows_a_shift(a1, logits):
    reference = a1.exercises["pose.soft_argmax"].reference
    assert torch.allclose(reference(logits + 1234.5), reference(logits), atol=1e-9)
    bump = torch.full((1, 1, 30, 40), -torch.inf, dtype=torch.float64)
    bump[0, 0, 10:17, 12:23] = logits[0, 0]
    moved = bump.roll((4, -5), dims=(2, 3))
    assert torch.allclose(reference(moved) - reference(bump), torch.tensor([-5.0, 4.0], dtype=torch.float64), atol=1e-12)


def test_soft_argmax_agrees_with_the_shipped_op(a1, logits):
    logits[0, 1] = -torch.inf
    logits[1, 0, 3:] = -torch.inf
    expected, shipped = a1.exercises["pose.soft_argmax"].reference(logits), shipped_soft_argmax(logits)
    assert torch.allclose(expected, shipped, atol=1e-12) and expected[0, 1].tolist() == [5.0, 3.0]


def test_kernel_reference_is_the_function_reference(a1, logits):
    as_kernel = a1.exercises["pose.soft_argmax_kernel"].reference(logits.flatten(0, 1), 64).reshape(2, 3, 2)
    assert torch.allclose(as_kernel, a1.exercises["pose.soft_argmax"].reference(logits), atol=1e-13)


def test_kernel_launch_hands_over_strides_and_block(a1):
    exercise = a1.exercises["pose.soft_argmax_kernel"]
    case = next(case for case in exercise.cases() if case.name == "taller than wide")
    launch = exercise.launch(case.inputs(seed("launch")))
    assert launch.grid == (3,) and launch.outputs[0].shape == (3, 2) and launch.constants == {"BLOCK": 32}
    assert launch.arguments[2:4] == (19, 6) and [argument.axis for argument in launch.arguments[4:]] == [0, 1, 2]


def test_covariance_of_a_sampled_gaussian_and_of_one_cell(a1):
    reference = a1.exercises["pose.heatmap_covariance"].reference
    x, y = torch.arange(41, dtype=torch.float64) - 20, torch.arange(35, dtype=torch.float64)[:, None] - 17
    precision = torch.tensor([[0.5, -0.2], [-0.2, 0.3]], dtype=torch.float64)
    logits = -0.5 * (precision[0, 0] * x**2 + 2 * precision[0, 1] * x * y + precision[1, 1] * y**2)
    assert torch.allclose(reference(logits[None, None])[0, 0], torch.linalg.inv(precision), atol=1e-6)
    alone = torch.full((1, 1, 4, 5), -torch.inf, dtype=torch.float64)
    alone[0, 0, 2, 3] = 0.0
    assert not bool(reference(alone).any())


def test_covariance_diagonal_is_the_shipped_variance(a1, logits):
    _, variance = shipped_soft_argmax(logits, return_variance=True)
    covariance = a1.exercises["pose.heatmap_covariance"].reference(logits)
    assert torch.allclose(covariance.diagonal(dim1=-2, dim2=-1), variance, atol=1e-12)
    assert bool((torch.linalg.eigvalsh(covariance) > 0).all())
