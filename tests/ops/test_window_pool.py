"""The public entry of window_pool on a CPU: conventions, known values, errors, and which formulation it takes."""

import doctest
import importlib
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from heatmap_cases import assert_same_answers
from torch.utils._python_dispatch import TorchDispatchMode
from window_cases import NAMES, SIZES, TOLERANCE, WINDOW_NAMES, answers, doubles, inputs

from vislab.ops.window_pool import WINDOWS, path_for, window_pool
from vislab.ops.window_pool.naive import window_pool_naive


def expected_answers(tensors, size, window="gaussian", **options):
    return answers(window_pool_naive, doubles(tensors), size, window=window, width=WINDOWS[window][0], **options)


@pytest.mark.parametrize("window", WINDOW_NAMES)
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_plain_equals_the_reference(size, dtype, window):
    tensors = inputs(*size[:4], dtype=dtype)
    came = answers(window_pool, tensors, size[4:], window=window, softness=0.3)
    assert came["pooled"].dtype == dtype
    assert_same_answers(came, expected_answers(tensors, size[4:], window, softness=0.3), TOLERANCE[dtype])


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize(
    "view",
    [
        lambda images: images.transpose(2, 3).contiguous().transpose(2, 3),
        lambda images: images.to(memory_format=torch.channels_last),
        lambda images: images[:, :, :1].expand(images.shape),
    ],
    ids=["transposed", "channels last", "expanded"],
)
def test_views(view, path):
    images, centres, extents = inputs(2, 3, 9, 13)
    tensors = [view(images), centres.t().contiguous().t(), extents[:1].expand(2, 2)]
    assert not any(tensor.is_contiguous() for tensor in tensors)
    assert_same_answers(answers(window_pool, tensors, (3, 4), path=path), expected_answers(tensors, (3, 4)), TOLERANCE[torch.float32])


def test_x_comes_first_and_pixel_centres_are_whole_numbers():
    images = torch.arange(20.0).view(1, 1, 4, 5)
    pooled = window_pool(images, torch.tensor([[3.0, 1.0]]), torch.tensor([[1e-3, 1e-3]]), 1)
    assert pooled.item() == images[0, 0, 1, 3].item()


@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_one_cell_a_pixel_over_the_whole_image_is_nearly_the_image(window):
    images = inputs(1, 2, 6, 5, dtype=torch.float64)[0]
    width = {"gaussian": 1e-2, "box": 0.5, "bump": 1.0}[window]
    whole = torch.tensor([[2.0, 2.5]]), torch.tensor([[5.0, 6.0]])
    pooled = window_pool(images, *whole, (6, 5), window=window, width=width, softness=1e-2)
    torch.testing.assert_close(pooled, images, rtol=0, atol=1e-12)


def test_a_size_of_one_number_is_both():
    tensors = inputs(2, 3, 9, 13)
    assert torch.equal(window_pool(*tensors, 4), window_pool(*tensors, (4, 4)))
    assert torch.equal(window_pool(*tensors, [4, 2]), window_pool(*tensors, torch.Size((4, 2))))


def test_the_default_widths_are_those_of_the_table():
    tensors = inputs(1, 1, 9, 13)
    for window, (width, _) in WINDOWS.items():
        assert torch.equal(window_pool(*tensors, 3, window=window), window_pool(*tensors, 3, window=window, width=width))


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize("window", WINDOW_NAMES)
@pytest.mark.parametrize("extent", [1e-3, 0.0, -1.0, 1e-30])
def test_windows_without_extent_are_finite(window, extent, path):
    tensors = inputs(2, 1, 20, 33)
    tensors[2] = torch.full_like(tensors[2], extent)
    came = answers(window_pool, tensors, (2, 3), window=window, path=path)
    assert all(tensor.isfinite().all() for tensor in came.values())
    assert extent > 0 or not came["gradient of extents"].any()
    assert (came["pooled"] - came["pooled"][:, :, :1, :1]).abs().max() < 0.01


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_windows_outside_the_image(window, path):
    tensors = inputs(1, 1, 20, 33)
    tensors[1] = torch.tensor([[-1000.0, 2000.0]])
    came = answers(window_pool, tensors, (2, 3), window=window, path=path)
    assert all(tensor.isfinite().all() for tensor in came.values())
    # a box's edge fades at a constant rate, so that a few pixels share the weight however far away it is.
    assert window == "box" or torch.equal(
        came["pooled"], torch.full((1, 1, 2, 3), 0.0 if window == "bump" else tensors[0][0, 0, 19, 0].item())
    )
    assert window != "bump" or not any(tensor.any() for tensor in came.values())


