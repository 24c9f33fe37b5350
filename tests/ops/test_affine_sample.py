"""The public entry of affine sampling on a CPU: conventions, known values, errors, and which formulation it takes."""

import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from heatmap_cases import assert_same_answers
from sampling_cases import GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE, PADDINGS, SIZES, TOLERANCE, WILD, answers, linear, noise, thetas
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.ops.affine_sample import affine_sample, op, path_for
from vislab.ops.affine_sample.naive import affine_sample_naive
from vislab.ops.sampling.safe_grid_sample import _tamed

IDENTITY = torch.eye(2, 3)[None]


def expected_answers(image, theta, **options):
    return answers(affine_sample_naive, image.double(), theta.double(), "theta", **options)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_plain_equals_the_reference(size, out_size, padding, align_corners):
    image, theta = noise(2, 3, *size), thetas(2, size, out_size, align_corners)
    options = {"size": out_size, "padding": padding, "align_corners": align_corners}
    came = answers(affine_sample, image, theta, "theta", **options)
    assert {tensor.dtype for tensor in came.values()} == {torch.float32}
    assert_same_answers(came, expected_answers(image, theta, **options), TOLERANCE[torch.float32])


@pytest.mark.parametrize(
    ("image_dtype", "theta_dtype"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.bfloat16), (torch.float64, torch.float32), (torch.float32, torch.float64)],
)
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_every_dtype(image_dtype, theta_dtype, path):
    image, theta = noise(2, 3, 32, 16, dtype=image_dtype), thetas(2, (32, 16), (32, 16), False, theta_dtype)
    came = answers(affine_sample, image, theta, "theta", path=path)
    assert came["output"].dtype == came["gradient to image"].dtype == image_dtype and came["gradient to theta"].dtype == theta_dtype
    expected = expected_answers(image, theta)
    for name, tensor in came.items():
        assert_same_answers({name: tensor}, {name: expected[name]}, TOLERANCE[tensor.dtype])


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize(
    "view",
    [
        lambda: noise(2, 3, 9, 8).transpose(2, 3),
        lambda: noise(2, 3, 8, 9).to(memory_format=torch.channels_last),
        lambda: noise(2, 3, 16, 18)[:, :, ::2, ::2],
        lambda: noise(1, 3, 8, 9).expand(2, 3, 8, 9),
    ],
    ids=["transposed", "channels last", "every second pixel", "expanded"],
)
def test_views(view, path):
    assert not view().is_contiguous()
    theta = thetas(2, (8, 9), (5, 7), False)
    came = answers(affine_sample, view(), theta.mT.contiguous().mT, "theta", size=(5, 7), path=path)
    assert_same_answers(came, expected_answers(view(), theta, size=(5, 7)), TOLERANCE[torch.float32])


def rotation(degrees):
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[[cosine, -sine, 0], [sine, cosine, 0]]], dtype=torch.float64)


@pytest.mark.parametrize("align_corners", [False, True])
def test_the_map_leads_from_output_to_image(align_corners):
    image = noise(1, 2, 7, 7, dtype=torch.float64)
    came = affine_sample(image, rotation(90), align_corners=align_corners)
    # y points down: reading a quarter turn clockwise further shows the image turned anticlockwise.
    torch.testing.assert_close(came, torch.rot90(image, 1, dims=(2, 3)), rtol=0, atol=1e-12)


def test_a_scale_of_one_half_magnifies_the_middle():
    image = noise(1, 1, 9, 9, dtype=torch.float64)
    came = affine_sample(image, torch.tensor([[[0.5, 0, 0], [0, 0.5, 0]]]).double(), align_corners=True)
    torch.testing.assert_close(came[..., ::2, ::2], image[..., 2:7, 2:7], rtol=0, atol=1e-12)


