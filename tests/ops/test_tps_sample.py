"""The public entry of tps_sample on a CPU: conventions, known values, errors, and which formulation it takes."""

import doctest
import importlib
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from heatmap_cases import assert_same_answers
from sampling_cases import GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE
from spline_cases import PADDINGS, SIZES, TOLERANCE, answers, doubles, inputs, lattice
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.ops.sampling.thin_plate import radial, spline_matrix
from vislab.ops.tps_sample import path_for, tps_sample
from vislab.ops.tps_sample.naive import radial_naive, spline_naive, tps_sample_naive


def expected_answers(tensors, size, **options):
    return answers(tps_sample_naive, doubles(tensors), size, **options)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_plain_equals_the_reference(size, out_size, dtype, padding, align_corners):
    tensors = inputs(2, 2, size, out_size, align_corners, dtype=dtype)
    options = {"padding": padding, "align_corners": align_corners}
    came = answers(tps_sample, tensors, out_size, **options)
    assert came["output"].dtype == dtype
    assert_same_answers(came, expected_answers(tensors, out_size, **options), TOLERANCE[dtype])


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize(
    "view",
    [
        lambda image: image.transpose(2, 3).contiguous().transpose(2, 3),
        lambda image: image.to(memory_format=torch.channels_last),
        lambda image: image[:, :, :1].expand(image.shape),
    ],
    ids=["transposed", "channels last", "expanded"],
)
def test_views(view, path):
    image, controls, targets = inputs(2, 3, (9, 13), (5, 6), False)
    tensors = [view(image), controls.t().contiguous().t(), targets.transpose(0, 1).contiguous().transpose(0, 1)]
    assert not any(tensor.is_contiguous() for tensor in tensors)
    assert_same_answers(answers(tps_sample, tensors, (5, 6), path=path), expected_answers(tensors, (5, 6)), TOLERANCE[torch.float32])


