"""The public entry of RoI pooling on a CPU: conventions, known values, errors, and which formulation it takes."""

import re

import pytest
import torch
from heatmap_cases import assert_same_answers
from region_cases import TOLERANCE, answers, boxes, maps
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.ops.roi_pool import op, path_for, roi_pool

BOTH_PATHS = pytest.mark.parametrize("path", ["plain", "naive"])
SIZES = [(1, 1), (1, 129), (129, 1), (5, 7), (63, 65), (64, 64)]
OPTIONS = {"output_size": (3, 2), "spatial_scale": 0.25}


def expected_answers(features, regions, **options):
    return answers(roi_pool, features.double(), regions.double(), path="naive", **options)


@pytest.mark.parametrize("output_size", [(1, 1), (3, 2), (7, 9)], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_plain_equals_the_reference(size, output_size):
    for dtype, tolerance in TOLERANCE.items():
        # whole numbers, so that maxima are often shared and the first one has to be found.
        features, regions = (2 * maps(2, 3, *size)).round().to(dtype), boxes(6, 2, *size)
        options = {"output_size": output_size, "spatial_scale": 0.25}
        came, expected = answers(roi_pool, features, regions, **options), expected_answers(features, regions, **options)
        assert came["pooled"].dtype == came["gradient of features"].dtype == dtype
        assert torch.equal(came["pooled"].double(), expected["pooled"]) and not came["gradient of boxes"].any()
        assert_same_answers(came, expected, tolerance)


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
    came = answers(roi_pool, features, regions, path=path, **OPTIONS)
    assert_same_answers(came, expected_answers(features, regions, **OPTIONS), TOLERANCE[torch.float32])


def row_of(path, *regions, output_size=(1, 1), length=9):
    """Pool a row that counts up from 1, so that a bin's value is where it ends."""
    features = torch.arange(1.0, length + 1).view(1, 1, 1, length)
    return roi_pool(features, torch.tensor([[0.0, x1, 0, x2, 0] for x1, x2 in regions]), output_size=output_size, path=path)[:, 0, 0]


@BOTH_PATHS
def test_halves_are_rounded_away_from_zero_and_both_ends_belong_to_the_box(path):
    nearly = torch.nextafter(torch.tensor(0.5), torch.tensor(0.0)).item()
    ends = [(0, 2), (0, 2.4), (0, 2.5), (0, 3.5), (0, nearly), (3, 3), (4, 2)]
    assert row_of(path, *ends).flatten().tolist() == [3, 3, 4, 5, 1, 4, 5]
    falling = torch.arange(9.0, 0, -1).view(1, 1, 1, 9)
    starts = torch.tensor([[0.0, 0.5, 0, 8, 0], [0, 1.5, 0, 8, 0], [0, nearly, 0, 8, 0], [0, -0.5, 0, 8, 0]])
    assert roi_pool(falling, starts, output_size=1, path=path).flatten().tolist() == [8, 7, 9, 9]
    # -2.5 goes to -3: a box from there to 1 has five pixels, of which the last two are on the map.
    assert row_of(path, (-2.5, 1), output_size=(1, 5))[0].tolist() == [0, 0, 0, 1, 2]


@BOTH_PATHS
def test_bins_touch_or_share_a_pixel(path):
    # 7 pixels in 3 bins: [0, 7/3), [7/3, 14/3), [14/3, 7) become 0..2, 2..4, 4..6.
    assert row_of(path, (0, 6), output_size=(1, 3))[0].tolist() == [3, 5, 7]
    # fewer pixels than bins: each pixel serves several.
    assert row_of(path, (2, 3), output_size=(1, 4))[0].tolist() == [3, 3, 4, 4]


@BOTH_PATHS
def test_division_is_exact_where_floats_are_not(path):
    """In float32, 49 · (n / 49) passes n for many n, and the bin's end, rounded up, would take another pixel."""
    bad = [n for n in range(1, 60) if torch.ceil(torch.tensor(float(n)) / 49 * 49) > n]
    assert bad
    for n in bad[:3]:
        assert row_of(path, (0, n - 1), output_size=(1, 49), length=64)[0, -1].item() == n


@BOTH_PATHS
def test_bins_beside_the_map_are_zero(path):
    features = -1 - torch.rand(1, 2, 4, 5)
    regions = torch.tensor([[0.0, 7, 1, 9, 3], [0, -9, -9, -3, -2], [0, 3, 2, 6, 5], [0, 1e9, 0, 3e9, 2], [0, -3e38, 0, 3e38, 3]])
    came = answers(roi_pool, features, regions, output_size=2, path=path)
    assert not came["pooled"][[0, 1, 3]].any()
    assert torch.equal(came["pooled"][2, :, 0, 0], features[0, :, 2:, 3:].amax((1, 2))) and not came["pooled"][2, :, 1].any()
    only = answers(roi_pool, features, regions[[0, 1, 3]], output_size=2, path=path)
    assert not only["gradient of features"].any()


@BOTH_PATHS
def test_the_gradient_adds_up_where_boxes_overlap_and_goes_to_the_first_of_equals(path):
    features = torch.zeros(1, 1, 3, 4)
    features[0, 0, 1, 2] = features[0, 0, 2, 1] = 5.0
    features.requires_grad_()
    regions = torch.tensor([[0.0, 0, 0, 3, 2], [0, 1, 1, 3, 2], [0, 0, 0, 1, 1]], requires_grad=True)
    pooled = roi_pool(features, regions, output_size=1, path=path)
    by_features, by_boxes = torch.autograd.grad(pooled, (features, regions), torch.tensor([1.0, 10, 100]).view(3, 1, 1, 1))
    assert pooled.flatten().tolist() == [5, 5, 0]
    assert by_features[0, 0].tolist() == [[100, 0, 0, 0], [0, 0, 11, 0], [0, 0, 0, 0]]
    assert not by_boxes.any()


@BOTH_PATHS
def test_negative_infinity_and_nan_are_values(path):
    features = torch.full((1, 1, 2, 4), -torch.inf)
    features[0, 0, 1, 2] = torch.nan
    came = answers(roi_pool, features, torch.tensor([[0.0, 0, 0, 3, 1]]), output_size=(1, 2), path=path)
    assert came["pooled"][0, 0, 0, 0] == -torch.inf and came["pooled"][0, 0, 0, 1].isnan()
    assert came["gradient of features"][0, 0].ne(0).tolist() == [[True, False, False, False], [False, False, True, False]]


def test_a_bin_of_more_than_255_pixels():
    features = maps(1, 2, 20, 30)
    came = answers(roi_pool, features, torch.tensor([[0.0, 0, 0, 29, 19]]), output_size=1)
    assert torch.equal(came["pooled"].flatten(), features.amax((2, 3)).flatten())
    assert torch.equal(came["gradient of features"].flatten(2).ne(0).int().argmax(2), features.flatten(2).argmax(2))


@BOTH_PATHS
def test_a_batch_index_may_come_apart_and_boxes_in_any_order(path):
    features, regions = maps(3, 2, 9, 8), boxes(7, 3, 9, 8)
    whole = roi_pool(features, regions, path=path, **OPTIONS)
    assert torch.equal(roi_pool(features, regions[:, 1:], regions[:, 0].int(), path=path, **OPTIONS), whole)
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    assert torch.equal(roi_pool(features, regions[order], path=path, **OPTIONS), whole[order])


@BOTH_PATHS
@pytest.mark.parametrize("poison", [torch.nan, torch.inf, -torch.inf])
def test_a_box_that_is_not_finite_gives_nan_and_no_gradient(poison, path):
    features, regions = maps(2, 2, 9, 8), boxes(3, 2, 9, 8)
    regions[1, 3] = poison
    came = answers(roi_pool, features, regions, path=path, **OPTIONS)
    assert came["pooled"][1].isnan().all() and came["pooled"][[0, 2]].isfinite().all()
    assert not came["gradient of features"][1].any() and came["gradient of features"].isfinite().all()
    assert not came["gradient of boxes"].any()


@BOTH_PATHS
@pytest.mark.parametrize(("images", "channels", "count"), [(2, 3, 0), (0, 3, 0), (2, 0, 4)])
def test_nothing_to_pool(images, channels, count, path):
    features, regions = torch.empty(images, channels, 4, 5), boxes(count, 2, 4, 5)
    came = answers(roi_pool, features, regions, path=path, **OPTIONS)
    assert came["pooled"].shape == (count, channels, 3, 2)
    assert came["gradient of features"].shape == features.shape and not came["gradient of features"].any()
    assert came["gradient of boxes"].shape == regions.shape and not came["gradient of boxes"].any()


def test_derivatives_of_plain_are_right():
    features = maps(2, 2, 3, 4, dtype=torch.float64).requires_grad_()
    corners = torch.tensor([[0.3, 0.1, 2.8, 2.2], [1.2, -3, 9, 1]], dtype=torch.float64, requires_grad=True)

    def function(features, corners):
        return roi_pool(features, corners, torch.tensor([1, 0]), output_size=(2, 1))

    assert torch.autograd.gradcheck(function, (features, corners))
    assert torch.autograd.gradgradcheck(lambda features: function(features, corners.detach()), features)


def test_the_plain_operators_keep_their_contract_with_torch_library():
    features, regions = maps(1, 2, 3, 4).requires_grad_(), boxes(2, 1, 3, 4)
    corners, index = regions[:, 1:].contiguous(), regions[:, 0].int()
    torch.library.opcheck(torch.ops.vislab.roi_pool_plain.default, (features, corners, index, 2, 1, 0.25, True))
    argmax = torch.ops.vislab.roi_pool_plain(features.detach(), corners, index, 2, 1, 0.25, True)[1]
    torch.library.opcheck(torch.ops.vislab.roi_pool_plain_backward.default, (maps(2, 2, 2, 1).requires_grad_(), argmax, index, 1, 3, 4))


def test_compiles_without_a_graph_break():
    features, regions = maps(2, 3, 9, 8), boxes(5, 2, 9, 8)
    came = answers(torch.compile(roi_pool, backend="aot_eager", fullgraph=True), features, regions, **OPTIONS)
    assert_same_answers(came, expected_answers(features, regions, **OPTIONS), TOLERANCE[torch.float32])


def test_a_compiled_graph_gives_nan_for_an_index_that_is_none():
    regions = boxes(4, 2, 9, 8)
    regions[1, 0], regions[2, 0], regions[3, 0] = 2, -1, torch.nan
    came = answers(torch.compile(roi_pool, backend="aot_eager", fullgraph=True), maps(2, 3, 9, 8), regions, **OPTIONS)
    assert came["pooled"][1:].isnan().all() and came["pooled"][0].isfinite().all() and came["gradient of features"].isfinite().all()


def test_meta_tensors_give_shapes_and_dtypes():
    features = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.float16, requires_grad=True)
    pooled = roi_pool(features, torch.empty(4, 5, device="meta"), output_size=(2, 3))
    pooled.sum().backward()
    assert (pooled.shape, pooled.dtype, pooled.device.type) == ((4, 3, 2, 3), torch.float16, "meta")
    assert features.grad.shape == features.shape


