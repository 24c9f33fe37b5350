"""The public entry of bilinear sampling on a CPU: conventions, known values, errors, and which formulation it takes."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from heatmap_cases import assert_same_answers
from sampling_cases import GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE, PADDINGS, SIZES, TOLERANCE, WILD, answers, grids, linear, noise
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.geometry.pixel_coordinates import pixel_to_norm
from vislab.ops.bilinear_sample import bilinear_sample, path_for
from vislab.ops.bilinear_sample.naive import bilinear_sample_naive
from vislab.ops.sampling.safe_grid_sample import _tamed

CENTRES = torch.tensor([[[[-0.5, 0.0], [0.5, 0.0]]]])


def expected_answers(image, grid, **options):
    return answers(bilinear_sample_naive, image.double(), grid.double(), "grid", **options)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_plain_equals_the_reference(size, out_size, padding, align_corners):
    image, grid = noise(2, 3, *size), grids(2, size, out_size, align_corners)
    options = {"padding": padding, "align_corners": align_corners}
    came = answers(bilinear_sample, image, grid, "grid", **options)
    assert {tensor.dtype for tensor in came.values()} == {torch.float32}
    assert_same_answers(came, expected_answers(image, grid, **options), TOLERANCE[torch.float32])


@pytest.mark.parametrize(
    ("image_dtype", "grid_dtype"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.bfloat16), (torch.float64, torch.float32), (torch.float32, torch.float64)],
)
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_every_dtype(image_dtype, grid_dtype, path):
    image, grid = noise(2, 3, 32, 16, dtype=image_dtype), grids(2, (32, 16), (32, 16), False, grid_dtype)
    came = answers(bilinear_sample, image, grid, "grid", path=path)
    assert came["output"].dtype == came["gradient to image"].dtype == image_dtype and came["gradient to grid"].dtype == grid_dtype
    expected = expected_answers(image, grid)
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
    grid = grids(2, (8, 9), (5, 7), False)
    came = answers(bilinear_sample, view(), grid.movedim(-1, 1).contiguous().movedim(1, -1), "grid", path=path)
    assert_same_answers(came, expected_answers(view(), grid), TOLERANCE[torch.float32])


def test_x_comes_first_and_the_corners_are_at_one():
    image = torch.arange(12.0).view(1, 1, 3, 4)
    corners = torch.tensor([[[[-1.0, -1], [1, -1], [-1, 1], [1, 1]]]])
    assert bilinear_sample(image, corners, align_corners=True).flatten().tolist() == [0, 3, 8, 11]
    # the outer corner of a corner pixel: three of its four neighbours do not exist.
    assert bilinear_sample(image + 1, corners).flatten().tolist() == [0.25, 1, 2.25, 3]


@pytest.mark.parametrize("align_corners", [False, True])
def test_pixel_centres_read_the_pixels(align_corners):
    image = noise(1, 2, 65, 129)
    points = torch.stack(torch.meshgrid(torch.arange(129.0), torch.arange(65.0), indexing="xy"), dim=-1)
    came = bilinear_sample(image, pixel_to_norm(points, (65, 129), align_corners)[None], align_corners=align_corners)
    # a coordinate near 1 is rounded to 6e-8, which is 4e-6 of a pixel here.
    assert (came - image).abs().max() < 1e-4


def test_a_linear_image_is_read_exactly():
    points = torch.tensor([[0.25, 3.5], [7.0, 0.125]], dtype=torch.float64)
    came = bilinear_sample(linear(5, 8), pixel_to_norm(points, (5, 8), False)[None, None])
    torch.testing.assert_close(came[0, 0, 0], 2 + 3 * points[:, 0] - 5 * points[:, 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_wild_numbers_are_like_the_reference_and_leave_the_neighbour_alone(padding, align_corners):
    """PyTorch's own sampler ends the process for some of these."""
    for size in ((5, 6), (1, 1)):
        image, grid = noise(2, 2, *size), grids(2, size, (4, len(WILD)), align_corners)
        wild = torch.tensor(WILD)
        grid[1, 0, :, 0] = grid[1, 1, :, 1] = grid[1, 2, :, 0] = grid[1, 2, :, 1] = wild
        options = {"padding": padding, "align_corners": align_corners}
        came, expected = answers(bilinear_sample, image, grid, "grid", **options), expected_answers(image, grid, **options)
        assert all(tensor.isfinite().all() for tensor in came.values())
        assert_same_answers({"output": came["output"][0]}, {"output": expected["output"][0]}, TOLERANCE[torch.float32])
        if padding != "reflection":
            assert_same_answers(came, expected, TOLERANCE[torch.float32])
        assert came["output"].abs().max() <= image.abs().max()


