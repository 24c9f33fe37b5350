"""The public entry of RoIAlign on a CPU: conventions, known values, errors, and which formulation it takes."""

import re

import numpy as np
import pytest
import torch
from heatmap_cases import assert_same_answers
from region_cases import TOLERANCE, answers, boxes, maps
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.ops.roi_align import path_for, roi_align

ALIGNED = pytest.mark.parametrize("aligned", [True, False])
BOTH_PATHS = pytest.mark.parametrize("path", ["plain", "naive"])
SIZES = [(1, 1), (1, 129), (129, 1), (5, 7), (63, 65), (64, 64)]
# a linear ramp is its own interpolation, so a bin holds the ramp's value at the bin's centre.
RAMP = (3 * torch.arange(12.0)[:, None] + torch.arange(16.0)).double()[None, None]


def expected_answers(features, regions, **options):
    return answers(roi_align, features.double(), regions.double(), path="naive", **options)


@ALIGNED
@pytest.mark.parametrize("ratio", [-1, 2, 3])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("count", [1, 8, 9], ids=["one box", "the most that are cut out", "one more"])
def test_plain_equals_the_reference(count, size, ratio, aligned):
    for dtype, tolerance in TOLERANCE.items():
        features, regions = maps(2, 3, *size, dtype=dtype), boxes(count, 2, *size)
        options = {"output_size": (3, 2), "spatial_scale": 0.25, "sampling_ratio": ratio, "aligned": aligned}
        came = answers(roi_align, features, regions, **options)
        assert came["pooled"].dtype == came["gradient of features"].dtype == dtype and came["gradient of boxes"].dtype == torch.float32
        expected = expected_answers(features, regions, **options)
        by_boxes = {"gradient of boxes": expected.pop("gradient of boxes")}
        assert_same_answers({"gradient of boxes": came.pop("gradient of boxes")}, by_boxes, TOLERANCE[torch.float32])
        assert_same_answers(came, expected, tolerance)


def test_few_boxes_see_no_infinity_that_only_other_bins_read():
    features = maps(1, 2, 12, 16)
    features[0, 1, 3, 4] = torch.inf
    regions = torch.tensor([[0, 1.0, 1, 13, 9]])
    options = {"output_size": (4, 6), "sampling_ratio": 1}
    few = roi_align(features, regions, **options)
    assert torch.equal(few, roi_align(features, regions.repeat(9, 1), **options)[:1])
    assert 0 < few.isinf().sum() + few.isnan().sum() < few[0, 1].numel() / 2 and few[0, 0].isfinite().all()


@BOTH_PATHS
@pytest.mark.parametrize(
    "view",
    [
        lambda: maps(2, 3, 9, 8).transpose(2, 3),
        lambda: maps(2, 3, 8, 9).to(memory_format=torch.channels_last),
        lambda: maps(2, 3, 16, 18)[:, :, ::2, ::2],
        lambda: maps(1, 3, 8, 9).expand(2, 3, 8, 9),
    ],
    ids=["transposed", "channels last", "every second pixel", "expanded"],
)
def test_views(view, path):
    features, regions = view(), boxes(10, 2, 8, 9)[::2]
    assert not features.is_contiguous() and not regions.is_contiguous()
    options = {"output_size": (3, 2), "spatial_scale": 0.25}
    came = answers(roi_align, features, regions, path=path, **options)
    assert_same_answers(came, expected_answers(features, regions, **options), TOLERANCE[torch.float32])


@BOTH_PATHS
@pytest.mark.parametrize("ratio", [0, 1, 2, 5])
@pytest.mark.parametrize("output_size", [(1, 1), (2, 3), (7, 7)])
def test_a_linear_ramp_gives_its_value_at_the_centre_of_each_bin(output_size, ratio, path):
    box = torch.tensor([[0, 2.3, 1.9, 13.1, 10.6]], dtype=torch.float64)
    for aligned, shift in ((True, 0.5), (False, 0.0)):
        pooled = roi_align(RAMP, box, output_size=output_size, sampling_ratio=ratio, aligned=aligned, path=path)
        x = 2.3 - shift + (torch.arange(output_size[1]) + 0.5).double() * (13.1 - 2.3) / output_size[1]
        y = 1.9 - shift + (torch.arange(output_size[0]) + 0.5).double() * (10.6 - 1.9) / output_size[0]
        torch.testing.assert_close(pooled[0, 0], 3 * y[:, None] + x, rtol=0, atol=1e-12)


