"""The Triton kernels of RoIAlign against the reference: in the interpreter here, compiled by test_kernels_cuda.py."""

import pytest
import torch
from heatmap_cases import assert_same_answers
from on_device import as_it_lies
from region_cases import TOLERANCE, answers, boxes, maps

triton = pytest.importorskip("triton")

from vislab.ops.roi_align import fused, roi_align  # noqa: E402

DEVICE = "cuda" if isinstance(fused._pool_kernel, triton.JITFunction) else "cpu"
SIZES = [(1, 1), (1, 129), (129, 1), (5, 7), (64, 63), (63, 65)]
OPTIONS = {"output_size": (3, 2), "spatial_scale": 0.25}


def fused_op(features, regions, batch_index=None, **options):
    return roi_align(features, regions, batch_index, path="fused", **options)


def expected_answers(features, regions, **options):
    # the reference sees the very numbers that the kernel sees, in float64.
    return answers(roi_align, features.double(), regions.double(), path="naive", **options)


@pytest.mark.parametrize(("ratio", "aligned"), [(0, True), (1, True), (3, False)])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_equals_the_reference(size, ratio, aligned):
    features, regions = maps(2, 3, *size).to(DEVICE), boxes(4, 2, *size).to(DEVICE)
    options = OPTIONS | {"sampling_ratio": ratio, "aligned": aligned}
    came = answers(fused_op, features, regions, **options)
    assert_same_answers(came, expected_answers(features, regions, **options), TOLERANCE[torch.float32])


@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
def test_every_dtype(dtype):
    features, regions = (
        maps(2, 3, 9, 8, dtype=dtype).to(DEVICE),
        boxes(6, 2, 9, 8, dtype=torch.promote_types(dtype, torch.float32)).to(DEVICE),
    )
    came = answers(fused_op, features, regions, aligned=False, **OPTIONS)
    assert came["pooled"].dtype == came["gradient of features"].dtype == dtype and came["gradient of boxes"].dtype == regions.dtype
    expected = expected_answers(features, regions, aligned=False, **OPTIONS)
    by_boxes = {"gradient of boxes": expected.pop("gradient of boxes")}
    assert_same_answers({"gradient of boxes": came.pop("gradient of boxes")}, by_boxes, TOLERANCE[regions.dtype])
    assert_same_answers(came, expected, TOLERANCE[dtype])


@pytest.mark.parametrize(("channels", "output_size"), [(1, (1, 1)), (20, (7, 9)), (65, (4, 5)), (3, (9, 15))])
def test_tiles_that_leave_a_rest(channels, output_size):
    features, regions = maps(1, channels, 7, 6).to(DEVICE), boxes(2, 1, 7, 6).to(DEVICE)
    options = {"output_size": output_size, "spatial_scale": 0.25, "sampling_ratio": 1}
    assert_same_answers(
        answers(fused_op, features, regions, **options), expected_answers(features, regions, **options), TOLERANCE[torch.float32]
    )


@pytest.mark.parametrize("fault", ["half a pixel", "x and y swapped", "one channel lost", "last box wins", "side forgotten", "NaN"])
def test_the_comparison_catches_a_wrong_kernel(fault):
    features, regions = maps(2, 3, 9, 8), boxes(6, 2, 9, 8)
    came = answers(roi_align, features, regions, path="naive", **OPTIONS)
    if fault == "half a pixel":
        came = answers(roi_align, features, regions, path="naive", aligned=False, **OPTIONS)
    elif fault == "x and y swapped":
        came["gradient of boxes"] = came["gradient of boxes"][:, [0, 2, 1, 4, 3]]
    elif fault == "one channel lost":
        came["pooled"][:, 2] = 0.0
    elif fault == "last box wins":
        came["gradient of features"] = answers(roi_align, features, regions[-2:], path="naive", **OPTIONS)["gradient of features"]
    elif fault == "side forgotten":
        came["gradient of boxes"][:, 3] = 0.0
    else:
        came["pooled"][5, 2, 2, 1] = torch.nan
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, expected_answers(features, regions, **OPTIONS), TOLERANCE[torch.float32])