def test_the_inputs_and_the_generator_are_left_as_they_were():
    features, regions, state = maps(2, 3, 5, 7), boxes(4, 2, 5, 7), torch.random.get_rng_state()
    before = features.clone(), regions.clone()
    answers(roi_pool, features, regions, **OPTIONS)
    assert torch.equal(features, before[0]) and torch.equal(regions, before[1]) and torch.equal(torch.random.get_rng_state(), state)


FEATURES, BOXES = torch.zeros(2, 3, 4, 5), torch.zeros(2, 5)


# what both ops on regions refuse is listed in test_roi_align.py; here, that this op asks the same checks.
@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"features": FEATURES[0]}, ValueError, "features.shape (3, 4, 5) must be [B, C, H, W]; add the missing axes with features[None]"),
        ({"boxes": BOXES[:, 1:]}, ValueError, "boxes.shape (2, 4) must be [K, 5], batch index first; pass [K, 4] boxes with batch_index, "),
        ({"boxes": torch.tensor([[2.0, 0, 0, 2, 2]])}, ValueError, "boxes[:, 0]: entry 0 is 2.0; it must be a whole number in [0, 2)"),
        ({"output_size": 0}, ValueError, "output_size 0 makes regions without bins; both must be at least 1"),
        ({"spatial_scale": 0.0}, ValueError, "spatial_scale 0.0 must lie in [1e-06, 1e+06]; pass 1 / stride of the feature map"),
        ({"path": "fast"}, ValueError, "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out"),
    ],
)
def test_errors_name_value_rule_and_remedy(changed, error, text):
    arguments = {"features": FEATURES, "boxes": BOXES, "output_size": 2} | changed
    with pytest.raises(error, match=re.escape(text)):
        roi_pool(arguments.pop("features"), arguments.pop("boxes"), **arguments)


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(**options):
    with OperatorNames() as names:
        roi_pool(FEATURES, BOXES, output_size=2, **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    assert path_for(FEATURES) == "plain" and path_for(FEATURES, "naive") == "naive"
    # few boxes on the map go box by box.
    plain = {"vislab::roi_pool_plain", "aten::adaptive_max_pool2d"}
    assert plain & operators() and plain & operators(path="plain")
    assert not any(name.startswith("vislab::") for name in operators(path="naive"))
    pytest.importorskip("triton")
    assert path_for(FEATURES, "fused") == "fused"
    assert "vislab::roi_pool" in operators(path="fused") and "vislab::roi_pool" not in operators()


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_kernels():
    assert path_for(torch.zeros(1, 1, 2, 2, device="cuda")) == "fused"


def test_few_boxes_are_pooled_box_by_box_with_the_same_answers(monkeypatch):
    features = maps(2, 3, 11, 13)
    regions = torch.tensor([[0, 4.0, 4, 30, 40], [1, 0, 0, 48, 40], [1, 20, 8, 20, 8], [0, 10, 14, 12.1, 18]])
    options = {"output_size": (3, 4), "spatial_scale": 0.25}
    few = answers(roi_pool, features, regions, **options)
    assert op._box_by_box(features, regions[:, 1:], regions[:, 0].int(), (3, 4), 0.25) is not None
    monkeypatch.setattr(op, "_BOX_BY_BOX_MAX", 0)
    monkeypatch.setattr(op, "_BOX_BY_BOX_MAX_GRADIENT", 0)
    many = answers(roi_pool, features, regions, **options)
    assert all(torch.equal(few[name], many[name]) for name in many)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"regions": [[0, -3.0, 4, 30, 40]]}, "over the border, where bins are cut"),
        ({"regions": [[0, 4.0, 4, 30, float("nan")]]}, "no box"),
        ({"regions": [[0, 30.0, 4, 20, 40]]}, "ends before it begins"),
        ({"regions": [[0, 4.0, 4, 30, 40]] * 200}, "many boxes"),
        ({"dtype": torch.float16}, "half precision, whose sums would stall"),
        ({"pixel": float("nan")}, "of several NaN another would be the largest"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_box_by_box_is_left_where_it_would_differ(change, why):
    features = maps(1, 3, 11, 13).to(change.get("dtype", torch.float32))
    features[0, 0, 3, 3] = change.get("pixel", 0.0)
    regions = torch.tensor(change.get("regions", [[0, 4.0, 4, 30, 40]]))
    assert op._box_by_box(features, regions[:, 1:], regions[:, 0].int(), (3, 4), 0.25) is None