@pytest.mark.parametrize("path", ["plain", "naive"])
def test_nan_shows_in_its_own_channel_or_image_only(path):
    images, centres, extents = inputs(3, 2, 9, 8)
    images[0, 1, 4, 4] = centres[1, 0] = torch.nan
    pooled = window_pool(images, centres, extents, 3, path=path)
    assert pooled[0, 1].isnan().any() and pooled[0, 0].isfinite().all()
    assert pooled[1].isnan().all() and pooled[2].isfinite().all()


@pytest.mark.parametrize("shape", [(0, 3, 9, 8), (2, 0, 9, 8)], ids=["no images", "no channels"])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_empty_inputs(shape, path):
    tensors = inputs(*shape)
    came = answers(window_pool, tensors, (3, 4), path=path)
    assert came["pooled"].shape == (*shape[:2], 3, 4)
    for name, tensor in zip(NAMES, tensors, strict=True):
        assert came[f"gradient of {name}"].shape == tensor.shape


def test_autocast_does_not_round_the_products():
    tensors = inputs(2, 3, 9, 13)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        came = window_pool(*tensors, 4)
    assert torch.equal(came, window_pool(*tensors, 4))


@pytest.mark.parametrize("window", WINDOW_NAMES)
@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_derivatives_are_right(path, window):
    tensors = [tensor.requires_grad_() for tensor in inputs(1, 2, 4, 5, dtype=torch.float64)]

    def function(*leaves):
        return window_pool(*leaves, (2, 3), window=window, softness=0.5, path=path)

    assert torch.autograd.gradcheck(function, tensors)
    assert torch.autograd.gradgradcheck(function, tensors, fast_mode=True)


def test_works_under_the_transforms_of_torch_func():
    images, centres, extents = inputs(4, 2, 9, 8, dtype=torch.float64)
    split = [tensor.view(2, 2, *tensor.shape[1:]) for tensor in (images, centres, extents)]
    mapped = torch.func.vmap(lambda *each: window_pool(*each, 3, window="bump"))(*split)
    torch.testing.assert_close(mapped.flatten(0, 1), window_pool(images, centres, extents, 3, window="bump"))


@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_the_plain_formulation_compiles_without_a_graph_break(window):
    tensors = inputs(2, 3, 9, 13)
    compiled = torch.compile(window_pool, backend="aot_eager", fullgraph=True)
    assert_same_answers(
        answers(compiled, tensors, (3, 4), window=window), expected_answers(tensors, (3, 4), window), TOLERANCE[torch.float32]
    )


@pytest.mark.parametrize("path", ["plain", "naive"])
def test_meta_tensors_give_shapes_and_dtypes(path):
    pooled = window_pool(*(tensor.to("meta") for tensor in inputs(2, 3, 9, 13, dtype=torch.float16)), (3, 4), path=path)
    assert (pooled.shape, pooled.dtype) == ((2, 3, 3, 4), torch.float16)


