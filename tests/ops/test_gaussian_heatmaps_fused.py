"""The Triton kernels of Gaussian heatmaps against the reference: in the interpreter here, compiled by test_kernels_cuda.py."""

import pytest
import torch
from heatmap_cases import assert_same_answers
from on_device import as_it_lies
from pose_cases import TOLERANCE, answers, poses

triton = pytest.importorskip("triton")

from vislab.ops.gaussian_heatmaps import fused, gaussian_heatmaps  # noqa: E402
from vislab.ops.gaussian_heatmaps.naive import gaussian_heatmaps_naive  # noqa: E402

DEVICE = "cuda" if isinstance(fused._render_kernel, triton.JITFunction) else "cpu"
BOTH = pytest.mark.parametrize("normalise", ["peak", "sum"])
# one pixel, one line, sizes around a power of two, sizes that leave a rest in both tile directions and behind a strip.
SIZES = [(1, 1), (1, 1100), (1100, 1), (5, 7), (63, 65), (64, 64), (65, 63), (33, 130), (70, 129)]


def fused_op(pose, size, **options):
    return gaussian_heatmaps(pose, size, path="fused", **options)


def expected_answers(pose, size, **options):
    # the reference sees the very numbers that the kernel sees, in float64.
    return answers(gaussian_heatmaps_naive, pose.double(), size, **options)


@BOTH
@pytest.mark.parametrize(
    ("size", "dtype"),
    [(size, dtype) for dtype in TOLERANCE for size in (SIZES if dtype == torch.float32 else SIZES[-2:])],
    ids=lambda value: str(value).removeprefix("torch."),
)
def test_equals_the_reference(size, dtype, normalise):
    pose = poses(1, 3, *size, dtype=dtype).to(DEVICE)
    pose[0, 1] = torch.nan
    options = {"sigma": 1.7, "normalise": normalise, "visibility": torch.tensor([[1, 0, 2]], device=DEVICE)}
    came = answers(fused_op, pose, size, **options)
    assert came["maps"].dtype == came["gradient"].dtype == dtype
    assert_same_answers(came, expected_answers(pose, size, **options), TOLERANCE[dtype])


@BOTH
def test_equals_the_reference_without_visibility(normalise):
    pose = poses(3, 2, 33, 40).to(DEVICE)
    came = answers(fused_op, pose, (33, 40), sigma=3.0, normalise=normalise)
    assert_same_answers(came, expected_answers(pose, (33, 40), sigma=3.0, normalise=normalise), TOLERANCE[torch.float32])


@pytest.mark.parametrize("fault", ["x and y swapped", "twice the variance", "one tile lost", "slope about the joint", "NaN"])
def test_the_comparison_catches_a_wrong_kernel(fault):
    pose = poses(1, 2, 33, 130)
    options = {"sigma": 1.7, "normalise": "sum"}
    came = answers(gaussian_heatmaps_naive, pose, (33, 130), **options)
    if fault == "x and y swapped":
        came["maps"] = answers(gaussian_heatmaps_naive, pose.flip(-1), (33, 130), **options)["maps"]
    elif fault == "twice the variance":
        came = answers(gaussian_heatmaps_naive, pose, (33, 130), sigma=1.7 * 2**0.5, normalise="sum")
    elif fault == "one tile lost":
        pose[0, 0] = torch.tensor([128.0, 20.0])
        came = answers(gaussian_heatmaps_naive, pose, (33, 130), **options)
        came["maps"][..., 128:] = 0.0
    elif fault == "slope about the joint":
        # the sum's own slope forgotten: exact well inside, wrong at the border.
        pose[0, 0, 0] = 0.4
        came = answers(gaussian_heatmaps_naive, pose, (33, 130), **options)
        came["gradient"][0, 0, 0] += 0.4 * came["gradient"][0, 0].abs().max()
    else:
        came["maps"][0, 0, 32, 129] = torch.nan
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, expected_answers(pose, (33, 130), **options), TOLERANCE[torch.float32])