@pytest.mark.parametrize(
    "view",
    [
        lambda: maps(2, 3, 9, 8).transpose(2, 3),
        lambda: maps(2, 3, 8, 9).to(memory_format=torch.channels_last),
        lambda: maps(3, 4, 16, 18)[1:, 1:, ::2, ::2],
        lambda: maps(1, 3, 8, 9).expand(2, 3, 8, 9),
    ],
    ids=["transposed", "channels last", "every second pixel", "one image for all"],
)
def test_any_strides(view):
    features, regions = as_it_lies(view(), DEVICE), boxes(6, 2, 8, 9).to(DEVICE)[::2]
    assert not features.is_contiguous() and not regions.is_contiguous()
    came = answers(fused_op, features, regions, sampling_ratio=1, **OPTIONS)
    assert_same_answers(came, expected_answers(features, regions, sampling_ratio=1, **OPTIONS), TOLERANCE[torch.float32])


@pytest.mark.parametrize(
    "upstream",
    [
        lambda: maps(4, 3, 2, 3).transpose(2, 3),
        lambda: maps(4, 3, 3, 2).to(memory_format=torch.channels_last),
        lambda: torch.ones(()).expand(4, 3, 3, 2),
    ],
    ids=["transposed", "channels last", "one number for all"],
)
def test_an_upstream_gradient_of_any_strides(upstream):
    upstream = as_it_lies(upstream(), DEVICE)
    results = []
    for function, dtype in (
        (fused_op, torch.float32),
        (lambda *inputs, **options: roi_align(*inputs, path="naive", **options), torch.float64),
    ):
        leaves = [tensor.to(DEVICE, dtype).requires_grad_() for tensor in (maps(2, 3, 9, 8), boxes(4, 2, 9, 8))]
        gradients = torch.autograd.grad(function(*leaves, sampling_ratio=1, **OPTIONS), leaves, upstream.to(dtype))
        results.append(dict(zip(("features", "boxes"), gradients, strict=True)))
    assert_same_answers(*results, TOLERANCE[torch.float32])


@pytest.mark.parametrize(("images", "channels", "count"), [(2, 3, 0), (0, 3, 0), (2, 0, 4)])
def test_nothing_to_pool(images, channels, count):
    features, regions = torch.empty(images, channels, 4, 5, device=DEVICE), boxes(count, 2, 4, 5).to(DEVICE)
    came = answers(fused_op, features, regions, **OPTIONS)
    assert came["pooled"].shape == (count, channels, 3, 2)
    assert came["gradient of features"].shape == features.shape and not came["gradient of features"].any()
    assert came["gradient of boxes"].shape == regions.shape and not came["gradient of boxes"].any()


@pytest.mark.parametrize("index", [-1, 2, 2**31 - 1, -(2**31)])
def test_an_index_that_is_none_reads_nothing_and_gives_nan(index):
    features, corners = maps(2, 3, 9, 8).to(DEVICE), boxes(3, 2, 9, 8)[:, 1:].to(DEVICE)
    given = torch.tensor([0, index, 1], dtype=torch.int32, device=DEVICE)
    pooled = torch.ops.vislab.roi_align(features, corners, given, 2, 2, 0.25, 2, True)
    assert pooled[1].isnan().all() and pooled[[0, 2]].isfinite().all()
    grads = torch.ops.vislab.roi_align_backward(torch.ones_like(pooled), features, corners, given, 0.25, 2, True, True, True)
    assert grads[0].isfinite().all() and grads[1].isfinite().all() and not grads[1][1].any() and grads[1][0].any()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("poison", [torch.nan, torch.inf, -torch.inf])
def test_a_box_that_is_not_finite_gives_nan_and_no_gradient(poison):
    features, regions = maps(2, 2, 9, 8).to(DEVICE), boxes(3, 2, 9, 8).to(DEVICE)
    regions[1, 3] = poison
    came, expected = answers(fused_op, features, regions, **OPTIONS), expected_answers(features, regions, **OPTIONS)
    assert came["pooled"][1].isnan().all() and came["pooled"][[0, 2]].isfinite().all()
    for name in ("gradient of features", "gradient of boxes"):
        assert_same_answers({name: came[name]}, {name: expected[name]}, TOLERANCE[torch.float32])


