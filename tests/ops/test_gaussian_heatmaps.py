"""The public entry of Gaussian heatmaps on a CPU: conventions, known values, errors, and which formulation it takes."""

import re

import numpy as np
import pytest
import torch
from heatmap_cases import assert_same_answers
from pose_cases import TOLERANCE, answers, by_loops, poses
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.ops.gaussian_heatmaps import gaussian_heatmaps, path_for
from vislab.ops.gaussian_heatmaps.naive import gaussian_heatmaps_naive
from vislab.ops.soft_argmax import soft_argmax

BOTH = pytest.mark.parametrize("normalise", ["peak", "sum"])
BOTH_PATHS = pytest.mark.parametrize("path", ["plain", "naive"])
SIZES = [(1, 1), (1, 1000), (1000, 1), (5, 7), (63, 65), (64, 64), (70, 129)]


def expected_answers(pose, size, **options):
    return answers(gaussian_heatmaps_naive, pose.double(), size, **options)


@BOTH
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_plain_equals_the_reference(size, dtype, normalise):
    pose, visibility = poses(2, 3, *size, dtype=dtype), torch.tensor([[1, 2, 0], [1, 1, 1]])
    came = answers(gaussian_heatmaps, pose, size, sigma=1.7, normalise=normalise, visibility=visibility)
    assert came["maps"].dtype == came["gradient"].dtype == dtype
    expected = expected_answers(pose, size, sigma=1.7, normalise=normalise, visibility=visibility)
    assert_same_answers(came, expected, TOLERANCE[dtype])


@BOTH
def test_maps_beyond_the_cache_take_a_matrix_product_and_answer_the_same(normalise, monkeypatch):
    pose, options = poses(2, 3, 20, 30), {"sigma": 1.7, "normalise": normalise, "visibility": torch.tensor([[1, 0, 1], [1, 1, 1]])}
    within = answers(gaussian_heatmaps, pose, (20, 30), **options)
    products = []
    monkeypatch.setattr("vislab.ops.gaussian_heatmaps.op._CACHED", 0)
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: products.append(a.shape) or torch.matmul(a, b))
    beyond = answers(gaussian_heatmaps, pose, (20, 30), **options)
    assert products == [(2, 3, 20, 1)]
    assert_same_answers(beyond, expected_answers(pose, (20, 30), **options), TOLERANCE[torch.float32])
    assert_same_answers(beyond, within, TOLERANCE[torch.float32])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same_answers(answers(gaussian_heatmaps, pose, (20, 30), **options), beyond, TOLERANCE[torch.float32])
    gaussian_heatmaps(pose, (20, 30), **options)
    assert len(products) == 1, "without a gradient, or rounded to half precision, no product is taken"


@BOTH_PATHS
@pytest.mark.parametrize(
    "view",
    [lambda: poses(3, 2, 9, 8).transpose(0, 1), lambda: poses(2, 3, 9, 8)[:1, :1].expand(2, 3, 2), lambda: poses(2, 6, 9, 8)[:, ::2]],
    ids=["transposed", "expanded", "every second joint"],
)
def test_views(view, path):
    assert not view().is_contiguous()
    visibility = torch.tensor([[1, 0], [1, 1], [0, 1]]).T
    came = answers(gaussian_heatmaps, view(), (9, 8), sigma=1.5, visibility=visibility, path=path)
    assert_same_answers(came, expected_answers(view(), (9, 8), sigma=1.5, visibility=visibility), TOLERANCE[torch.float32])


def test_x_comes_first_and_pixel_centres_are_whole_numbers():
    maps = gaussian_heatmaps(torch.tensor([[[0.0, 0.0], [7.0, 2.0], [8.0, 5.0]]]), (6, 9), sigma=1.0)
    for joint, (x, y) in enumerate([(0, 0), (7, 2), (8, 5)]):
        assert maps[0, joint, y, x] == maps[0, joint].max() == 1.0
        assert maps[0, joint].flatten().argmax() == y * 9 + x


def test_the_exponent_has_the_two_of_a_normal_distribution():
    maps = gaussian_heatmaps(torch.tensor([[[4.0, 0.0]]], dtype=torch.float64), (1, 9), sigma=2.0)
    torch.testing.assert_close(maps[0, 0, 0, 6].log().item(), -0.5, rtol=0, atol=1e-15)
    torch.testing.assert_close(maps[0, 0, 0, 8].log() - maps[0, 0, 0, 5].log(), torch.tensor(-(16 - 1) / 8).double(), rtol=0, atol=1e-14)