def test_the_inputs_are_left_as_they_were():
    tensors = inputs(2, 3, 9, 13)
    before, state = [tensor.clone() for tensor in tensors], torch.random.get_rng_state()
    answers(window_pool, tensors, (3, 4))
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(tensors, before, strict=True))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_example_in_the_docstring_runs():
    module = importlib.import_module("vislab.ops.window_pool.op")
    tests = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert len(tests) == 1 and doctest.DocTestRunner().run(tests[0]) == doctest.TestResults(0, 2)


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("images", np.zeros((2, 3, 9, 8)), TypeError, "images is ndarray; it must be a torch.Tensor; convert with torch.as_tensor(images)"),
        ("centres", torch.zeros(2, 2).long(), TypeError, "centres.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ("images", torch.zeros(9, 8), ValueError, "images.shape (9, 8) must be [B, C, H, W]; add the missing axes with images[None]"),
        (
            "images",
            torch.zeros(2, 3, 0, 8),
            ValueError,
            "images.shape (2, 3, 0, 8) holds images without pixels; H and W must be at least 1",
        ),
        ("centres", torch.zeros(1, 2), ValueError, "centres.shape (1, 2) must be [2, 2], x then y for each image; for the same in all"),
        ("extents", torch.zeros(2), ValueError, "extents.shape (2,) must be [2, 2], x then y for each image; for the same in all images"),
        (
            "extents",
            torch.zeros(2, 2, device="meta"),
            ValueError,
            "extents is on meta, images on cpu; move it with extents.to(images.device)",
        ),
        ("size", 2.5, TypeError, "size 2.5 must be one whole number or two, (h, w)"),
        ("size", (3, 4, 5), TypeError, "size (3, 4, 5) must be one whole number or two, (h, w)"),
        ("size", (3, 0), ValueError, "size (3, 0) must be at least 1 along each axis; it counts cells"),
        ("window", "hann", ValueError, "window 'hann' must be one of ['gaussian', 'box', 'bump']"),
        ("width", 0.0, ValueError, "width 0.0 must lie in [1e-06, 1e+06], in cells; None takes the window's own"),
        ("width", torch.tensor(1.0), TypeError, "width is Tensor; it must be a number, in cells; None takes the window's own"),
        (
            "softness",
            float("nan"),
            ValueError,
            "softness nan must lie in [1e-06, 1e+06], as a share of half a box's width; 0.1 is the default",
        ),
        (
            "path",
            "fast",
            ValueError,
            "path 'fast' must be one of ['auto', 'plain', 'fused', 'naive']; leave it out to let the device decide",
        ),
    ],
)
def test_errors_name_value_rule_and_remedy(name, value, error, text):
    given = dict(zip(NAMES, inputs(2, 3, 9, 8), strict=True)) | {"size": 3} | {name: value}
    with pytest.raises(error, match=re.escape(text)):
        window_pool(**given)


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(**options):
    with OperatorNames() as names:
        window_pool(*inputs(1, 1, 5, 4), 2, **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    images = torch.zeros(1, 1, 5, 4)
    assert path_for(images) == "plain" and path_for(images, "naive") == "naive"
    assert "aten::_softmax" in operators() and "aten::_softmax" in operators(path="plain")
    assert "aten::_softmax" not in operators(path="naive")
    pytest.importorskip("triton")
    assert path_for(images, "fused") == "fused"
    assert "vislab::window_pool" in operators(path="fused")
    assert "vislab::window_pool" not in operators()


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_kernels_unless_it_is_large():
    assert path_for(torch.zeros(1, 1, 256, 256, device="cuda")) == "fused"
    assert path_for(torch.zeros(1, 1, 256, 257, device="cuda")) == "plain"


SCRIPT = """
import sys, torch
{first}
from vislab.ops.window_pool import path_for, window_pool
print("triton" in sys.modules)
tensors = torch.ones(1, 1, 3, 5), torch.ones(1, 2), torch.ones(1, 2)
print(path_for(tensors[0]), window_pool(*tensors, 1).round(decimals=4).tolist())
try:
    window_pool(*tensors, 1, path="fused")
except RuntimeError as error:
    print(error)
"""


def python(script, root, **environment):
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_works_where_triton_is_not_installed(root):
    assert python(SCRIPT.format(first='sys.modules["triton"] = None'), root)[1:] == [
        "plain [[[[1.0]]]]",
        "path 'fused' needs Triton, which is not installed here; install triton (Linux), or leave path out",
    ]


def test_the_kernels_refuse_a_cpu_outside_the_interpreter_and_triton_is_imported_for_them_alone(root, tmp_path):
    pytest.importorskip("triton")
    assert python(SCRIPT.format(first=""), root, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path)) == [
        "False",
        "plain [[[[1.0]]]]",
        "images is on the CPU, where the fused kernels run only under Triton's interpreter;"
        " set TRITON_INTERPRET=1 before Python starts, or leave path out",
    ]