@pytest.mark.parametrize(
    "view",
    [lambda: poses(2, 3, 33, 40).transpose(0, 1), lambda: poses(1, 1, 33, 40).expand(3, 2, 2), lambda: poses(3, 4, 33, 40)[:, 1::2]],
    ids=["transposed", "one joint for all", "every second joint"],
)
def test_any_strides(view):
    pose = as_it_lies(view(), DEVICE)
    assert not pose.is_contiguous()
    options = {"sigma": 2.0, "normalise": "sum", "visibility": torch.tensor([[1, 0, 1], [1, 1, 0]], device=DEVICE).T}
    came = answers(fused_op, pose, (33, 40), **options)
    assert_same_answers(came, expected_answers(pose, (33, 40), **options), TOLERANCE[torch.float32])


@BOTH
@pytest.mark.parametrize(
    "upstream",
    [
        lambda: torch.randn(2, 3, 40, 33).transpose(2, 3),
        lambda: torch.randn(2, 3, 33, 40).to(memory_format=torch.channels_last),
        lambda: torch.randn(2, 3, 66, 80)[:, :, ::2, ::2],
        lambda: torch.randn(2, 3, 1, 40).expand(2, 3, 33, 40),
        lambda: torch.ones(()).expand(2, 3, 33, 40),
    ],
    ids=["transposed", "channels last", "every second pixel", "one row for all", "one number for all"],
)
def test_an_upstream_gradient_of_any_strides(upstream, normalise, monkeypatch):
    torch.manual_seed(0)
    upstream = as_it_lies(upstream(), DEVICE)
    pose = poses(2, 3, 33, 40).to(DEVICE)
    seen = []
    kernel = fused._gradient_kernel

    class Recorder:
        def __getitem__(self, grid):
            def launch(*arguments, **constants):
                seen.append((arguments[0].data_ptr(), arguments[0].stride()))
                return kernel[grid](*arguments, **constants)

            return launch

    monkeypatch.setattr(fused, "_gradient_kernel", Recorder())
    came = torch.ops.vislab.gaussian_heatmaps_backward(upstream, pose, None, 2.0, normalise == "sum")
    assert seen == [(upstream.data_ptr(), upstream.stride())], "read without a copy"
    reference = pose.double().requires_grad_()
    maps = gaussian_heatmaps_naive(reference, (33, 40), 2.0, normalise)
    (expected,) = torch.autograd.grad(maps, reference, upstream.double())
    if upstream.stride() == (0, 0, 0, 0) and normalise == "sum":
        # the sum is 1 wherever the joint is; rounding is what remains.
        assert came.abs().max() < 1e-5
    else:
        assert_same_answers({"gradient": came}, {"gradient": expected}, 2e-5)


@BOTH
@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_an_empty_batch(shape, normalise):
    for visibility in (None, torch.ones(shape, device=DEVICE)):
        came = answers(fused_op, torch.empty(*shape, 2, device=DEVICE), (4, 5), sigma=1.0, normalise=normalise, visibility=visibility)
        assert came["maps"].shape == (*shape, 4, 5) and came["gradient"].shape == (*shape, 2)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize(
    ("far", "nearest"), [((1e4, 3.2), (129, 3)), ((-1e6, -1e6), (0, 0)), ((2.1, 1e30), (2, 39)), ((-1e30, 4.8), (0, 5))]
)
def test_the_mass_of_a_joint_far_outside_gathers_on_the_nearest_pixel(far, nearest):
    pose = torch.tensor([[far]], device=DEVICE)
    came = answers(fused_op, pose, (40, 130), sigma=0.2, normalise="sum")
    assert came["maps"][0, 0, nearest[1], nearest[0]].item() == pytest.approx(1.0, abs=2e-3)
    assert came["maps"].isfinite().all() and came["gradient"].isfinite().all()
    came = answers(fused_op, pose, (40, 130), sigma=0.2)
    assert not came["maps"].any() and not came["gradient"].any()


