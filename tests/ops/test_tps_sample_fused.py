"""The Triton kernels of tps_sample against the reference: under the interpreter here, compiled on a GPU by test_kernels_cuda.py."""

import pytest
import torch
from heatmap_cases import assert_same_answers
from sampling_cases import GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE
from spline_cases import PADDINGS, SIZES, TOLERANCE, answers, doubles, inputs, lattice

triton = pytest.importorskip("triton")

from vislab.ops.sampling import sample_kernels  # noqa: E402
from vislab.ops.tps_sample import fused, tps_sample  # noqa: E402
from vislab.ops.tps_sample.naive import tps_sample_naive  # noqa: E402

DEVICE = "cuda" if isinstance(fused._sample_kernel, triton.JITFunction) else "cpu"
VIEWS = {
    "transposed": lambda image: image.transpose(2, 3).contiguous().transpose(2, 3),
    "channels last": lambda image: image.to(memory_format=torch.channels_last),
    "every second pixel": lambda image: image.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, ::2, ::2],
    "one row for all": lambda image: image[:, :, :1].expand(image.shape),
    "one image for all": lambda image: image[:1].expand(image.shape),
}


def fused_op(*tensors, **options):
    return tps_sample(*tensors, path="fused", **options)


def here(tensors):
    return [tensor.to(DEVICE) for tensor in tensors]


def expected_answers(tensors, size, **options):
    # the reference sees the very numbers that the kernels see, in float64.
    return answers(tps_sample_naive, doubles(tensors), size, **options)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_equals_the_reference(size, out_size, padding, align_corners):
    tensors = here(inputs(2, 2, size, out_size, align_corners))
    options = {"padding": padding, "align_corners": align_corners}
    expected = expected_answers(tensors, out_size, **options)
    assert_same_answers(answers(fused_op, tensors, out_size, **options), expected, TOLERANCE[torch.float32])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_every_dtype_is_rounded_once(dtype):
    tensors = here(inputs(2, 2, (9, 8), (17, 33), False, dtype=dtype))
    came = answers(fused_op, tensors, (17, 33), regularisation=0.1)
    assert came["output"].dtype == came["gradient of image"].dtype == dtype
    assert_same_answers(came, expected_answers(tensors, (17, 33), regularisation=0.1), TOLERANCE[dtype])


def test_float64_targets_lift_a_float32_image():
    image, controls, targets = here(inputs(1, 1, (9, 8), (5, 6), False))
    came = answers(fused_op, [image, controls, targets.double()], (5, 6))
    assert [tensor.dtype for tensor in came.values()] == [torch.float32, torch.float32, torch.float64]
    assert_same_answers(came, expected_answers([image, controls, targets], (5, 6)), 1e-6)


def test_more_channels_than_a_program_walks_over():
    tensors = here(inputs(1, sample_kernels._CHANNELS + 3, (5, 7), (4, 3), False))
    assert_same_answers(answers(fused_op, tensors, (4, 3)), expected_answers(tensors, (4, 3)), TOLERANCE[torch.float32])


def test_points_beyond_the_lattice_and_on_pixel_centres():
    """An output pixel that lies on a control point: r is 0 there, and its logarithm must not show."""
    controls = here([lattice(3)])[0]
    tensors = [torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(0)).to(DEVICE), controls, 0.37 * controls[None]]
    came = answers(fused_op, tensors, (3, 3), align_corners=True)
    assert all(tensor.isfinite().all() for tensor in came.values())
    assert_same_answers(came, expected_answers(tensors, (3, 3), align_corners=True), TOLERANCE[torch.float32])


@pytest.mark.parametrize("fault", ["x and y swapped", "off by a hundredth of a pixel", "one point lost", "half a gradient", "NaN"])
def test_the_comparison_catches_a_wrong_kernel(fault):
    tensors, size = inputs(2, 2, (9, 8), (17, 33), False), (17, 33)
    came = expected_answers(tensors, size)
    if fault == "x and y swapped":
        came = expected_answers([tensors[0], tensors[1].flip(1), tensors[2].flip(2)], size)
    elif fault == "off by a hundredth of a pixel":
        came = expected_answers([*tensors[:2], tensors[2] + 0.02 / 8], size)
    elif fault == "one point lost":
        came = expected_answers([tensors[0], tensors[1][:8], tensors[2][:, :8]], size)
        came["gradient of targets"] = torch.cat([came["gradient of targets"], torch.zeros(2, 1, 2)], 1)
    elif fault == "half a gradient":
        came["gradient of targets"] /= 2
    else:
        came["gradient of image"][1, 1, 8, 7] = torch.nan
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, expected_answers(tensors, size), TOLERANCE[torch.float32])


@pytest.mark.parametrize("view", VIEWS)
def test_any_strides(view):
    image, controls, targets = here(inputs(2, 3, (9, 13), (5, 6), False))
    tensors = [VIEWS[view](image), controls.t().contiguous().t(), targets.transpose(0, 1).contiguous().transpose(0, 1)]
    assert not any(tensor.is_contiguous() for tensor in tensors)
    assert_same_answers(answers(fused_op, tensors, (5, 6)), expected_answers(tensors, (5, 6)), TOLERANCE[torch.float32])