def test_the_gradient_of_a_peak_map_is_h_times_the_distance_over_the_variance():
    """exercises.md, A1 2: ∂h/∂x = h (u − x) / σ²."""
    pose = torch.tensor([[[3.3, 2.1]]], dtype=torch.float64, requires_grad=True)
    maps = gaussian_heatmaps(pose, (6, 8), sigma=1.3)
    (gradient,) = torch.autograd.grad(maps[0, 0, 4, 5], pose)
    closed = maps[0, 0, 4, 5].detach() * torch.tensor([5 - 3.3, 4 - 2.1], dtype=torch.float64) / 1.3**2
    torch.testing.assert_close(gradient[0, 0], closed, rtol=1e-12, atol=0)


@BOTH_PATHS
def test_sum_maps_sum_to_one_wherever_the_joint_is(path):
    pose = torch.tensor([[[30.3, 20.7], [0.0, 0.0], [-3.0, 70.0], [1e4, 20.0], [-1e6, 1e6]]])
    maps = gaussian_heatmaps(pose, (48, 64), sigma=2.0, normalise="sum", path=path)
    torch.testing.assert_close(maps.sum((2, 3)), torch.ones(1, 5), rtol=0, atol=1e-6)


@BOTH_PATHS
@pytest.mark.parametrize(("far", "nearest"), [((1e4, 3.2), (7, 3)), ((-1e6, -1e6), (0, 0)), ((2.1, 1e30), (2, 5)), ((-1e30, 4.8), (0, 5))])
def test_the_mass_of_a_joint_far_outside_gathers_on_the_nearest_pixel(far, nearest, path):
    pose = torch.tensor([[far]], requires_grad=True)
    maps = gaussian_heatmaps(pose, (6, 8), sigma=0.2, normalise="sum", path=path)
    (gradient,) = torch.autograd.grad(maps[0, 0, nearest[1], nearest[0]], pose)
    assert maps[0, 0, nearest[1], nearest[0]].item() == pytest.approx(1.0, abs=2e-3) and gradient.isfinite().all()
    # what it is for: the quotient has nothing to divide.
    peak = gaussian_heatmaps(pose, (6, 8), sigma=0.2, path=path)
    assert peak.isfinite().all() and (peak.sum() == 0) and (peak / peak.sum()).isnan().all()
    (gradient,) = torch.autograd.grad(peak.sum(), pose)
    assert not gradient.any()


@BOTH_PATHS
def test_a_vanishing_sigma_leaves_one_pixel_or_those_that_share_the_least_distance(path):
    pose = torch.tensor([[[3.2, 1.9], [2.5, 4.0], [2.5, 4.5]]], requires_grad=True)
    for sigma in (1e-3, 1e-6):
        maps = gaussian_heatmaps(pose, (6, 8), sigma=sigma, normalise="sum", path=path)
        assert maps.isfinite().all()
        assert maps[0, 0, 2, 3] == 1.0 and maps[0, 1, 4, 2:4].tolist() == [0.5, 0.5]
        assert maps[0, 2, 4:6, 2:4].tolist() == [[0.25, 0.25], [0.25, 0.25]]
        (gradient,) = torch.autograd.grad(maps.square().sum(), pose)
        assert gradient.isfinite().all()
        peak = gaussian_heatmaps(pose, (6, 8), sigma=sigma, path=path)
        assert not peak.any() and not torch.autograd.grad(peak.sum(), pose)[0].any()


def test_a_far_joint_keeps_its_profile_in_float32():
    """Squares of 10^4 pixels, taken apart, would swallow the difference between neighbouring pixels."""
    pose = torch.tensor([[[1e4, 12.0]]])
    maps = gaussian_heatmaps(pose, (24, 32), sigma=100.0, normalise="sum")
    step = (maps[0, 0, 12, 31] / maps[0, 0, 12, 30]).double().log().item()
    assert step == pytest.approx((1e4 - 30.5) / 100**2, rel=1e-5)
    squares = torch.softmax(-((torch.arange(32.0) - 1e4) ** 2) / (2 * 100**2), 0)
    assert (squares[31] / squares[30]).double().log().item() != pytest.approx((1e4 - 30.5) / 100**2, rel=1e-5)


def test_soft_argmax_of_the_logarithm_finds_the_joint_again():
    pose = torch.tensor([[[20.3, 31.6], [40.25, 12.5]]], dtype=torch.float64)
    for normalise in ("peak", "sum"):
        maps = gaussian_heatmaps(pose, (48, 64), sigma=2.0, normalise=normalise)
        torch.testing.assert_close(soft_argmax(maps.log()), pose, rtol=0, atol=1e-6)


