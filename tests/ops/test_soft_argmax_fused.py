"""The Triton kernels of soft-argmax against the reference: under the interpreter here, compiled on a GPU by test_kernels_cuda.py."""

import pytest
import torch
from heatmap_cases import TOLERANCE, answers, assert_same_answers, logits
from on_device import as_it_lies

triton = pytest.importorskip("triton")

from vislab.ops.soft_argmax import fused, soft_argmax  # noqa: E402
from vislab.ops.soft_argmax.naive import soft_argmax_naive  # noqa: E402

DEVICE = "cuda" if isinstance(fused._moments_kernel, triton.JITFunction) else "cpu"
# one pixel, one line, sizes around a power of two, sizes that leave a rest in both tile directions of both kernels.
SIZES = [(1, 1), (1, 1000), (1000, 1), (5, 7), (63, 65), (64, 64), (65, 63), (33, 130), (70, 129)]
VIEWS = {
    "transposed": lambda: logits(2, 3, 40, 33).transpose(2, 3),
    "channels last": lambda: logits(2, 3, 33, 40).to(memory_format=torch.channels_last),
    "every second pixel": lambda: logits(2, 3, 66, 80)[:, :, ::2, ::2],
    "window at an offset": lambda: logits(3, 4, 50, 60)[1:, 1:, 7:40, 9:49],
    "batch and joint swapped": lambda: logits(3, 2, 33, 40).transpose(0, 1),
    "one map for all": lambda: logits(1, 1, 33, 40).expand(2, 3, 33, 40),
    "one row for all": lambda: logits(2, 3, 1, 40).expand(2, 3, 33, 40),
}


def fused_op(heatmaps, **options):
    return soft_argmax(heatmaps, path="fused", **options)


def expected_answers(heatmaps, temperature=1.0):
    # the reference sees the very numbers that the kernel sees, in float64.
    return answers(lambda maps, **options: soft_argmax_naive(maps, temperature, **options), heatmaps.double())


@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_equals_the_reference(size, dtype):
    # half precision overflows in the variance of a long map; its answers are compared in float32 below.
    heatmaps = logits(2, 1, *size, dtype=dtype).to(DEVICE)
    answer_dtype = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
    came = answers(fused_op, heatmaps, temperature=0.7, dtype=answer_dtype)
    assert came["mean"].dtype == came["variance"].dtype == answer_dtype and came["gradient"].dtype == dtype
    expected = expected_answers(heatmaps, 0.7)
    for name in ("mean", "variance"):
        assert_same_answers({name: came[name]}, {name: expected[name]}, TOLERANCE[answer_dtype])
    assert_same_answers({"gradient": came["gradient"]}, {"gradient": expected["gradient"]}, TOLERANCE[dtype])


@pytest.mark.parametrize("fault", ["x and y swapped", "off by a pixel", "one tile lost", "half the gradient", "NaN"])
def test_the_comparison_catches_a_wrong_kernel(fault):
    heatmaps = logits(1, 2, 33, 130)
    came = answers(soft_argmax_naive, heatmaps)
    if fault == "x and y swapped":
        came["mean"] = came["mean"].flip(-1)
    elif fault == "off by a pixel":
        came["mean"] = came["mean"] + 1e-3
    elif fault == "one tile lost":
        came = answers(soft_argmax_naive, heatmaps.index_fill(3, torch.tensor([128, 129]), -torch.inf))
    elif fault == "half the gradient":
        came["gradient"] = came["gradient"] / 2
    else:
        came["gradient"][0, 0, 32, 129] = torch.nan
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, expected_answers(heatmaps), TOLERANCE[torch.float32])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_answers_are_rounded_once(dtype):
    heatmaps = logits(2, 3, 33, 40, dtype=dtype).to(DEVICE)
    came = answers(fused_op, heatmaps)
    assert {tensor.dtype for tensor in came.values()} == {dtype}
    mean, variance = soft_argmax_naive(heatmaps.double(), return_variance=True)
    assert_same_answers({"mean": came["mean"], "variance": came["variance"]}, {"mean": mean, "variance": variance}, TOLERANCE[dtype])