def test_maps_compose_from_the_right_on_a_smooth_image():
    """exercises.md, A4 4: sampling through A and then through B is sampling once through A · B."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 65).double(), torch.linspace(-1, 1, 65).double(), indexing="ij")
    image = (torch.cos(2 * x + 0.3) * torch.cos(1.5 * y))[None, None]
    a = 0.6 * rotation(30) + torch.tensor([[0.0, 0, 0.1], [0, 0, 0]])
    b = 0.7 * rotation(-50) @ torch.diag(torch.tensor([1.0, 0.5, 1])).double()
    square = torch.cat([b, torch.tensor([[[0.0, 0, 1]]])], dim=1).double()
    twice = affine_sample(affine_sample(image, a, align_corners=True), b, align_corners=True)
    once = affine_sample(image, a @ square, align_corners=True)
    torch.testing.assert_close(twice, once, rtol=0, atol=2e-3)
    other_way = affine_sample(affine_sample(image, b, align_corners=True), a, align_corners=True)
    assert (other_way - once).abs().max() > 0.05


def test_a_linear_image_is_read_exactly():
    came = affine_sample(linear(9, 12), torch.tensor([[[0.5, 0.0, 0.25], [0.0, 0.5, 0.0]]]).double(), (1, 1), align_corners=True)
    assert came.item() == pytest.approx(2 + 3 * (1.25 * 5.5) - 5 * 4, abs=1e-12)


@pytest.mark.parametrize("align_corners", [False, True])
def test_the_identity_in_float32_is_off_by_little(align_corners):
    image = noise(1, 2, 65, 129)
    # a coordinate near 1 is rounded to 6e-8, which is 4e-6 of a pixel here.
    assert (affine_sample(image, IDENTITY, align_corners=align_corners) - image).abs().max() < 1e-4


def test_a_shift_out_of_the_image():
    image = noise(1, 1, 4, 4) + 9
    theta = torch.tensor([[[1.0, 0, 10.0], [0, 1, 0]]])
    assert not affine_sample(image, theta).any()
    torch.testing.assert_close(affine_sample(image, theta, padding="border"), image[..., 3:].expand(1, 1, 4, 4))
    # ten halves of the image are two and a half periods of the reflected one.
    torch.testing.assert_close(affine_sample(image, theta, padding="reflection"), image.flip(3), rtol=0, atol=1e-4)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_wild_numbers_are_like_the_reference_and_leave_the_neighbour_alone(padding, align_corners):
    """PyTorch's own sampler ends the process for some of these."""
    for size in ((5, 6), (1, 1)):
        image, tame = noise(2, 2, *size), thetas(2, size, (4, 7), align_corners)
        for wild in WILD:
            theta = tame.clone()
            theta[1, 0, 2] = wild
            options = {"size": (4, 7), "padding": padding, "align_corners": align_corners}
            came, expected = answers(affine_sample, image, theta, "theta", **options), expected_answers(image, theta, **options)
            assert all(tensor.isfinite().all() for tensor in came.values())
            if padding != "reflection" or not 1e6 < abs(wild) < 1e11:
                assert_same_answers(came, expected, TOLERANCE[torch.float32])
            assert came["output"].abs().max() <= image.abs().max()


def test_a_nan_shows_pixel_zero_or_nothing():
    image, theta = noise(1, 1, 5, 6), IDENTITY.clone()
    theta[0, 0, 0] = torch.nan
    for path in ("plain", "naive"):
        assert not affine_sample(image, theta, path=path).any()
        for padding in ("border", "reflection"):
            torch.testing.assert_close(affine_sample(image, theta, padding=padding, path=path), image[..., :1].expand(1, 1, 5, 6))


def test_the_guard_changes_nothing_that_has_a_place():
    grid = torch.rand(1, 9, 9, 2) * 100 - 50
    for padding in PADDINGS:
        assert torch.equal(_tamed(grid, 5, 6, padding, False), grid)
        assert not torch.equal(_tamed(grid * 1e30, 5, 6, padding, False), grid * 1e30)


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5)])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_an_empty_batch(shape, path):
    came = answers(affine_sample, torch.empty(shape), torch.ones(shape[0], 2, 3), "theta", size=(6, 7), path=path)
    assert came["output"].shape == (*shape[:2], 6, 7)
    assert came["gradient to image"].shape == shape
    assert torch.equal(came["gradient to theta"], torch.zeros(shape[0], 2, 3))


def test_the_size_is_the_images_unless_another_is_asked_for():
    image = noise(1, 2, 5, 7)
    assert affine_sample(image, IDENTITY).shape == (1, 2, 5, 7)
    assert affine_sample(image, IDENTITY, (3, 4)).shape == affine_sample(image, IDENTITY, [3, 4]).shape == (1, 2, 3, 4)


