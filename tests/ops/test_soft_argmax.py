"""The public entry of soft-argmax on a CPU: conventions, known values, errors, and which formulation it takes."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from heatmap_cases import TOLERANCE, answers, assert_same_answers, gaussian, logits
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.ops.soft_argmax import path_for, soft_argmax
from vislab.ops.soft_argmax.naive import soft_argmax_naive

SIZES = [(1, 1), (1, 1000), (1000, 1), (5, 7), (63, 65), (64, 64), (70, 129)]


def expected_answers(heatmaps, temperature=1.0):
    return answers(lambda maps, **options: soft_argmax_naive(maps, temperature, **options), heatmaps.double())


@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_plain_equals_the_reference(size, dtype):
    heatmaps = logits(2, 3, *size, dtype=dtype)
    answer_dtype = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
    came = answers(soft_argmax, heatmaps, temperature=0.7, dtype=answer_dtype)
    assert came["mean"].dtype == came["variance"].dtype == answer_dtype and came["gradient"].dtype == dtype
    expected = expected_answers(heatmaps, 0.7)
    for name in ("mean", "variance"):
        assert_same_answers({name: came[name]}, {name: expected[name]}, TOLERANCE[answer_dtype])
    assert_same_answers({"gradient": came["gradient"]}, {"gradient": expected["gradient"]}, TOLERANCE[dtype])


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize(
    "view",
    [
        lambda: logits(2, 3, 9, 8).transpose(2, 3),
        lambda: logits(2, 3, 8, 9).to(memory_format=torch.channels_last),
        lambda: logits(2, 3, 16, 18)[:, :, ::2, ::2],
        lambda: logits(1, 1, 8, 9).expand(2, 3, 8, 9),
    ],
    ids=["transposed", "channels last", "every second pixel", "expanded"],
)
def test_views(view, path):
    assert not view().is_contiguous()
    assert_same_answers(answers(soft_argmax, view(), path=path), expected_answers(view()), TOLERANCE[torch.float32])


def test_x_comes_first_and_pixel_centres_are_whole_numbers():
    heatmaps = torch.full((1, 3, 6, 9), -torch.inf)
    heatmaps[0, 0, 0, 0] = heatmaps[0, 1, 2, 7] = heatmaps[0, 2, 5, 8] = 0.0
    assert soft_argmax(heatmaps).tolist() == [[[0, 0], [7, 2], [8, 5]]]


def test_a_constant_added_to_a_map_changes_nothing():
    heatmaps = logits(2, 3, 5, 7, dtype=torch.float64)
    torch.testing.assert_close(soft_argmax(heatmaps + 123.0), soft_argmax(heatmaps), rtol=0, atol=1e-12)


def test_the_answer_moves_with_a_map_whose_mass_stays_inside():
    heatmaps = gaussian(64, 80, 30.3, 31.7, 2.0).log()[None, None]
    moved = soft_argmax(heatmaps.roll((-3, 5), dims=(2, 3))) - soft_argmax(heatmaps)
    torch.testing.assert_close(moved[0, 0], torch.tensor([5.0, -3.0], dtype=torch.float64), rtol=0, atol=1e-9)


def test_the_temperature_divides():
    heatmaps = logits(2, 3, 5, 7, dtype=torch.float64)
    torch.testing.assert_close(soft_argmax(heatmaps, temperature=0.25), soft_argmax(heatmaps * 4), rtol=0, atol=1e-12)
    assert not torch.allclose(soft_argmax(heatmaps, temperature=4), soft_argmax(heatmaps * 4), atol=1e-3)


@pytest.mark.parametrize(
    ("beta", "x", "y", "within"),
    [(1, 31.33, 31.41, 0.005), (5, 27.4, 29.3, 0.05), (10, 11.3, 20.7, 0.05), (20, 10, 20, 2e-4), (40, 10, 20, 1e-6)],
)
def test_bias_of_an_amplitude_one_gaussian(beta, x, y, within):
    """exercises.md, A1 6: 64 × 64, σ = 2, truth (10, 20); the background pulls the mean to the centre, 31.5."""
    heatmap = gaussian(64, 64, 10, 20, 2.0)
    mean = soft_argmax(heatmap[None, None], temperature=1 / beta)[0, 0]
    assert (mean - torch.tensor([x, y])).abs().max() <= within
    # the share of mass above the background's level says how much of the truth is left.
    weight = torch.exp(beta * heatmap)
    share = ((weight - 1).sum() / weight.sum()).item()
    predicted = [share * truth + (1 - share) * 31.5 for truth in (10, 20)]
    assert mean.tolist() == pytest.approx(predicted, abs=1e-3)


def test_a_log_gaussian_has_no_bias_inside():
    mean = soft_argmax(gaussian(64, 64, 10, 20, 2.0).log()[None, None])[0, 0]
    assert mean.tolist() == pytest.approx([10, 20], abs=1e-5)


@pytest.mark.parametrize(("x", "bias"), [(0, 1.30), (0.5, 1.02), (1, 0.78), (2, 0.40), (4, 0.06)])
def test_bias_at_the_border(x, bias):
    """exercises.md, A1 6: a log-Gaussian, σ = 2, cut off by the map's left edge."""
    mean = soft_argmax(gaussian(64, 64, x, 32, 2.0).log()[None, None])[0, 0]
    assert mean[0].item() - x == pytest.approx(bias, abs=0.006)
    assert mean[1].item() == pytest.approx(32, abs=1e-9)


