"""The Triton kernels of RoI pooling against the reference: in the interpreter here, compiled by test_kernels_cuda.py."""

import pytest
import torch
from heatmap_cases import assert_same_answers
from on_device import as_it_lies
from region_cases import TOLERANCE, answers, boxes, maps

triton = pytest.importorskip("triton")

from vislab.ops.roi_pool import fused, roi_pool  # noqa: E402

DEVICE = "cuda" if isinstance(fused._pool_kernel, triton.JITFunction) else "cpu"
SIZES = [(1, 1), (1, 129), (129, 1), (5, 7), (64, 63), (63, 65)]
OPTIONS = {"output_size": (3, 2), "spatial_scale": 0.25}


def fused_op(features, regions, batch_index=None, **options):
    return roi_pool(features, regions, batch_index, path="fused", **options)


def expected_answers(features, regions, **options):
    # the reference sees the very numbers that the kernel sees, in float64.
    return answers(roi_pool, features.double(), regions.double(), path="naive", **options)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("ties", [False, True])
def test_equals_the_reference(size, ties):
    features, regions = maps(2, 3, *size).to(DEVICE), boxes(4, 2, *size).to(DEVICE)
    options = {"output_size": (5, 7), "spatial_scale": 0.25}
    if ties:
        features = (2 * features).round()
    came, expected = answers(fused_op, features, regions, **options), expected_answers(features, regions, **options)
    assert torch.equal(came["pooled"].double(), expected["pooled"])
    assert_same_answers(came, expected, TOLERANCE[torch.float32])


@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
def test_every_dtype(dtype):
    features, regions = maps(2, 3, 9, 8, dtype=dtype).to(DEVICE), boxes(6, 2, 9, 8).to(DEVICE)
    came, expected = answers(fused_op, features, regions, **OPTIONS), expected_answers(features, regions, **OPTIONS)
    assert came["pooled"].dtype == came["gradient of features"].dtype == dtype
    assert torch.equal(came["pooled"].double(), expected["pooled"])
    assert_same_answers(came, expected, TOLERANCE[dtype])


@pytest.mark.parametrize(("channels", "output_size"), [(1, (1, 1)), (20, (7, 9)), (65, (4, 5)), (3, (9, 15))])
def test_tiles_that_leave_a_rest(channels, output_size):
    features, regions = maps(1, channels, 7, 6).to(DEVICE), boxes(2, 1, 7, 6).to(DEVICE)
    options = {"output_size": output_size, "spatial_scale": 0.25}
    assert_same_answers(answers(fused_op, features, regions, **options), expected_answers(features, regions, **options), 1e-6)


@pytest.mark.parametrize("fault", ["halves to even", "one line more", "last of equals", "last box wins", "NaN"])
def test_the_comparison_catches_a_wrong_kernel(fault):
    features, regions = (2 * maps(2, 3, 9, 8)).round(), boxes(6, 2, 9, 8)
    if fault == "halves to even":
        regions[0] = torch.tensor([0, 6.0, 2, 26, 30])  # 1.5 and 0.5, 6.5 and 7.5 on the map
    expected = expected_answers(features, regions, **OPTIONS)
    came = {name: value.clone() for name, value in expected.items()}
    if fault == "halves to even":
        even = torch.cat([regions[:, :1], (regions[:, 1:] * 0.25).round() * 4], dim=1)
        came = expected_answers(features, even, **OPTIONS)
    elif fault == "one line more":
        came = expected_answers(features, regions + torch.tensor([0, 0, 0, 0, 4.0]), **OPTIONS)
    elif fault == "last of equals":
        mirrored = torch.cat([regions[:, :1], 28 - regions[:, [3]], regions[:, [2]], 28 - regions[:, [1]], regions[:, 4:]], dim=1)
        cotangent = torch.ones(6, 3, 3, 2).double()
        sums = []
        for maps_, regions_ in ((features, regions), (features.flip(3), mirrored)):
            leaf = maps_.double().requires_grad_()
            pooled = roi_pool(leaf, regions_.double(), path="naive", **OPTIONS)
            sums.append(torch.autograd.grad(pooled, leaf, cotangent)[0])
        came, expected = {"gradient of features": sums[1].flip(3)}, {"gradient of features": sums[0]}
    elif fault == "last box wins":
        came["gradient of features"] = expected_answers(features, regions[-2:], **OPTIONS)["gradient of features"]
    else:
        came["pooled"][5, 2, 2, 1] = torch.nan
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, expected, TOLERANCE[torch.float32])


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
    came = answers(fused_op, features, regions, **OPTIONS)
    assert_same_answers(came, expected_answers(features, regions, **OPTIONS), TOLERANCE[torch.float32])


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
    for path, dtype in (("fused", torch.float32), ("naive", torch.float64)):
        leaf = maps(2, 3, 9, 8).to(DEVICE, dtype).requires_grad_()
        pooled = roi_pool(leaf, boxes(4, 2, 9, 8).to(DEVICE, dtype), path=path, **OPTIONS)
        results.append({"gradient": torch.autograd.grad(pooled, leaf, upstream.to(dtype))[0]})
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
    pooled, argmax = torch.ops.vislab.roi_pool(features, corners, given, 2, 2, 0.25)
    assert pooled[1].isnan().all() and pooled[[0, 2]].isfinite().all() and (argmax[1] == -1).all()
    # even where the arg-max were wrong, nothing is written outside.
    gradient = torch.ops.vislab.roi_pool_backward(torch.ones_like(pooled), argmax.clamp(min=0), given, 2, 9, 8)
    assert gradient.isfinite().all() and gradient.sum().item() == 2 * 3 * 4


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("poison", [torch.nan, torch.inf, -torch.inf])
def test_a_box_that_is_not_finite_gives_nan_and_no_gradient(poison):
    features, regions = maps(2, 2, 9, 8).to(DEVICE), boxes(3, 2, 9, 8).to(DEVICE)
    regions[1, 3] = poison
    came, expected = answers(fused_op, features, regions, **OPTIONS), expected_answers(features, regions, **OPTIONS)
    assert came["pooled"][1].isnan().all() and came["pooled"][[0, 2]].isfinite().all()
    for name in ("gradient of features", "gradient of boxes"):
        assert_same_answers({name: came[name]}, {name: expected[name]}, TOLERANCE[torch.float32])