@pytest.mark.parametrize("view", VIEWS)
def test_any_strides(view):
    heatmaps = as_it_lies(VIEWS[view](), DEVICE)
    assert not heatmaps.is_contiguous()
    assert_same_answers(answers(fused_op, heatmaps), expected_answers(heatmaps), TOLERANCE[torch.float32])


def test_strides_are_read_without_a_copy(monkeypatch):
    launched = {}

    class Recorder:
        def __init__(self, name):
            self.name, self.kernel = name, getattr(fused, name)

        def __getitem__(self, grid):
            def launch(*arguments, **constants):
                launched[self.name] = [argument for argument in arguments if isinstance(argument, torch.Tensor)]
                return self.kernel[grid](*arguments, **constants)

            return launch

    heatmaps = VIEWS["transposed"]().to(DEVICE)
    stats = torch.ops.vislab.soft_argmax(heatmaps, 1.0, torch.float32, False)[2]
    for name in ("_moments_kernel", "_gradient_kernel"):
        monkeypatch.setattr(fused, name, Recorder(name))
    torch.ops.vislab.soft_argmax(heatmaps, 1.0, torch.float32, False)
    torch.ops.vislab.soft_argmax_backward(torch.ones(2, 3, 2).to(DEVICE), torch.ones(2, 3, 0).to(DEVICE), heatmaps, stats, 1.0)
    for given in (launched["_moments_kernel"][0], launched["_gradient_kernel"][2]):
        assert (given.data_ptr(), given.stride()) == (heatmaps.data_ptr(), heatmaps.stride())


def test_the_gradient_keeps_a_dense_layout():
    heatmaps = VIEWS["channels last"]().to(DEVICE)
    assert answers(fused_op, heatmaps)["gradient"].stride() == heatmaps.stride()


def test_an_expanded_upstream_gradient():
    heatmaps = logits(2, 3, 5, 7).to(DEVICE).requires_grad_()
    fused_op(heatmaps).sum().backward()
    reference = heatmaps.detach().double().requires_grad_()
    soft_argmax_naive(reference).sum().backward()
    assert_same_answers({"gradient": heatmaps.grad}, {"gradient": reference.grad}, TOLERANCE[torch.float32])


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5)])
def test_an_empty_batch(shape):
    came = answers(fused_op, torch.empty(shape, device=DEVICE))
    assert came["mean"].shape == came["variance"].shape == (*shape[:2], 2)
    assert came["gradient"].shape == shape


def test_huge_logits():
    heatmaps = 1e4 * logits(2, 2, 33, 130)
    assert heatmaps.abs().max() > 1e4
    assert_same_answers(answers(fused_op, heatmaps.to(DEVICE)), expected_answers(heatmaps), TOLERANCE[torch.float32])


@pytest.mark.parametrize("first", [0, 40, 128])
def test_masked_pixels(first):
    """Whole tiles of -inf before, between and behind the tiles that count."""
    heatmaps = torch.full((1, 2, 70, 260), -torch.inf)
    heatmaps[..., 30:50, first : first + 20] = logits(1, 2, 20, 20)
    came = answers(fused_op, heatmaps.to(DEVICE))
    assert_same_answers(came, expected_answers(heatmaps), TOLERANCE[torch.float32])
    assert not came["gradient"][heatmaps == -torch.inf].any()


def test_a_blank_map_counts_as_uniform_and_leaves_its_neighbour_alone():
    heatmaps = logits(1, 2, 70, 130)
    heatmaps[0, 0] = -torch.inf
    came = answers(fused_op, heatmaps.to(DEVICE))
    assert_same_answers(came, expected_answers(heatmaps), TOLERANCE[torch.float32])
    assert came["mean"][0, 0].tolist() == [64.5, 34.5] and not came["gradient"][0, 0].any() and came["gradient"][0, 1].any()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("poison", [torch.nan, torch.inf])
@pytest.mark.parametrize("pixel", [(0, 0), (69, 129)])
def test_nan_and_infinity_show_in_their_own_map_only(poison, pixel):
    heatmaps = logits(1, 2, 70, 130)
    heatmaps[0, 0, pixel[0], pixel[1]] = poison
    came = answers(fused_op, heatmaps.to(DEVICE))
    assert came["mean"][0, 0].isnan().all() and came["variance"][0, 0].isnan().all()
    assert came["mean"][0, 1].isfinite().all() and came["gradient"][0, 1].isfinite().all()