def test_two_maxima():
    """exercises.md, A1 7: modes of weight .6 and .4 at x = 16 and 48: the mean is at neither, and the variance shows it."""
    heatmap = 0.6 * gaussian(64, 64, 16, 32, 2.0) + 0.4 * gaussian(64, 64, 48, 32, 2.0)
    mean, variance = soft_argmax(heatmap.log()[None, None], return_variance=True)
    assert mean[0, 0].tolist() == pytest.approx([28.8, 32.0], abs=1e-6)
    assert variance[0, 0].tolist() == pytest.approx([0.24 * 32**2 + 4, 4.0], abs=1e-4)
    assert round(variance[0, 0, 0].item(), 1) == 249.8
    assert heatmap.argmax().item() % 64 == 16


@pytest.mark.parametrize("path", ["plain", "naive"])
def test_huge_logits_masks_and_blank_maps(path):
    heatmaps = 1e4 * logits(2, 2, 9, 8)
    heatmaps[0, 1, :, :6] = -torch.inf
    heatmaps[1, 0] = -torch.inf
    came = answers(soft_argmax, heatmaps, path=path)
    assert_same_answers(came, expected_answers(heatmaps), TOLERANCE[torch.float32])
    assert came["mean"][1, 0].tolist() == [3.5, 4.0]
    assert came["variance"][1, 0].tolist() == pytest.approx([63 / 12, 80 / 12])
    assert not came["gradient"][heatmaps == -torch.inf].any() and came["gradient"].isfinite().all()


@pytest.mark.parametrize("poison", [torch.nan, torch.inf])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_nan_and_infinity_show_in_their_own_map_only(poison, path):
    heatmaps = logits(1, 2, 5, 7)
    heatmaps[0, 0, 4, 6] = poison
    came = answers(soft_argmax, heatmaps, path=path)
    assert came["mean"][0, 0].isnan().all() and came["variance"][0, 0].isnan().all()
    assert came["mean"][0, 1].isfinite().all() and came["gradient"][0, 1].isfinite().all()


def test_a_tiny_temperature_under_a_huge_logit():
    heatmaps = torch.full((1, 1, 4, 6), -1e4)
    heatmaps[0, 0, 1, 5] = 1e4
    came = answers(soft_argmax, heatmaps, temperature=1e-30)
    assert came["mean"].tolist() == [[[5.0, 1.0]]] and not came["gradient"].any()