def test_autocast_does_not_round_the_positions():
    image, theta = noise(2, 3, 40, 50), thetas(2, (40, 50), (40, 50), False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        came = affine_sample(image, theta)
    assert torch.equal(came, affine_sample(image, theta))


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
@pytest.mark.parametrize(("padding", "align_corners"), [("zeros", True), ("border", False), ("reflection", True)])
def test_derivatives_are_right(path, padding, align_corners):
    image = noise(2, 2, 3, 4, dtype=torch.float64).requires_grad_()
    theta = thetas(2, (3, 4), (2, 3), align_corners, torch.float64, seed=3).requires_grad_()

    def function(image, theta):
        return affine_sample(image, theta, (2, 3), padding=padding, align_corners=align_corners, path=path)

    assert torch.autograd.gradcheck(function, (image, theta))
    if GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE or path == "naive":
        assert torch.autograd.gradgradcheck(function, (image, theta), fast_mode=True)


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_compiles_without_a_graph_break(path):
    image, theta = noise(3, 3, 9, 8), thetas(3, (9, 8), (7, 10), False)
    theta[2, 0, 2] = torch.nan
    compiled = torch.compile(affine_sample, backend="aot_eager", fullgraph=True)
    options = {"size": (7, 10), "padding": "reflection"}
    came = answers(compiled, image, theta, "theta", **options, path=path)
    assert_same_answers(came, expected_answers(image, theta, **options), TOLERANCE[torch.float32])


def test_works_under_vmap():
    image, theta = noise(4, 2, 3, 5, 7), thetas(8, (5, 7), (4, 4), False).view(4, 2, 2, 3)
    theta[1, 0, 1, 1] = torch.nan
    came = torch.func.vmap(lambda image, theta: affine_sample(image, theta, (4, 4), padding="border"))(image, theta)
    expected = torch.stack([affine_sample(*pair, (4, 4), padding="border") for pair in zip(image, theta)])
    torch.testing.assert_close(came, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_meta_tensors_give_shapes_and_dtypes(path):
    image, theta = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.float16), torch.empty(2, 2, 3, device="meta")
    came = affine_sample(image, theta, (4, 9), path=path)
    assert (came.shape, came.dtype, came.device.type) == ((2, 3, 4, 9), torch.float16, "meta")


def test_the_inputs_and_the_generator_are_left_as_they_were():
    image, theta, state = noise(2, 3, 5, 7), thetas(2, (5, 7), (5, 7), False), torch.random.get_rng_state()
    before = image.clone(), theta.clone()
    answers(affine_sample, image, theta, "theta")
    assert torch.equal(image, before[0]) and torch.equal(theta, before[1]) and torch.equal(torch.random.get_rng_state(), state)


IMAGE, THETA = torch.zeros(2, 1, 4, 5), torch.zeros(2, 2, 3)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (
            [np.zeros((1, 1, 2, 2)), THETA],
            {},
            TypeError,
            "image is ndarray; it must be a torch.Tensor; convert with torch.as_tensor(image)",
        ),
        ([IMAGE.long(), THETA], {}, TypeError, "image.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ([IMAGE[0], THETA], {}, ValueError, "image.shape (1, 4, 5) must be [B, C, H, W]; add the missing axes with image[None]"),
        ([IMAGE[:, :, :0], THETA], {}, ValueError, "image.shape (2, 1, 0, 5) holds images without pixels; H and W must be at least 1"),
        ([IMAGE, THETA.tolist()], {}, TypeError, "theta is list; it must be a torch.Tensor; convert with torch.as_tensor(theta)"),
        ([IMAGE, THETA.int()], {}, TypeError, "theta.dtype torch.int32 must be one of (torch.float16, "),
        (
            [IMAGE, torch.zeros(2, 3, 3)],
            {},
            ValueError,
            "theta.shape (2, 3, 3) must be [B, 2, 3]; drop the last row of a 3 × 3 matrix with theta[:, :2]",
        ),
        (
            [IMAGE, THETA[:1]],
            {},
            ValueError,
            "theta.shape (1, 2, 3) must begin with the image's batch of 2; one for all is shared without a copy by theta.expand(2, ...)",
        ),
        ([IMAGE, THETA.to("meta")], {}, ValueError, "theta is on meta, image on cpu; move one of them with .to()"),
        ([IMAGE, THETA, 7], {}, TypeError, "size 7 must be (H_out, W_out), two whole numbers; leave it out to keep the image's"),
        ([IMAGE, THETA, (2, 3.0)], {}, TypeError, "size (2, 3.0) must be (H_out, W_out), two whole numbers"),
        ([IMAGE, THETA, (2, 0)], {}, ValueError, "size (2, 0) must be at least 1 each way; leave it out to keep the image's (4, 5)"),
        (
            [IMAGE, THETA],
            {"padding": "wrap"},
            ValueError,
            "padding 'wrap' must be one of ['zeros', 'border', 'reflection']; 'zeros' is the",
        ),
        ([IMAGE, THETA], {"align_corners": None}, TypeError, "align_corners is None; it must be True or False; False is PyTorch's own"),
        ([IMAGE, THETA], {"path": "fast"}, ValueError, "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out"),
    ],
)
def test_errors_name_value_rule_and_remedy(arguments, options, error, text):
    with pytest.raises(error, match=re.escape(text)):
        affine_sample(*arguments, **options)


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(theta=IDENTITY, **options):
    with OperatorNames() as names:
        affine_sample(noise(1, 1, 5, 7), theta, **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    image = noise(1, 1, 5, 7)
    assert path_for(image) == "plain" and path_for(image, "naive") == "naive"
    assert "aten::grid_sampler_2d" in operators() and "aten::grid_sampler_2d" in operators(path="plain")
    # a small output's grid is one product, a large one's two outer sums.
    assert "aten::bmm" in operators() and not {"aten::affine_grid_generator", "aten::bmm"} & operators(size=(80, 80))
    assert "aten::grid_sampler_2d" not in operators(path="naive")
    pytest.importorskip("triton")
    assert path_for(image, "fused") == "fused"
    assert "vislab::affine_sample" in operators(path="fused")
    assert "vislab::affine_sample" not in operators()


def test_a_tame_theta_costs_no_pass_over_the_grid():
    assert "aten::where.self" not in operators()
    assert "aten::where.self" in operators(IDENTITY * torch.nan)


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_kernels():
    assert path_for(torch.zeros(1, 1, 2, 2, device="cuda")) == "fused"


WITHOUT_TRITON = """
import sys
sys.modules["triton"] = None
import torch
from vislab.ops.affine_sample import affine_sample, path_for
image, theta = torch.ones(1, 1, 1, 2), torch.eye(2, 3)[None]
print(path_for(image), affine_sample(image, theta).tolist())
try:
    affine_sample(image, theta, path="fused")
except RuntimeError as error:
    print(error)
"""

COMPILED_ON_A_CPU = """
import sys
import torch
from vislab.ops.affine_sample import affine_sample
print("triton" in sys.modules)
try:
    affine_sample(torch.zeros(1, 1, 3, 5), torch.zeros(1, 2, 3), path="fused")
except RuntimeError as error:
    print(error)
"""


def python(script, root, **environment):
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_works_where_triton_is_not_installed(root):
    assert python(WITHOUT_TRITON, root) == [
        "plain [[[[1.0, 1.0]]]]",
        "path 'fused' needs Triton, which is not installed here; install triton (Linux), or leave path out",
    ]


def test_triton_is_imported_late_and_the_kernels_refuse_a_cpu_outside_the_interpreter(root, tmp_path):
    pytest.importorskip("triton")
    assert python(COMPILED_ON_A_CPU, root, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path)) == [
        "False",
        "image is on the CPU, where the fused kernels run only under Triton's interpreter;"
        " set TRITON_INTERPRET=1 before Python starts, or leave path out",
    ]