@BOTH
@BOTH_PATHS
@pytest.mark.parametrize("of", [torch.bool, torch.uint8, torch.int64, torch.float32, torch.float16])
def test_any_number_is_a_visibility_and_a_hidden_joint_says_nothing(of, path, normalise):
    pose = poses(2, 2, 9, 8)
    pose[0, 0] = torch.nan
    visibility = torch.tensor([[0, 1], [2, 0]]).to(of)
    came = answers(gaussian_heatmaps, pose, (9, 8), sigma=2.0, normalise=normalise, visibility=visibility, path=path)
    assert not came["maps"][0, 0].any() and not came["maps"][1, 1].any()
    assert not came["gradient"][0, 0].any() and not came["gradient"][1, 1].any()
    alone = answers(gaussian_heatmaps, pose, (9, 8), sigma=2.0, normalise=normalise, path=path)
    for name in ("maps", "gradient"):
        assert torch.equal(came[name][0, 1], alone[name][0, 1]) and torch.equal(came[name][1, 0], alone[name][1, 0])


@BOTH
@BOTH_PATHS
def test_a_visible_nan_shows_in_its_own_map_only(path, normalise):
    pose = poses(1, 2, 9, 8)
    pose[0, 0, 1] = torch.nan
    came = answers(gaussian_heatmaps, pose, (9, 8), sigma=2.0, normalise=normalise, path=path)
    assert came["maps"][0, 0].isnan().all() and came["maps"][0, 1].isfinite().all() and came["gradient"][0, 1].isfinite().all()


@BOTH
@BOTH_PATHS
@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_an_empty_batch(shape, path, normalise):
    came = answers(gaussian_heatmaps, torch.empty(*shape, 2), (4, 5), sigma=1.0, normalise=normalise, path=path)
    assert came["maps"].shape == (*shape, 4, 5) and came["gradient"].shape == (*shape, 2)
    came = answers(gaussian_heatmaps, torch.empty(*shape, 2), (4, 5), sigma=1.0, visibility=torch.empty(shape), path=path)
    assert came["maps"].shape == (*shape, 4, 5)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_the_maps_keep_the_dtype_unless_another_is_asked_for(dtype):
    pose = poses(1, 1, 20, 30, dtype=dtype)
    assert gaussian_heatmaps(pose, (20, 30), sigma=2.0).dtype == dtype
    wide = gaussian_heatmaps(pose, (20, 30), sigma=2.0, dtype=torch.float32)
    assert wide.dtype == torch.float32
    torch.testing.assert_close(wide, gaussian_heatmaps(pose.float(), (20, 30), sigma=2.0))


@BOTH
def test_autocast_does_not_round_the_profiles(normalise):
    pose = poses(2, 3, 20, 30)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        came = gaussian_heatmaps(pose, (20, 30), sigma=2.0, normalise=normalise)
    torch.testing.assert_close(came, gaussian_heatmaps(pose, (20, 30), sigma=2.0, normalise=normalise), rtol=0, atol=1e-7)


@BOTH
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_derivatives_are_right(path, normalise):
    pose = poses(1, 2, 2, 3, dtype=torch.float64).requires_grad_()
    visibility = torch.tensor([[1, 0]])

    def function(pose):
        return gaussian_heatmaps(pose, (2, 3), sigma=1.2, normalise=normalise, visibility=visibility, path=path)

    assert torch.autograd.gradcheck(function, pose)
    assert torch.autograd.gradgradcheck(function, pose)


@BOTH
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_compiles_without_a_graph_break(path, normalise):
    pose, visibility = poses(2, 3, 9, 8), torch.tensor([[1, 0, 1], [1, 1, 1]])
    compiled = torch.compile(gaussian_heatmaps, backend="aot_eager", fullgraph=True)
    options = {"sigma": 1.5, "normalise": normalise, "visibility": visibility}
    came = answers(compiled, pose, (9, 8), path=path, **options)
    assert_same_answers(came, expected_answers(pose, (9, 8), **options), TOLERANCE[torch.float32])


def test_works_under_vmap():
    pose = poses(4, 3, 5, 7)[:, None].expand(4, 2, 3, 2)
    came = torch.func.vmap(lambda pose: gaussian_heatmaps(pose, (5, 7), sigma=1.5, normalise="sum"))(pose)
    torch.testing.assert_close(came, torch.stack([gaussian_heatmaps(one, (5, 7), sigma=1.5, normalise="sum") for one in pose]))