def test_a_million_pixels_in_float32():
    heatmaps = logits(1, 1, 1000, 1000)
    expected = soft_argmax_naive(heatmaps.double())
    assert (soft_argmax(heatmaps) - expected).abs().max() < 1e-3
    # what the correction in the plain formulation is for.
    probability = torch.softmax(heatmaps.flatten(2), -1).view(heatmaps.shape)
    assert ((probability.sum(2) * torch.arange(1000)).sum(-1) - expected[..., 0]).abs().max() > 1e-2


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5)])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_an_empty_batch(shape, path):
    came = answers(soft_argmax, torch.empty(shape), path=path)
    assert came["mean"].shape == came["variance"].shape == (*shape[:2], 2)
    assert came["gradient"].shape == shape


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_the_answer_keeps_the_dtype_unless_another_is_asked_for(dtype):
    heatmaps = logits(1, 1, 200, 300, dtype=dtype)
    mean, variance = soft_argmax(heatmaps, return_variance=True)
    assert mean.dtype == variance.dtype == dtype
    exact = soft_argmax(heatmaps, dtype=torch.float64)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(mean, exact.to(dtype))


def test_autocast_does_not_round_the_coordinates():
    heatmaps = logits(2, 3, 200, 300)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        came = soft_argmax(heatmaps, return_variance=True)
    for have, want in zip(came, soft_argmax(heatmaps, return_variance=True), strict=True):
        assert torch.equal(have, want)


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_derivatives_are_right(path):
    heatmaps = logits(2, 1, 3, 4, dtype=torch.float64).requires_grad_()

    def function(maps):
        return soft_argmax(maps, temperature=0.7, return_variance=True, path=path)

    assert torch.autograd.gradcheck(function, heatmaps)
    assert torch.autograd.gradgradcheck(function, heatmaps)


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_compiles_without_a_graph_break(path):
    heatmaps = logits(2, 3, 9, 8)
    heatmaps[1, 1] = -torch.inf
    compiled = torch.compile(soft_argmax, backend="aot_eager", fullgraph=True)
    came = answers(compiled, heatmaps, temperature=0.7, path=path)
    assert_same_answers(came, expected_answers(heatmaps, 0.7), TOLERANCE[torch.float32])


def test_works_under_vmap():
    heatmaps = logits(4, 2, 3, 5, 7)
    heatmaps[1, 0, 1] = -torch.inf
    came = torch.func.vmap(soft_argmax)(heatmaps)
    expected = torch.stack([soft_argmax(maps) for maps in heatmaps])
    torch.testing.assert_close(came, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_meta_tensors_give_shapes_and_dtypes(path):
    mean, variance = soft_argmax(torch.empty(2, 3, 5, 7, device="meta", dtype=torch.float16), return_variance=True, path=path)
    for answer in (mean, variance):
        assert (answer.shape, answer.dtype, answer.device.type) == ((2, 3, 2), torch.float16, "meta")


def test_the_input_and_the_generator_are_left_as_they_were():
    heatmaps = logits(2, 3, 5, 7)
    before, state = heatmaps.clone(), torch.random.get_rng_state()
    answers(soft_argmax, heatmaps)
    assert torch.equal(heatmaps, before) and torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ([np.zeros((1, 1, 2, 2))], {}, TypeError, "heatmaps is ndarray; it must be a torch.Tensor; convert with torch.as_tensor(heatmaps)"),
        ([torch.zeros(1, 1, 2, 2).long()], {}, TypeError, "heatmaps.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ([torch.zeros(5, 7)], {}, ValueError, "heatmaps.shape (5, 7) must be [B, J, H, W]; add the missing axes with heatmaps[None]"),
        ([torch.zeros(2, 3, 0, 7)], {}, ValueError, "heatmaps.shape (2, 3, 0, 7) holds maps without pixels; H and W must be at least 1"),
        ([torch.zeros(1, 1, 2, 2)], {"temperature": 0.0}, ValueError, "temperature 0.0 must lie in [1e-30, 1e+30]; 1.0 is the plain"),
        ([torch.zeros(1, 1, 2, 2)], {"temperature": -1}, ValueError, "temperature -1 must lie in [1e-30, 1e+30]"),
        ([torch.zeros(1, 1, 2, 2)], {"temperature": float("nan")}, ValueError, "temperature nan must lie in"),
        (
            [torch.zeros(1, 1, 2, 2)],
            {"temperature": torch.tensor(2.0)},
            TypeError,
            "temperature is Tensor; it must be a number; for a learned temperature divide first: soft_argmax(heatmaps / temperature)",
        ),
        ([torch.zeros(1, 1, 2, 2)], {"dtype": torch.int64}, TypeError, "dtype torch.int64 must be one of (torch.float16, "),
        (
            [torch.zeros(1, 1, 2, 2)],
            {"path": "fast"},
            ValueError,
            "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out to let the device decide",
        ),
    ],
)
def test_errors_name_value_rule_and_remedy(arguments, options, error, text):
    with pytest.raises(error, match=re.escape(text)):
        soft_argmax(*arguments, **options)