def test_rounding_bins_beside_the_map_and_boxes_far_larger():
    nearly = torch.nextafter(torch.tensor(0.5), torch.tensor(0.0)).item()
    corners = [(0, 2.5), (0, 3.5), (0.5, 8), (nearly, 8), (-2.5, 1), (4, 2), (7.2, 30), (20, 30), (-9, -3), (-3e38, 3e38), (1e9, 3e9)]
    regions = torch.tensor([[0.0, x1, 0, x2, 0] for x1, x2 in corners], device=DEVICE)
    features = -torch.arange(1.0, 10, device=DEVICE).view(1, 1, 1, 9)
    for signed in (features, -features):
        came = answers(fused_op, signed, regions, output_size=(1, 5))
        assert_same_answers(came, expected_answers(signed, regions, output_size=(1, 5)), TOLERANCE[torch.float32])


def test_negative_infinity_and_nan_are_values():
    features = torch.full((1, 1, 2, 4), -torch.inf, device=DEVICE)
    features[0, 0, 1, 2] = torch.nan
    came = answers(fused_op, features, torch.tensor([[0.0, 0, 0, 3, 1]], device=DEVICE), output_size=(1, 2))
    assert came["pooled"][0, 0, 0, 0] == -torch.inf and came["pooled"][0, 0, 0, 1].isnan()
    assert came["gradient of features"][0, 0].ne(0).tolist() == [[True, False, False, False], [False, False, True, False]]


def test_derivatives_are_right():
    features = maps(1, 1, 2, 3, dtype=torch.float64).to(DEVICE).requires_grad_()
    corners = torch.tensor([[0.3, 0.1, 1.8, 1.2]], dtype=torch.float64, device=DEVICE)
    index = torch.zeros(1, dtype=torch.int64, device=DEVICE)

    def function(features):
        return fused_op(features, corners, index, output_size=(1, 2))

    assert torch.autograd.gradcheck(function, features)
    assert torch.autograd.gradgradcheck(function, features)


def test_the_operators_keep_their_contract_with_torch_library():
    features, regions = maps(1, 1, 2, 3).to(DEVICE).requires_grad_(), boxes(1, 1, 2, 3).to(DEVICE)
    corners, index = regions[:, 1:].contiguous(), regions[:, 0].int()
    torch.library.opcheck(torch.ops.vislab.roi_pool.default, (features, corners, index, 1, 2, 0.25))
    argmax = torch.ops.vislab.roi_pool(features.detach(), corners, index, 1, 2, 0.25)[1]
    upstream = maps(1, 1, 1, 2).to(DEVICE).requires_grad_()
    torch.library.opcheck(torch.ops.vislab.roi_pool_backward.default, (upstream, argmax, index, 1, 2, 3))


def test_compiles_without_a_graph_break():
    features, regions = maps(2, 3, 9, 8).to(DEVICE), boxes(3, 2, 9, 8).to(DEVICE)
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True)
    came, expected = answers(compiled, features, regions, **OPTIONS), answers(fused_op, features, regions, **OPTIONS)
    for name, value in came.items():
        torch.testing.assert_close(value, expected[name])


def test_meta_tensors_give_shapes_and_dtypes():
    features = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.bfloat16, requires_grad=True)
    pooled = fused_op(features, torch.empty(4, 5, device="meta"), output_size=(2, 3))
    pooled.sum().backward()
    assert (pooled.shape, pooled.dtype, pooled.device.type) == ((4, 3, 2, 3), torch.bfloat16, "meta")
    assert (features.grad.shape, features.grad.dtype) == (features.shape, torch.bfloat16)


def test_the_inputs_are_left_as_they_were():
    features, regions = maps(2, 3, 9, 8).to(DEVICE), boxes(2, 2, 9, 8).to(DEVICE)
    before = features.clone(), regions.clone()
    answers(fused_op, features, regions, **OPTIONS)
    assert torch.equal(features, before[0]) and torch.equal(regions, before[1])