@BOTH
@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_meta_tensors_give_shapes_and_dtypes(path, normalise):
    pose = torch.empty(2, 3, 2, device="meta", dtype=torch.float16)
    maps = gaussian_heatmaps(pose, (5, 7), sigma=1.0, normalise=normalise, path=path)
    assert (maps.shape, maps.dtype, maps.device.type) == ((2, 3, 5, 7), torch.float16, "meta")


def test_the_inputs_and_the_generator_are_left_as_they_were():
    pose, visibility = poses(2, 3, 5, 7), torch.tensor([[1, 0, 1], [1, 1, 1]])
    pose[0, 1] = torch.nan
    before, state = (pose.clone(), visibility.clone()), torch.random.get_rng_state()
    answers(gaussian_heatmaps, pose, (5, 7), sigma=1.0, visibility=visibility)
    assert torch.equal(pose.nan_to_num(-1), before[0].nan_to_num(-1)) and torch.equal(visibility, before[1])
    assert torch.equal(torch.random.get_rng_state(), state)


POSE = torch.zeros(2, 3, 2)


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"poses": np.zeros((1, 1, 2))}, TypeError, "poses is ndarray; it must be a torch.Tensor; convert with torch.as_tensor(poses)"),
        ({"poses": POSE.long()}, TypeError, "poses.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ({"poses": POSE[0]}, ValueError, "poses.shape (3, 2) must be [B, J, 2]; add a missing batch axis with poses[None]"),
        ({"poses": torch.zeros(2, 3, 3)}, ValueError, "poses.shape (2, 3, 3) must be [B, J, 2]"),
        ({"size": 64}, TypeError, "size 64 must be two whole numbers (H, W); write size=(64, 64)"),
        ({"size": (64.0, 64)}, TypeError, "size (64.0, 64) must be two whole numbers (H, W)"),
        ({"size": (0, 5)}, ValueError, "size (0, 5) makes maps without pixels; H and W must be at least 1"),
        ({"sigma": 0.0}, ValueError, "sigma 0.0 must lie in [1e-06, 1e+06] pixels; 2.0 is usual on maps of 64 pixels"),
        ({"sigma": float("nan")}, ValueError, "sigma nan must lie in"),
        ({"sigma": torch.tensor(2.0)}, TypeError, "sigma is Tensor; it must be a number in pixels; pass sigma.item() for a tensor of one"),
        ({"normalise": "max"}, ValueError, "normalise 'max' must be one of ['peak', 'sum']; 'peak' is 1 at the joint"),
        ({"visibility": [1, 0]}, TypeError, "visibility is list; it must be a torch.Tensor; convert with torch.as_tensor(visibility)"),
        (
            {"visibility": torch.ones(2, 3, 1)},
            ValueError,
            "visibility.shape (2, 3, 1) must equal [B, J] = (2, 3); drop a last axis with visibility[..., 0]",
        ),
        (
            {"visibility": torch.ones(2, 3, device="meta")},
            ValueError,
            "visibility is on meta, poses on cpu; move it with visibility.to(poses.device)",
        ),
        ({"dtype": torch.int64}, TypeError, "dtype torch.int64 must be one of (torch.float16, "),
        ({"path": "fast"}, ValueError, "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out"),
    ],
)
def test_errors_name_value_rule_and_remedy(changed, error, text):
    arguments = {"poses": POSE, "size": (4, 5), "sigma": 1.0} | changed
    with pytest.raises(error, match=re.escape(text)):
        gaussian_heatmaps(arguments.pop("poses"), arguments.pop("size"), **arguments)


@pytest.mark.parametrize("sigma", [2, np.float32(2.0), np.float64(2.0)])
def test_any_real_number_is_a_sigma(sigma):
    maps = gaussian_heatmaps(torch.tensor([[[2.2, 1.3]]], dtype=torch.float64), (5, 7), sigma=sigma)
    torch.testing.assert_close(maps[0, 0], by_loops([2.2, 1.3], (5, 7), 2.0, "peak")[0])


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.append(func.name())
        return func(*args, **(kwargs or {}))


def operators(**options):
    with OperatorNames() as names:
        gaussian_heatmaps(POSE, (5, 7), sigma=1.0, **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    assert path_for(POSE) == "plain" and path_for(POSE, "naive") == "naive"
    assert operators().count("aten::exp") == operators(path="plain").count("aten::exp") == 2
    assert operators(path="naive").count("aten::exp") == 1
    pytest.importorskip("triton")
    assert path_for(POSE, "fused") == "fused"
    assert "vislab::gaussian_heatmaps" in operators(path="fused")
    assert "vislab::gaussian_heatmaps" not in operators()


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_kernels():
    assert path_for(torch.zeros(1, 1, 2, device="cuda")) == "fused"