@pytest.mark.parametrize("sigma", [1e-3, 1e-6])
def test_a_vanishing_sigma_leaves_one_pixel_or_those_that_share_the_least_distance(sigma):
    pose = torch.tensor([[[3.2, 1.9], [2.5, 4.0], [2.5, 4.5]]], device=DEVICE)
    came = answers(fused_op, pose, (6, 8), sigma=sigma, normalise="sum")
    assert came["maps"].isfinite().all() and came["gradient"].isfinite().all()
    assert came["maps"][0, 0, 2, 3] == 1.0 and came["maps"][0, 1, 4, 2:4].tolist() == [0.5, 0.5]
    assert came["maps"][0, 2, 4:6, 2:4].tolist() == [[0.25, 0.25], [0.25, 0.25]]


@BOTH
def test_a_visible_nan_shows_in_its_own_map_only(normalise):
    pose = poses(1, 2, 33, 40).to(DEVICE)
    pose[0, 0, 1] = torch.nan
    came = answers(fused_op, pose, (33, 40), sigma=2.0, normalise=normalise)
    assert came["maps"][0, 0].isnan().all() and came["maps"][0, 1].isfinite().all() and came["gradient"][0, 1].isfinite().all()


def test_float64_keeps_a_sigma_that_float32_does_not():
    pose = poses(1, 2, 5, 7, dtype=torch.float64).to(DEVICE)
    came = answers(fused_op, pose, (5, 7), sigma=1.3)
    assert_same_answers(came, expected_answers(pose, (5, 7), sigma=1.3), TOLERANCE[torch.float64])
    rounded = expected_answers(pose, (5, 7), sigma=torch.tensor(1.3).item())
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, rounded, TOLERANCE[torch.float64])


@BOTH
def test_first_and_second_derivatives_are_right(normalise):
    pose = poses(1, 2, 2, 3, dtype=torch.float64).to(DEVICE).requires_grad_()
    visibility = torch.tensor([[1, 0]], device=DEVICE)

    def function(pose):
        return fused_op(pose, (2, 3), sigma=1.2, normalise=normalise, visibility=visibility)

    assert torch.autograd.gradcheck(function, pose)
    assert torch.autograd.gradgradcheck(function, pose)


def test_the_operators_keep_their_contract_with_torch_library():
    pose = poses(1, 2, 2, 3).to(DEVICE).requires_grad_()
    shown = torch.tensor([[True, False]], device=DEVICE)
    torch.library.opcheck(torch.ops.vislab.gaussian_heatmaps.default, (pose, shown, 2, 3, 1.3, True, torch.float32))
    upstream = torch.randn(1, 2, 2, 3, device=DEVICE, requires_grad=True)
    torch.library.opcheck(torch.ops.vislab.gaussian_heatmaps_backward.default, (upstream, pose, shown, 1.3, True))


@BOTH
def test_compiles_without_a_graph_break(normalise):
    pose = poses(2, 3, 33, 40).to(DEVICE)
    options = {"sigma": 1.5, "normalise": normalise, "visibility": torch.tensor([[1, 0, 1], [1, 1, 1]], device=DEVICE)}
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True)
    came, expected = answers(compiled, pose, (33, 40), **options), answers(fused_op, pose, (33, 40), **options)
    for name, value in came.items():
        assert torch.equal(value, expected[name]), name


def test_meta_tensors_give_shapes_and_dtypes():
    pose = torch.empty(2, 3, 2, device="meta", dtype=torch.bfloat16, requires_grad=True)
    maps = fused_op(pose, (5, 7), sigma=1.0, dtype=torch.float32)
    maps.sum().backward()
    assert (maps.shape, maps.dtype, maps.device.type) == ((2, 3, 5, 7), torch.float32, "meta")
    assert (pose.grad.shape, pose.grad.dtype) == (pose.shape, torch.bfloat16)


def test_the_inputs_are_left_as_they_were():
    pose, visibility = poses(2, 3, 33, 40).to(DEVICE), torch.tensor([[1, 0, 1], [1, 1, 1]], device=DEVICE)
    before = pose.clone(), visibility.clone()
    answers(fused_op, pose, (33, 40), sigma=1.0, visibility=visibility)
    assert torch.equal(pose, before[0]) and torch.equal(visibility, before[1])