def test_the_whole_image_by_its_own_size_is_the_image():
    features = maps(1, 3, 5, 7)
    whole = torch.tensor([[0.0, 0, 0, 28, 20]])
    torch.testing.assert_close(roi_align(features, whole, output_size=(5, 7), spatial_scale=0.25), features)
    assert not torch.allclose(roi_align(features, whole, output_size=(5, 7), spatial_scale=0.25, aligned=False), features, atol=0.1)


def test_without_aligned_everything_is_read_half_a_pixel_further():
    box = torch.tensor([[0, 3.2, 2.1, 9.4, 8.7]], dtype=torch.float64)
    shifted = roi_align(RAMP, box, output_size=3, aligned=False) - roi_align(RAMP, box, output_size=3)
    torch.testing.assert_close(shifted, torch.full_like(shifted, 0.5 * 3 + 0.5), rtol=0, atol=1e-12)


def test_the_gradient_by_the_box_of_a_ramp():
    """The mean of a ramp over a box is the ramp at its centre: each side has half of the slope, times the scale."""
    box = torch.tensor([[0, 9.2, 8.4, 37.6, 34.8]], dtype=torch.float64, requires_grad=True)
    pooled = roi_align(RAMP, box, output_size=3, spatial_scale=0.25)
    (gradient,) = torch.autograd.grad(pooled.mean(), box)
    torch.testing.assert_close(gradient, torch.tensor([[0, 0.5, 1.5, 0.5, 1.5]], dtype=torch.float64) * 0.25, rtol=0, atol=1e-12)


@BOTH_PATHS
def test_a_tiny_box(path):
    """aligned: the value at the point. Otherwise at least a pixel wide, and then the far side has no say."""
    box = torch.tensor([[0, 5.2, 4.1, 5.2 + 1e-3, 4.1 + 1e-3]], dtype=torch.float64)
    point = roi_align(RAMP, box, output_size=1, path=path)
    assert point.item() == pytest.approx(3 * 3.6 + 4.7, abs=1e-2)
    came = answers(roi_align, RAMP, box, output_size=1, aligned=False, path=path)
    assert came["pooled"].item() == pytest.approx(3 * 4.6 + 5.7, abs=1e-9)
    assert not came["gradient of boxes"][0, 3:].any() and came["gradient of boxes"][0, 1:3].all()


@BOTH_PATHS
def test_a_box_without_extent(path):
    box = torch.tensor([[0, 5.2, 4.1, 5.2, 7.1]], dtype=torch.float64)
    assert not roi_align(RAMP, box, output_size=2, path=path).any()
    assert roi_align(RAMP, box, output_size=(1, 2), sampling_ratio=2, path=path).tolist() == [[[[pytest.approx(3 * 5.1 + 4.7)] * 2]]]


@BOTH_PATHS
def test_samples_outside_the_map(path):
    """Up to a pixel beyond the outermost centres the border continues; further out is 0."""
    ones = torch.ones(1, 1, 4, 5)
    at = [(-0.4, 1.0), (-0.6, 0.0), (5.4, 1.0), (5.6, 0.0)]
    for x, value in at:
        box = torch.tensor([[0.0, x - 0.1, 2, x + 0.1, 2.2]])
        assert roi_align(ones, box, output_size=1, sampling_ratio=1, path=path).item() == pytest.approx(value)
    far = torch.tensor([[0.0, 1e6, 2, 2e6, 4], [0, -3e8, -3e8, -2e8, 1]])
    came = answers(roi_align, ones, far, output_size=2, sampling_ratio=2, path=path)
    assert not came["pooled"].any() and not came["gradient of features"].any() and not came["gradient of boxes"].any()