def test_the_variance_of_a_sharp_peak_far_from_the_origin_does_not_cancel():
    # E[x²] − E[x]² in float32 would be off by more than the variance itself.
    heatmaps = torch.full((1, 1, 3, 4000), -torch.inf)
    heatmaps[0, 0, 2, 3990] = heatmaps[0, 0, 2, 3991] = 0.0
    mean, variance = fused_op(heatmaps.to(DEVICE), return_variance=True)
    assert mean.tolist() == [[[3990.5, 2.0]]] and variance.tolist() == [[[0.25, 0.0]]]


def test_float64_keeps_a_temperature_that_float32_does_not():
    heatmaps = 1000 * logits(1, 2, 5, 7, dtype=torch.float64)
    temperature = 700.1
    came = answers(fused_op, heatmaps.to(DEVICE), temperature=temperature)
    assert_same_answers(came, expected_answers(heatmaps, temperature), TOLERANCE[torch.float64])
    rounded = expected_answers(heatmaps, torch.tensor(temperature, dtype=torch.float32).item())
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, rounded, TOLERANCE[torch.float64])


@pytest.mark.parametrize("return_variance", [False, True])
def test_first_and_second_derivatives_are_right(return_variance):
    heatmaps = logits(1, 2, 2, 3, dtype=torch.float64).to(DEVICE)
    heatmaps[0, 0, 0] = -1e3
    heatmaps.requires_grad_()

    def function(maps):
        return soft_argmax(maps, temperature=0.7, return_variance=return_variance, path="fused")

    assert torch.autograd.gradcheck(function, heatmaps)
    assert torch.autograd.gradgradcheck(function, heatmaps)


def test_the_second_derivative_of_a_blank_map_is_zero():
    heatmaps = torch.full((1, 1, 3, 4), -torch.inf, device=DEVICE, requires_grad=True)
    mean, variance = fused_op(heatmaps, return_variance=True)
    (gradient,) = torch.autograd.grad(mean.sum() + variance.sum(), heatmaps, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), heatmaps)
    assert torch.equal(second, torch.zeros_like(second))


@pytest.mark.parametrize("with_variance", [False, True])
def test_the_operators_keep_their_contract_with_torch_library(with_variance):
    heatmaps = logits(2, 3, 5, 7).to(DEVICE).requires_grad_()
    torch.library.opcheck(torch.ops.vislab.soft_argmax.default, (heatmaps, 1.3, torch.float32, with_variance))
    _, variance, stats = torch.ops.vislab.soft_argmax(heatmaps.detach(), 1.3, torch.float32, with_variance)
    upstream = torch.randn(2, 3, 2, device=DEVICE, requires_grad=True), torch.randn(variance.shape, device=DEVICE, requires_grad=True)
    torch.library.opcheck(torch.ops.vislab.soft_argmax_backward.default, (*upstream, heatmaps, stats, 1.3))


def test_compiles_without_a_graph_break():
    heatmaps = logits(2, 3, 33, 40).to(DEVICE)
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True)
    came, expected = answers(compiled, heatmaps, temperature=0.7), answers(fused_op, heatmaps, temperature=0.7)
    for name, value in came.items():
        assert torch.equal(value, expected[name]), name


def test_meta_tensors_give_shapes_and_dtypes():
    heatmaps = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.bfloat16, requires_grad=True)
    mean, variance = fused_op(heatmaps, return_variance=True, dtype=torch.float32)
    (mean.sum() + variance.sum()).backward()
    assert (mean.shape, mean.dtype, mean.device.type) == ((2, 3, 2), torch.float32, "meta") and variance.shape == mean.shape
    assert (heatmaps.grad.shape, heatmaps.grad.dtype) == (heatmaps.shape, torch.bfloat16)


def test_the_input_is_left_as_it_was():
    heatmaps = logits(2, 3, 33, 40).to(DEVICE)
    before = heatmaps.clone()
    answers(fused_op, heatmaps)
    assert torch.equal(heatmaps, before)