def test_strides_are_read_without_a_copy(monkeypatch):
    launched = {}

    def recorder(kernel, programs, near, *arguments, **constants):
        launched[kernel.fn.__name__] = {tensor.data_ptr() for tensor in arguments if isinstance(tensor, torch.Tensor)}

    image = VIEWS["transposed"](here(inputs(2, 3, (9, 13), (5, 6), False))[0])
    controls, coefficients = torch.zeros(9, 2, device=DEVICE), torch.zeros(2, 12, 2, device=DEVICE)
    upstream = torch.zeros(1, 1, 1, 1, device=DEVICE).expand(2, 3, 5, 6)
    monkeypatch.setattr(fused, "launch", recorder)
    torch.ops.vislab.tps_sample(image, controls, coefficients, 5, 6, 0, False)
    torch.ops.vislab.tps_sample_backward(upstream, image, controls, coefficients, 0, False, True, True)
    assert image.data_ptr() in launched["_sample_kernel"]
    assert {image.data_ptr(), upstream.data_ptr()} <= launched["_gradient_kernel"]


def test_only_the_gradients_that_are_asked_for():
    image, controls, targets = here(inputs(1, 2, (9, 8), (5, 6), False))
    both = answers(fused_op, [image, controls, targets], (5, 6))
    draw = torch.randn(both["output"].shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    upstream = ((8 * draw).round() / 8).to(both["output"])
    for leaf, name in ((image, "gradient of image"), (targets, "gradient of targets")):
        asked = leaf.clone().requires_grad_()
        given = (asked, controls, targets) if leaf is image else (image, controls, asked)
        (gradient,) = torch.autograd.grad(fused_op(*given, size=(5, 6)), asked, upstream)
        assert torch.equal(gradient, both[name])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)], ids=["no images", "no channels"])
def test_empty_inputs(shape):
    tensors = here([torch.zeros(*shape, 9, 8), lattice(), lattice().expand(shape[0], 9, 2)])
    came = answers(fused_op, tensors, (5, 6))
    assert came["output"].shape == (*shape, 5, 6) and came["gradient of image"].shape == (*shape, 9, 8)
    assert came["gradient of targets"].shape == (shape[0], 9, 2) and not any(tensor.any() for tensor in came.values())


@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("wild", [torch.nan, torch.inf, 1e30, -1e12])
def test_targets_that_no_image_holds_a_place_for(padding, wild):
    image, controls, targets = here(inputs(2, 2, (9, 8), (5, 6), False))
    targets[0, 4] = wild
    came = answers(fused_op, [image, controls, targets], (5, 6), padding=padding)
    assert came["output"].isfinite().all() and came["gradient of image"].isfinite().all()
    alone = answers(fused_op, [image[1:], controls, targets[1:]], (5, 6), padding=padding)
    assert torch.equal(came["output"][1:], alone["output"])


@pytest.mark.parametrize("padding", PADDINGS)
def test_first_and_second_derivatives_are_right(padding):
    image, controls, targets = here(inputs(1, 1, (3, 4), (2, 2), False, dtype=torch.float64))
    image.requires_grad_()
    targets.requires_grad_()

    def function(image, targets):
        return fused_op(image, controls, targets, size=(2, 2), padding=padding)

    # fast: along random directions, since every entry of every first gradient is compared with the reference above.
    twice = GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE and padding != "border"
    check = torch.autograd.gradgradcheck if twice else torch.autograd.gradcheck
    assert check(function, (image, targets), fast_mode=True)


def test_the_operators_keep_their_contract_with_torch_library():
    image = here([torch.randn(2, 2, 5, 7)])[0].requires_grad_()
    coefficients = (0.2 * torch.randn(2, 12, 2)).to(DEVICE).requires_grad_()
    controls = here([lattice()])[0]
    torch.library.opcheck(torch.ops.vislab.tps_sample.default, (image, controls, coefficients, 4, 3, 1, False))
    upstream = torch.randn(2, 2, 4, 3, device=DEVICE, requires_grad=True)
    backward = torch.ops.vislab.tps_sample_backward.default
    # what is left out, a trace with open sizes, takes most of the time and goes through the gradient of the operator above.
    tests = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(backward, (upstream, image, controls, coefficients, 1, False, True, True), test_utils=tests)


def test_compiles_without_a_graph_break():
    tensors = here(inputs(2, 2, (9, 8), (5, 6), False))
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True)
    came, expected = answers(compiled, tensors, (5, 6)), answers(fused_op, tensors, (5, 6))
    for name, value in came.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-6, msg=name)


def test_meta_tensors_give_shapes_and_dtypes():
    image = torch.empty(2, 3, 9, 8, device="meta", dtype=torch.bfloat16, requires_grad=True)
    targets = torch.empty(2, 9, 2, device="meta", requires_grad=True)
    output = fused_op(image, lattice().to("meta"), targets, size=(5, 6))
    output.sum().backward()
    assert (output.shape, output.dtype, output.device.type) == ((2, 3, 5, 6), torch.bfloat16, "meta")
    assert (image.grad.shape, image.grad.dtype) == (image.shape, torch.bfloat16)
    assert (targets.grad.shape, targets.grad.dtype) == (targets.shape, torch.float32)


def test_the_inputs_are_left_as_they_were():
    tensors = here(inputs(2, 2, (9, 8), (5, 6), False))
    before = [tensor.clone() for tensor in tensors]
    answers(fused_op, tensors, (5, 6))
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(tensors, before, strict=True))