def test_a_box_far_larger_than_the_map_takes_the_samples_that_fall_on_it():
    """Adaptive: a bin of a million pixels has a million samples a side; those on a 4 × 5 map of ones are counted by hand."""
    box = torch.tensor([[0, -1e6 + 0.25, 0, 1e6 + 0.25, 4]], dtype=torch.float64)
    pooled = roi_align(torch.ones(1, 1, 4, 5, dtype=torch.float64), box, output_size=1)
    # sample s of 2·10⁶ lies at −10⁶ − 0.25 + (s + 0.5): from −0.75 to 4.25 and so on, six of them within [−1, 5].
    assert pooled.item() == pytest.approx(6 / 2e6, rel=1e-9)
    features = maps(1, 2, 9, 8, dtype=torch.float64)
    box = torch.tensor([[0, -60.3, -50.2, 70.7, 80.1]], dtype=torch.float64)
    came = answers(roi_align, features, box, output_size=(2, 3))
    assert_same_answers(came, expected_answers(features, box, output_size=(2, 3)), 1e-12)


@BOTH_PATHS
def test_boxes_are_independent_and_may_come_in_any_order(path):
    features, regions = maps(3, 2, 9, 8), boxes(7, 3, 9, 8)
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    options = {"output_size": 3, "spatial_scale": 0.25, "path": path}
    torch.testing.assert_close(roi_align(features, regions[order], **options), roi_align(features, regions, **options)[order])


@BOTH_PATHS
@pytest.mark.parametrize("of", [torch.uint8, torch.int32, torch.int64])
def test_a_batch_index_may_come_apart(of, path):
    features, regions = maps(3, 2, 9, 8), boxes(7, 3, 9, 8)
    apart = roi_align(features, regions[:, 1:], regions[:, 0].to(of), output_size=3, path=path)
    assert torch.equal(apart, roi_align(features, regions, output_size=3, path=path))


@BOTH_PATHS
@pytest.mark.parametrize("poison", [torch.nan, torch.inf, -torch.inf])
def test_a_box_that_is_not_finite_gives_nan_and_no_gradient(poison, path):
    features, regions = maps(2, 2, 9, 8), boxes(3, 2, 9, 8)
    regions[1, 3] = poison
    came = answers(roi_align, features, regions, output_size=2, spatial_scale=0.25, path=path)
    assert came["pooled"][1].isnan().all() and came["pooled"][[0, 2]].isfinite().all()
    assert came["gradient of features"].isfinite().all() and not came["gradient of boxes"][1].any()
    alone = answers(roi_align, features, regions[[0, 2]], output_size=2, spatial_scale=0.25, path=path)
    assert torch.equal(came["pooled"][[0, 2]], alone["pooled"])


@BOTH_PATHS
@pytest.mark.parametrize(("images", "channels", "count"), [(2, 3, 0), (0, 3, 0), (2, 0, 4)])
def test_nothing_to_pool(images, channels, count, path):
    features, regions = torch.empty(images, channels, 4, 5), boxes(count, 2, 4, 5)
    for ratio in (0, 2):
        came = answers(roi_align, features, regions, output_size=(2, 3), sampling_ratio=ratio, path=path)
        assert came["pooled"].shape == (count, channels, 2, 3)
        assert came["gradient of features"].shape == features.shape and not came["gradient of features"].any()
        assert came["gradient of boxes"].shape == regions.shape and not came["gradient of boxes"].any()


@BOTH_PATHS
def test_a_gradient_may_be_asked_of_one_input_alone(path):
    features, regions = maps(2, 2, 9, 8), boxes(3, 2, 9, 8)
    options = {"output_size": 2, "spatial_scale": 0.25, "path": path}
    both = answers(roi_align, features, regions, **options)
    for name, index in (("gradient of features", 0), ("gradient of boxes", 1)):
        leaves = [features.clone(), regions.clone()]
        leaves[index].requires_grad_()
        pooled = roi_align(*leaves, **options)
        cotangent = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64).bfloat16().float()
        (gradient,) = torch.autograd.grad(pooled, leaves[index], cotangent)
        torch.testing.assert_close(gradient, both[name])