@pytest.mark.parametrize("align_corners", [False, True])
def test_small_outputs_take_a_product_with_the_same_answers(monkeypatch, align_corners):
    image, theta = noise(2, 3, 9, 8), thetas(2, (9, 8), (7, 10), align_corners)
    options = {"size": (7, 10), "padding": "reflection", "align_corners": align_corners}
    assert op._takes_product(theta, (7, 10)) and not op._takes_product(theta, (64, 64))
    small = answers(affine_sample, image, theta, "theta", **options)
    monkeypatch.setattr(op, "_takes_product", lambda *_: False)
    assert_same_answers(small, answers(affine_sample, image, theta, "theta", **options), 1e-5)


def test_no_product_where_it_would_be_rounded_or_kept_by_mistake():
    theta = IDENTITY.clone()
    with torch.autocast("cpu"):
        assert not op._takes_product(theta, (4, 4))
    torch.set_float32_matmul_precision("medium")
    try:
        assert not op._takes_product(theta, (4, 4))
    finally:
        torch.set_float32_matmul_precision("highest")
    assert not op._takes_product(theta.to("meta"), (4, 4))
    op._coordinates.cache_clear()
    with torch.inference_mode():
        affine_sample(torch.zeros(1, 1, 6, 5), theta)
    # what was kept in inference mode serves a call that is differentiated.
    leaf = theta.requires_grad_()
    affine_sample(torch.ones(1, 1, 6, 5), leaf).sum().backward()
    assert leaf.grad is not None