def test_a_nan_shows_pixel_zero_or_nothing():
    image, grid = noise(1, 1, 5, 6), torch.zeros(1, 1, 3, 2)
    grid[..., 0] = torch.nan
    for path in ("plain", "naive"):
        assert not bilinear_sample(image, grid, path=path).any()
        for padding in ("border", "reflection"):
            came = bilinear_sample(image, grid, padding=padding, path=path)
            torch.testing.assert_close(came, image[:, :, 2:3, :1].expand(1, 1, 1, 3))


@pytest.mark.parametrize("far", [2.0, 300.0, 3e4, 1e5, 1e6])
def test_a_far_grid_in_any_strides_is_sampled_as_the_reference_does(far):
    image, grid = noise(1, 2, 5, 6, dtype=torch.float64), far * grids(1, (5, 6), (3, 400), False, torch.float64)
    for given in (grid, grid.movedim(-1, 1).contiguous().movedim(1, -1)):
        for padding in PADDINGS:
            came = bilinear_sample(image, given, padding=padding)
            torch.testing.assert_close(came, bilinear_sample_naive(image, grid, padding), rtol=0, atol=1e-6)


def test_the_guard_changes_nothing_that_has_a_place():
    grid = torch.rand(1, 9, 9, 2) * 100 - 50
    for padding in PADDINGS:
        assert torch.equal(_tamed(grid, 5, 6, padding, False), grid)
        assert not torch.equal(_tamed(grid * 1e30, 5, 6, padding, False), grid * 1e30)


@pytest.mark.parametrize(("shape", "out_size"), [((0, 3, 4, 5), (6, 7)), ((2, 0, 4, 5), (6, 7)), ((2, 3, 4, 5), (0, 7))])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_an_empty_batch(shape, out_size, path):
    came = answers(bilinear_sample, torch.empty(shape), torch.ones(shape[0], *out_size, 2), "grid", path=path)
    assert came["output"].shape == (*shape[:2], *out_size)
    assert torch.equal(came["gradient to image"], torch.zeros(shape))
    assert torch.equal(came["gradient to grid"], torch.zeros(shape[0], *out_size, 2))