@ALIGNED
@pytest.mark.parametrize("ratio", [0, 2])
def test_derivatives_of_plain_are_right(ratio, aligned):
    features = maps(2, 2, 3, 4, dtype=torch.float64).requires_grad_()
    regions = torch.tensor([[1, 0.37, 0.81, 3.13, 2.57], [0, 1.11, 0.23, 1.74, 2.9]], dtype=torch.float64)

    def function(features, corners):
        return roi_align(features, corners, regions[:, 0].long(), output_size=(2, 1), sampling_ratio=ratio, aligned=aligned)

    assert torch.autograd.gradcheck(function, (features, regions[:, 1:].clone().requires_grad_()))


def test_the_plain_operators_keep_their_contract_with_torch_library():
    features, regions = maps(1, 2, 3, 4).requires_grad_(), boxes(2, 1, 3, 4)
    corners, index = regions[:, 1:].contiguous().requires_grad_(), regions[:, 0].int()
    torch.library.opcheck(torch.ops.vislab.roi_align_plain.default, (features, corners, index, 2, 1, 0.25, 0, True))
    arguments = (maps(2, 2, 2, 1), features.detach(), corners.detach(), index, 0.25, 0, True, True, True)
    torch.library.opcheck(torch.ops.vislab.roi_align_plain_backward.default, arguments)


@pytest.mark.parametrize("ratio", [0, 2])
def test_compiles_without_a_graph_break(ratio):
    features, regions = maps(2, 3, 9, 8), boxes(5, 2, 9, 8)
    options = {"output_size": 2, "spatial_scale": 0.25, "sampling_ratio": ratio}
    came = answers(torch.compile(roi_align, backend="aot_eager", fullgraph=True), features, regions, **options)
    assert_same_answers(came, expected_answers(features, regions, **options), TOLERANCE[torch.float32])


def test_a_compiled_graph_gives_nan_for_an_index_that_is_none():
    regions = boxes(4, 2, 9, 8)
    regions[1, 0], regions[2, 0], regions[3, 0] = 2, -1, torch.nan
    compiled = torch.compile(roi_align, backend="aot_eager", fullgraph=True)
    came = answers(compiled, maps(2, 3, 9, 8), regions, output_size=2)
    assert came["pooled"][1:].isnan().all() and came["pooled"][0].isfinite().all()
    assert came["gradient of features"].isfinite().all() and not came["gradient of boxes"][1:].any()


def test_meta_tensors_give_shapes_and_dtypes():
    features = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.float16, requires_grad=True)
    regions = torch.empty(4, 5, device="meta", requires_grad=True)
    pooled = roi_align(features, regions, output_size=(2, 3))
    pooled.sum().backward()
    assert (pooled.shape, pooled.dtype, pooled.device.type) == ((4, 3, 2, 3), torch.float16, "meta")
    assert features.grad.shape == features.shape and regions.grad.shape == regions.shape


def test_the_inputs_and_the_generator_are_left_as_they_were():
    features, regions, state = maps(2, 3, 5, 7), boxes(4, 2, 5, 7), torch.random.get_rng_state()
    before = features.clone(), regions.clone()
    answers(roi_align, features, regions, output_size=2)
    assert torch.equal(features, before[0]) and torch.equal(regions, before[1]) and torch.equal(torch.random.get_rng_state(), state)