@pytest.mark.parametrize("temperature", [2, np.float32(2.0), np.float64(2.0)])
def test_any_real_number_is_a_temperature(temperature):
    heatmaps = logits(1, 1, 5, 7)
    assert torch.equal(soft_argmax(heatmaps, temperature=temperature), soft_argmax(heatmaps, temperature=2.0))


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(**options):
    with OperatorNames() as names:
        soft_argmax(logits(1, 1, 5, 7), **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    heatmaps = logits(1, 1, 5, 7)
    assert path_for(heatmaps) == "plain" and path_for(heatmaps, "naive") == "naive"
    assert "aten::_softmax" in operators() and "aten::_softmax" in operators(path="plain")
    assert "aten::_softmax" not in operators(path="naive")
    pytest.importorskip("triton")
    assert path_for(heatmaps, "fused") == "fused"
    assert "vislab::soft_argmax" in operators(path="fused")
    assert "vislab::soft_argmax" not in operators()


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_kernels():
    assert path_for(torch.zeros(1, 1, 2, 2, device="cuda")) == "fused"


WITHOUT_TRITON = """
import sys
sys.modules["triton"] = None
import torch
from vislab.ops.soft_argmax import path_for, soft_argmax
heatmaps = torch.zeros(1, 1, 3, 5)
print(path_for(heatmaps), soft_argmax(heatmaps).tolist())
try:
    soft_argmax(heatmaps, path="fused")
except RuntimeError as error:
    print(error)
"""

COMPILED_ON_A_CPU = """
import torch
from vislab.ops.soft_argmax import soft_argmax
try:
    soft_argmax(torch.zeros(1, 1, 3, 5), path="fused")
except RuntimeError as error:
    print(error)
"""


def python(script, root, **environment):
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_works_where_triton_is_not_installed(root):
    assert python(WITHOUT_TRITON, root) == [
        "plain [[[2.0, 1.0]]]",
        "path 'fused' needs Triton, which is not installed here; install triton (Linux), or leave path out",
    ]


def test_the_kernels_refuse_a_cpu_outside_the_interpreter(root, tmp_path):
    pytest.importorskip("triton")
    assert python(COMPILED_ON_A_CPU, root, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path)) == [
        "heatmaps is on the CPU, where the fused kernels run only under Triton's interpreter;"
        " set TRITON_INTERPRET=1 before Python starts, or leave path out"
    ]


def test_importing_the_op_does_not_import_triton(root):
    assert python("import sys, vislab.ops.soft_argmax; print('triton' in sys.modules)", root) == ["False"]