def test_the_matrix_solves_the_system_of_the_reference():
    controls = lattice(4, torch.float64)
    targets = torch.randn(3, 16, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for regularisation in (0.0, 0.2):
        expected = torch.cat(spline_naive(controls, targets, regularisation), 1)
        torch.testing.assert_close(spline_matrix(controls, regularisation) @ targets, expected, rtol=0, atol=1e-12)
    squared = torch.tensor([0.0, 1e-30, 0.5, 9.0], dtype=torch.float64)
    torch.testing.assert_close(radial(squared), radial_naive(squared), rtol=1e-15, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_identity_and_a_shift(dtype):
    image = torch.randn(1, 2, 9, 8, generator=torch.Generator().manual_seed(0), dtype=dtype)
    controls = lattice(4, dtype)
    torch.testing.assert_close(tps_sample(image, controls, controls[None]), image, rtol=0, atol=1e-5)
    # one pixel of eight is 2 / 8 of the way from edge to edge.
    shifted = tps_sample(image, controls, controls[None] + torch.tensor([2 / 8, 0]).to(dtype), padding="border")
    torch.testing.assert_close(shifted[..., :-1], image[..., 1:], rtol=0, atol=1e-5)


def test_coinciding_points_need_regularisation_and_meet_in_the_middle():
    controls = torch.cat([lattice(3), torch.tensor([[0.0, 0.0]])])
    targets = controls[None].clone()
    targets[0, 4, 0], targets[0, 9, 0] = 0.25, -0.25
    image = torch.randn(1, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="some coincide"):
        tps_sample(image, controls, targets)
    came = tps_sample(image, controls, targets, regularisation=1e-3, align_corners=True)
    assert came[0, 0, 4, 4].item() == pytest.approx(image[0, 0, 4, 4].item(), abs=1e-3)


def test_more_regularisation_bends_less():
    controls = lattice(3, torch.float64)
    targets = controls[None] + 0.2 * torch.randn(1, 9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    energy = []
    for regularisation in (0.0, 0.1, 1.0, 100.0):
        weights = (spline_matrix(controls, regularisation) @ targets)[0, :9]
        bend = radial((controls[:, None] - controls).square().sum(-1))
        energy.append((weights.T @ bend @ weights).diagonal().sum().item())
    assert energy == sorted(energy, reverse=True) and energy[-1] < 1e-3 * energy[0] and energy[-1] >= 0


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("wild", [torch.nan, torch.inf, 1e30, -1e12])
def test_targets_that_no_image_holds_a_place_for(padding, wild, path):
    image, controls, targets = inputs(2, 2, (9, 8), (5, 6), False)
    targets[0, 4] = wild
    came = answers(tps_sample, [image, controls, targets], (5, 6), padding=padding, path=path)
    assert came["output"].isfinite().all() and came["gradient of image"].isfinite().all()
    alone = answers(tps_sample, [image[1:], controls, targets[1:]], (5, 6), padding=padding, path=path)
    torch.testing.assert_close(came["output"][1:], alone["output"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)], ids=["no images", "no channels"])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_empty_inputs(shape, path):
    came = answers(tps_sample, [torch.zeros(*shape, 9, 8), lattice(), lattice().expand(shape[0], 9, 2)], (5, 6), path=path)
    assert came["output"].shape == (*shape, 5, 6) and came["gradient of image"].shape == (*shape, 9, 8)
    assert came["gradient of targets"].shape == (shape[0], 9, 2) and not any(tensor.any() for tensor in came.values())


def test_autocast_does_not_round_the_products():
    image, controls, targets = inputs(2, 3, (9, 13), (5, 6), False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        came = tps_sample(image, controls, targets)
    assert torch.equal(came, tps_sample(image, controls, targets))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_derivatives_are_right(path, padding):
    image, controls, targets = inputs(1, 2, (4, 5), (2, 3), False, dtype=torch.float64)
    image.requires_grad_()
    targets.requires_grad_()

    def function(image, targets):
        return tps_sample(image, controls, targets, size=(2, 3), padding=padding, path=path)

    assert torch.autograd.gradcheck(function, (image, targets))
    if GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE or path == "naive":
        assert torch.autograd.gradgradcheck(function, (image, targets), fast_mode=True)


def test_the_plain_formulation_compiles_without_a_graph_break():
    tensors = inputs(2, 3, (9, 13), (5, 6), False)
    compiled = torch.compile(tps_sample, backend="aot_eager", fullgraph=True)
    assert_same_answers(answers(compiled, tensors, (5, 6)), expected_answers(tensors, (5, 6)), TOLERANCE[torch.float32])


@pytest.mark.parametrize("path", ["plain", "naive"])
def test_meta_tensors_give_shapes_and_dtypes(path):
    image, controls, targets = (tensor.to("meta") for tensor in inputs(2, 3, (9, 8), (5, 6), False, dtype=torch.float16))
    output = tps_sample(image, controls, targets, size=(5, 6), path=path)
    assert (output.shape, output.dtype) == ((2, 3, 5, 6), torch.float16)
    assert tps_sample(image, controls, targets, path=path).shape == image.shape


def test_the_inputs_are_left_as_they_were():
    tensors = inputs(2, 3, (9, 8), (5, 6), False)
    before, state = [tensor.clone() for tensor in tensors], torch.random.get_rng_state()
    answers(tps_sample, tensors, (5, 6))
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(tensors, before, strict=True))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_example_in_the_docstring_runs():
    module = importlib.import_module("vislab.ops.tps_sample.op")
    tests = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert len(tests) == 1 and doctest.DocTestRunner().run(tests[0]) == doctest.TestResults(0, 4)


LINE = torch.linspace(-1, 1, 9)[:, None].expand(9, 2)


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("image", np.zeros((2, 3, 9, 8)), TypeError, "image is ndarray; it must be a torch.Tensor; convert with torch.as_tensor(image)"),
        ("image", torch.zeros(9, 8), ValueError, "image.shape (9, 8) must be [B, C, H, W]; add the missing axes with image[None]"),
        ("controls", torch.zeros(9, 2).long(), TypeError, "controls.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ("controls", torch.zeros(2, 2), ValueError, "controls.shape (2, 2) must be [K, 2] with K at least 3; fewer points leave"),
        ("controls", lattice().requires_grad_(), ValueError, "controls asks for a gradient, and control points are constants here; pass"),
        ("controls", lattice().to("meta"), ValueError, "controls is on meta, image on cpu; move one of them with .to()"),
        ("controls", LINE, ValueError, "controls of shape (9, 2) do not determine a spline: some coincide, or all lie on one line; spread"),
        ("controls", torch.full((9, 2), torch.nan), ValueError, "controls of shape (9, 2) do not determine a spline"),
        ("targets", torch.zeros(2, 8, 2), ValueError, "targets.shape (2, 8, 2) must be [B, 9, 2], one target for each of the controls"),
        ("targets", lattice(), ValueError, "targets.shape (9, 2) must be [B, 9, 2], one target for each of the controls of shape (9, 2);"),
        ("targets", torch.zeros(3, 9, 2), ValueError, "targets.shape (3, 9, 2) must begin with the image's batch of 2"),
        ("regularisation", -0.1, ValueError, "regularisation -0.1 must be at least 0 and finite; 0.0 goes through the targets exactly"),
        ("regularisation", float("nan"), ValueError, "regularisation nan must be at least 0 and finite"),
        ("regularisation", "much", TypeError, "regularisation is str; it must be a number, 0.0 to go through the targets exactly"),
        ("size", 5, TypeError, "size 5 must be (H_out, W_out), two whole numbers; leave it out to keep the image's"),
        ("size", (5, 0), ValueError, "size (5, 0) must be at least 1 each way; leave it out to keep the image's (9, 8)"),
        ("padding", "wrap", ValueError, "padding 'wrap' must be one of ['zeros', 'border', 'reflection']; 'zeros' is the usual one"),
        ("align_corners", 1, TypeError, "align_corners is 1; it must be True or False; False is PyTorch's own default"),
        (
            "path",
            "fast",
            ValueError,
            "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out to let the device decide",
        ),
    ],
)
def test_errors_name_value_rule_and_remedy(name, value, error, text):
    given = {"image": torch.zeros(2, 3, 9, 8), "controls": lattice(), "targets": lattice().expand(2, 9, 2)} | {name: value}
    with pytest.raises(error, match=re.escape(text)):
        tps_sample(**given)


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(**options):
    with OperatorNames() as names:
        tps_sample(*inputs(1, 1, (5, 4), (5, 4), False), **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    image = torch.zeros(1, 1, 5, 4)
    assert path_for(image) == "plain" and path_for(image, "naive") == "naive"
    assert "aten::grid_sampler_2d" in operators() and "aten::grid_sampler_2d" in operators(path="plain")
    assert "aten::grid_sampler_2d" not in operators(path="naive")
    pytest.importorskip("triton")
    assert path_for(image, "fused") == "fused"
    assert "vislab::tps_sample" in operators(path="fused") and "aten::grid_sampler_2d" not in operators(path="fused")
    assert "vislab::tps_sample" not in operators()


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_plain_formulation():
    assert path_for(torch.zeros(1, 1, 2, 2, device="cuda")) == "plain"


SCRIPT = """
import sys, torch
{first}
from vislab.ops.tps_sample import path_for, tps_sample
print("triton" in sys.modules)
controls = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
tensors = torch.ones(1, 1, 1, 2), controls, 0 * controls[None]
print(path_for(tensors[0]), tps_sample(*tensors).round(decimals=4).tolist())
try:
    tps_sample(*tensors, path="fused")
except RuntimeError as error:
    print(error)
"""


def python(script, root, **environment):
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_works_where_triton_is_not_installed(root):
    assert python(SCRIPT.format(first='sys.modules["triton"] = None'), root)[1:] == [
        "plain [[[[1.0, 1.0]]]]",
        "path 'fused' needs Triton, which is not installed here; install triton (Linux), or leave path out",
    ]


def test_the_kernels_refuse_a_cpu_outside_the_interpreter_and_triton_is_imported_for_them_alone(root, tmp_path):
    pytest.importorskip("triton")
    assert python(SCRIPT.format(first=""), root, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path)) == [
        "False",
        "plain [[[[1.0, 1.0]]]]",
        "image is on the CPU, where the fused kernels run only under Triton's interpreter;"
        " set TRITON_INTERPRET=1 before Python starts, or leave path out",
    ]