def test_autocast_does_not_round_the_positions():
    image, grid = noise(2, 3, 40, 50), grids(2, (40, 50), (40, 50), False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        came = bilinear_sample(image, grid)
    assert torch.equal(came, bilinear_sample(image, grid))


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
@pytest.mark.parametrize(("padding", "align_corners"), [("zeros", True), ("border", False), ("reflection", True)])
def test_derivatives_are_right(path, padding, align_corners):
    image = noise(1, 2, 3, 4, dtype=torch.float64).requires_grad_()
    grid = grids(1, (3, 4), (2, 3), align_corners, torch.float64).requires_grad_()

    def function(image, grid):
        return bilinear_sample(image, grid, padding=padding, align_corners=align_corners, path=path)

    assert torch.autograd.gradcheck(function, (image, grid))
    if GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE or path == "naive":
        assert torch.autograd.gradgradcheck(function, (image, grid), fast_mode=True)


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_compiles_without_a_graph_break(path):
    image, grid = noise(3, 3, 9, 8), grids(3, (9, 8), (7, 10), False)
    grid[2, 0, 2] = torch.nan
    compiled = torch.compile(bilinear_sample, backend="aot_eager", fullgraph=True)
    options = {"padding": "reflection"}
    came = answers(compiled, image, grid, "grid", **options, path=path)
    assert_same_answers(came, expected_answers(image, grid, **options), TOLERANCE[torch.float32])


def test_works_under_vmap():
    image, grid = noise(4, 2, 3, 5, 7), grids(8, (5, 7), (4, 4), False).view(4, 2, 4, 4, 2)
    grid[1, 0, 1, 1] = torch.nan
    came = torch.func.vmap(lambda image, grid: bilinear_sample(image, grid, padding="border"))(image, grid)
    expected = torch.stack([bilinear_sample(*pair, padding="border") for pair in zip(image, grid)])
    torch.testing.assert_close(came, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_meta_tensors_give_shapes_and_dtypes(path):
    image, grid = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.float16), torch.empty(2, 4, 9, 2, device="meta")
    came = bilinear_sample(image, grid, path=path)
    assert (came.shape, came.dtype, came.device.type) == ((2, 3, 4, 9), torch.float16, "meta")


def test_the_inputs_and_the_generator_are_left_as_they_were():
    image, grid, state = noise(2, 3, 5, 7), grids(2, (5, 7), (5, 7), False), torch.random.get_rng_state()
    before = image.clone(), grid.clone()
    answers(bilinear_sample, image, grid, "grid")
    assert torch.equal(image, before[0]) and torch.equal(grid, before[1]) and torch.equal(torch.random.get_rng_state(), state)


IMAGE, GRID = torch.zeros(2, 1, 4, 5), torch.zeros(2, 3, 6, 2)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (
            [np.zeros((1, 1, 2, 2)), GRID],
            {},
            TypeError,
            "image is ndarray; it must be a torch.Tensor; convert with torch.as_tensor(image)",
        ),
        ([IMAGE.long(), GRID], {}, TypeError, "image.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ([IMAGE[0], GRID], {}, ValueError, "image.shape (1, 4, 5) must be [B, C, H, W]; add the missing axes with image[None]"),
        ([IMAGE[:, :, :0], GRID], {}, ValueError, "image.shape (2, 1, 0, 5) holds images without pixels; H and W must be at least 1"),
        ([IMAGE, GRID.tolist()], {}, TypeError, "grid is list; it must be a torch.Tensor; convert with torch.as_tensor(grid)"),
        ([IMAGE, GRID.int()], {}, TypeError, "grid.dtype torch.int32 must be one of (torch.float16, "),
        (
            [IMAGE, torch.zeros(2, 2, 3, 6)],
            {},
            ValueError,
            "grid.shape (2, 2, 3, 6) must be [B, H_out, W_out, 2]; put x and y last with grid.movedim(1, -1)",
        ),
        ([IMAGE, GRID[0]], {}, ValueError, "grid.shape (3, 6, 2) must be [B, H_out, W_out, 2]"),
        (
            [IMAGE, GRID[:1]],
            {},
            ValueError,
            "grid.shape (1, 3, 6, 2) must begin with the image's batch of 2; one for all is shared without a copy by grid.expand(2, ...)",
        ),
        ([IMAGE, GRID.to("meta")], {}, ValueError, "grid is on meta, image on cpu; move one of them with .to()"),
        (
            [IMAGE, GRID],
            {"padding": "wrap"},
            ValueError,
            "padding 'wrap' must be one of ['zeros', 'border', 'reflection']; 'zeros' is the",
        ),
        ([IMAGE, GRID], {"align_corners": None}, TypeError, "align_corners is None; it must be True or False; False is PyTorch's own"),
        ([IMAGE, GRID], {"path": "fast"}, ValueError, "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out"),
    ],
)
def test_errors_name_value_rule_and_remedy(arguments, options, error, text):
    with pytest.raises(error, match=re.escape(text)):
        bilinear_sample(*arguments, **options)


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(grid=CENTRES, **options):
    with OperatorNames() as names:
        bilinear_sample(noise(1, 1, 5, 7), grid, **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    image = noise(1, 1, 5, 7)
    assert path_for(image) == "plain" and path_for(image, "naive") == "naive"
    assert "aten::grid_sampler_2d" in operators() and "aten::grid_sampler_2d" in operators(path="plain")
    assert "aten::grid_sampler_2d" not in operators(path="naive")
    pytest.importorskip("triton")
    assert path_for(image, "fused") == "fused"
    assert "vislab::bilinear_sample" in operators(path="fused")
    assert "vislab::bilinear_sample" not in operators()


def test_a_tame_grid_is_not_rewritten():
    assert "aten::where.self" not in operators()
    assert "aten::where.self" in operators(CENTRES * torch.nan)


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_plain_formulation():
    assert path_for(torch.zeros(1, 1, 2, 2, device="cuda")) == "plain"


WITHOUT_TRITON = """
import sys
sys.modules["triton"] = None
import torch
from vislab.ops.bilinear_sample import bilinear_sample, path_for
image, grid = torch.ones(1, 1, 1, 2), torch.zeros(1, 1, 2, 2)
print(path_for(image), bilinear_sample(image, grid).tolist())
try:
    bilinear_sample(image, grid, path="fused")
except RuntimeError as error:
    print(error)
"""

COMPILED_ON_A_CPU = """
import sys
import torch
from vislab.ops.bilinear_sample import bilinear_sample
print("triton" in sys.modules)
try:
    bilinear_sample(torch.zeros(1, 1, 3, 5), torch.zeros(1, 1, 2, 2), path="fused")
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