def test_boxes_without_extent_outside_and_far_larger_than_the_map():
    regions = torch.tensor(
        [
            *([0, 5.2, 4.1, 5.2, 7.1], [0, 5.2, 4.1, 3.2, 3.1], [0, 900.0, 4, 950, 7], [0, -60.3, -50.2, 70.7, 80.1]),
            *([0, -1e6 + 0.25, 0, 1e6 + 0.25, 4], [0, -3e8, -3e8, 3e8, 1]),
        ],
        dtype=torch.float64,
        device=DEVICE,
    )
    features = maps(1, 2, 2, 3, dtype=torch.float64).to(DEVICE)
    came, plain = answers(fused_op, features, regions, output_size=1), answers(roi_align, features, regions, output_size=1, path="plain")
    assert_same_answers(came, plain, 1e-9)
    few = expected_answers(features, regions[:4], output_size=1)
    assert_same_answers({"pooled": came["pooled"][:4]}, {"pooled": few["pooled"]}, 1e-12)
    wide = fused_op(torch.ones(1, 1, 4, 5, dtype=torch.float64, device=DEVICE), regions[4:5], output_size=1)
    assert wide.item() == pytest.approx(6 / 2e6, rel=1e-9)


@pytest.mark.parametrize("side", [0, 1])
def test_a_gradient_may_be_asked_of_one_input_alone(side):
    leaves = [maps(2, 2, 9, 8).to(DEVICE), boxes(3, 2, 9, 8).to(DEVICE)]
    both = answers(fused_op, *leaves, **OPTIONS)[("gradient of features", "gradient of boxes")[side]]
    leaves[side].requires_grad_()
    pooled = fused_op(*leaves, **OPTIONS)
    cotangent = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64).bfloat16().to(pooled)
    torch.testing.assert_close(torch.autograd.grad(pooled, leaves[side], cotangent)[0], both)


def test_float64_keeps_a_scale_that_float32_does_not():
    features, regions = maps(1, 2, 9, 8, dtype=torch.float64).to(DEVICE), boxes(3, 1, 9, 8, dtype=torch.float64).to(DEVICE)
    came = answers(fused_op, features, regions, output_size=2, spatial_scale=0.3, sampling_ratio=2)
    assert_same_answers(came, expected_answers(features, regions, output_size=2, spatial_scale=0.3, sampling_ratio=2), 1e-12)
    rounded = expected_answers(features, regions, output_size=2, spatial_scale=torch.tensor(0.3).item(), sampling_ratio=2)
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, rounded, 1e-12)


def test_derivatives_are_right():
    features = maps(1, 1, 2, 3, dtype=torch.float64).to(DEVICE).requires_grad_()
    corners = torch.tensor([[0.37, 0.81, 3.13, 1.87]], dtype=torch.float64, device=DEVICE, requires_grad=True)
    index = torch.zeros(1, dtype=torch.int64, device=DEVICE)
    assert torch.autograd.gradcheck(lambda *inputs: fused_op(*inputs, index, output_size=(1, 2)), (features, corners))


def test_the_operators_keep_their_contract_with_torch_library():
    features, regions = maps(1, 1, 2, 3).to(DEVICE).requires_grad_(), boxes(1, 1, 2, 3).to(DEVICE)
    corners, index = regions[:, 1:].contiguous().requires_grad_(), regions[:, 0].int()
    torch.library.opcheck(torch.ops.vislab.roi_align.default, (features, corners, index, 1, 2, 0.25, 1, True))
    arguments = (maps(1, 1, 1, 2).to(DEVICE), features.detach(), corners.detach(), index, 0.25, 1, True, True, True)
    torch.library.opcheck(torch.ops.vislab.roi_align_backward.default, arguments)


def test_compiles_without_a_graph_break():
    features, regions = maps(2, 3, 9, 8).to(DEVICE), boxes(3, 2, 9, 8).to(DEVICE)
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True)
    came, expected = answers(compiled, features, regions, **OPTIONS), answers(fused_op, features, regions, **OPTIONS)
    for name, value in came.items():
        torch.testing.assert_close(value, expected[name])


def test_meta_tensors_give_shapes_and_dtypes():
    features = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.bfloat16, requires_grad=True)
    regions = torch.empty(4, 5, device="meta", requires_grad=True)
    pooled = fused_op(features, regions, output_size=(2, 3))
    pooled.sum().backward()
    assert (pooled.shape, pooled.dtype, pooled.device.type) == ((4, 3, 2, 3), torch.bfloat16, "meta")
    assert (features.grad.shape, features.grad.dtype, regions.grad.shape) == (features.shape, torch.bfloat16, regions.shape)


def test_the_inputs_are_left_as_they_were():
    features, regions = maps(2, 3, 9, 8).to(DEVICE), boxes(2, 2, 9, 8).to(DEVICE)
    before = features.clone(), regions.clone()
    answers(fused_op, features, regions, sampling_ratio=1, **OPTIONS)
    assert torch.equal(features, before[0]) and torch.equal(regions, before[1])