FEATURES, BOXES = torch.zeros(2, 3, 4, 5), torch.zeros(2, 5)


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"features": np.zeros((1, 1, 2, 2))}, TypeError, "features is ndarray; it must be a torch.Tensor; convert with torch.as_tensor"),
        ({"features": FEATURES.long()}, TypeError, "features.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ({"features": FEATURES[0]}, ValueError, "features.shape (3, 4, 5) must be [B, C, H, W]; add the missing axes with features[None]"),
        ({"features": torch.zeros(2, 3, 0, 5)}, ValueError, "features.shape (2, 3, 0, 5) holds maps without pixels; H and W must be"),
        ({"boxes": [[0, 1, 2, 3, 4]]}, TypeError, "boxes is list; it must be a torch.Tensor"),
        ({"boxes": BOXES.long()}, TypeError, "boxes.dtype torch.int64 must be one of (torch.float16, "),
        ({"boxes": BOXES[:, 1:]}, ValueError, "boxes.shape (2, 4) must be [K, 5], batch index first; pass [K, 4] boxes with batch_index, "),
        ({"batch_index": torch.zeros(2).long()}, ValueError, "boxes.shape (2, 5) must be [K, 4] beside a batch_index; pass [K, 4] boxes"),
        ({"boxes": BOXES.to("meta")}, ValueError, "boxes is on meta, features on cpu; move it with boxes.to(features.device)"),
        ({"boxes": BOXES[:, 1:], "batch_index": [0, 1]}, TypeError, "batch_index is list; it must be a torch.Tensor; convert with"),
        (
            {"boxes": BOXES[:, 1:], "batch_index": torch.zeros(2)},
            TypeError,
            "batch_index.dtype torch.float32 must be one of (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64); convert with",
        ),
        (
            {"boxes": BOXES[:, 1:], "batch_index": torch.zeros(3).long()},
            ValueError,
            "batch_index.shape (3,) must equal [K] = (2,); one image number for each box",
        ),
        (
            {"boxes": BOXES[:, 1:], "batch_index": torch.zeros(2).long().to("meta")},
            ValueError,
            "batch_index is on meta, features on cpu; move it with batch_index.to(features.device)",
        ),
        (
            {"boxes": torch.tensor([[1.0, 0, 0, 2, 2], [2, 0, 0, 2, 2]])},
            ValueError,
            "boxes[:, 0]: entry 1 is 2.0; it must be a whole number in [0, 2), the number of images; count images from 0, and put the",
        ),
        ({"boxes": torch.tensor([[0.5, 0, 0, 2, 2]])}, ValueError, "boxes[:, 0]: entry 0 is 0.5; it must be a whole number in [0, 2)"),
        ({"boxes": torch.tensor([[torch.nan, 0, 0, 2, 2]])}, ValueError, "boxes[:, 0]: entry 0 is nan; it must be a whole number"),
        (
            {"boxes": BOXES[:, 1:], "batch_index": torch.tensor([0, -1])},
            ValueError,
            "batch_index: entry 1 is -1; it must be a whole number",
        ),
        ({"output_size": 0}, ValueError, "output_size 0 makes regions without bins; both must be at least 1"),
        ({"output_size": (7, 7, 7)}, TypeError, "output_size (7, 7, 7) must be a whole number or two (height, width); write output_size="),
        ({"output_size": 7.0}, TypeError, "output_size 7.0 must be a whole number or two (height, width)"),
        ({"spatial_scale": "1/4"}, TypeError, "spatial_scale is str; it must be a number; pass 1 / stride of the feature map"),
        ({"spatial_scale": float("nan")}, ValueError, "spatial_scale nan must lie in [1e-06, 1e+06]; pass 1 / stride of the feature map"),
        ({"sampling_ratio": 2.0}, TypeError, "sampling_ratio is float; it must be a whole number; 0 adapts it to the bin"),
        ({"path": "fast"}, ValueError, "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out"),
    ],
)
def test_errors_name_value_rule_and_remedy(changed, error, text):
    arguments = {"features": FEATURES, "boxes": BOXES, "output_size": 2} | changed
    with pytest.raises(error, match=re.escape(text)):
        roi_align(arguments.pop("features"), arguments.pop("boxes"), **arguments)


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(**options):
    with OperatorNames() as names:
        roi_align(FEATURES, BOXES + torch.tensor([0, 0, 0, 3, 3]), output_size=2, **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    assert path_for(FEATURES) == "plain" and path_for(FEATURES, "naive") == "naive"
    assert "vislab::roi_align_plain" in operators() and "vislab::roi_align_plain" in operators(path="plain")
    assert not any(name.startswith("vislab::") for name in operators(path="naive"))
    pytest.importorskip("triton")
    assert path_for(FEATURES, "fused") == "fused"
    assert "vislab::roi_align" in operators(path="fused") and "vislab::roi_align" not in operators()


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_kernels():
    assert path_for(torch.zeros(1, 1, 2, 2, device="cuda")) == "fused"
