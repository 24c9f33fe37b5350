"""The Triton kernels of window_pool against the reference: under the interpreter here, compiled on a GPU by test_kernels_cuda.py."""

import pytest
import torch
from heatmap_cases import assert_same_answers
from window_cases import NAMES, SIZES, TOLERANCE, WINDOW_NAMES, answers, doubles, inputs

triton = pytest.importorskip("triton")

from vislab.ops.window_pool import WINDOWS, fused, window_pool  # noqa: E402
from vislab.ops.window_pool.naive import window_pool_naive  # noqa: E402

DEVICE = "cuda" if isinstance(fused._sandwich_kernel, triton.JITFunction) else "cpu"
VIEWS = {
    "transposed": lambda images: images.transpose(2, 3).contiguous().transpose(2, 3),
    "channels last": lambda images: images.to(memory_format=torch.channels_last),
    "every second pixel": lambda images: images.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, ::2, ::2],
    "one row for all": lambda images: images[:, :, :1].expand(images.shape),
    "one image for all": lambda images: images[:1, :1].expand(images.shape),
}


def fused_op(*tensors, **options):
    return window_pool(*tensors, path="fused", **options)


def here(tensors):
    return [tensor.to(DEVICE) for tensor in tensors]


def expected_answers(tensors, size, window="gaussian", width=None, **options):
    # the reference sees the very numbers that the kernels see, in float64.
    return answers(window_pool_naive, doubles(tensors), size, window=window, width=width or WINDOWS[window][0], **options)


@pytest.mark.parametrize("window", WINDOW_NAMES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_the_reference(size, window):
    tensors = here(inputs(*size[:4]))
    came = answers(fused_op, tensors, size[4:], window=window, softness=0.3)
    assert_same_answers(came, expected_answers(tensors, size[4:], window, softness=0.3), TOLERANCE[torch.float32])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_every_dtype_is_rounded_once(dtype, window):
    tensors = here(inputs(2, 2, 33, 20, dtype=dtype))
    came = answers(fused_op, tensors, (5, 4), window=window, width=0.77, softness=0.31)
    assert came["pooled"].dtype == came["gradient of images"].dtype == dtype
    assert_same_answers(came, expected_answers(tensors, (5, 4), window, 0.77, softness=0.31), TOLERANCE[dtype])


def test_centres_in_float64_lift_float32_images():
    images, centres, extents = here(inputs(1, 1, 9, 8))
    came = answers(fused_op, [images, centres.double(), extents.half()], (2, 3))
    assert [tensor.dtype for tensor in came.values()] == [torch.float32, torch.float32, torch.float64, torch.float16]
    assert_same_answers(came, expected_answers([images, centres, extents.half()], (2, 3)), TOLERANCE[torch.float16])


def test_rows_longer_than_a_program_holds():
    tensors = here(inputs(1, 1, 2, fused._ROW_MAX + 3))
    tensors[1] = torch.tensor([[1020.0, 0.7]], device=DEVICE)
    assert_same_answers(answers(fused_op, tensors, (1, 3)), expected_answers(tensors, (1, 3)), TOLERANCE[torch.float32])


@pytest.mark.parametrize("fault", ["x and y swapped", "a row not normalised", "one row of pixels lost", "half a gradient", "NaN"])
def test_the_comparison_catches_a_wrong_kernel(fault):
    tensors, size = inputs(2, 2, 33, 40), (5, 4)
    came = expected_answers(tensors, size)
    if fault == "x and y swapped":
        came = expected_answers([tensors[0], tensors[1].flip(1), tensors[2].flip(1)], size)
    elif fault == "a row not normalised":
        came["pooled"][0, 0, 4] *= 1.001
    elif fault == "one row of pixels lost":
        came = expected_answers([tensors[0].index_fill(2, torch.tensor([20]), 0.0), *tensors[1:]], size)
    elif fault == "half a gradient":
        came["gradient of extents"] /= 2
    else:
        came["gradient of images"][1, 1, 32, 39] = torch.nan
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, expected_answers(tensors, size), TOLERANCE[torch.float32])


@pytest.mark.parametrize("view", VIEWS)
def test_any_strides(view):
    images, centres, extents = here(inputs(2, 3, 9, 13))
    tensors = [VIEWS[view](images), centres.t().contiguous().t(), extents[:1].expand(2, 2)]
    assert not any(tensor.is_contiguous() for tensor in tensors)
    assert_same_answers(answers(fused_op, tensors, (3, 4)), expected_answers(tensors, (3, 4)), TOLERANCE[torch.float32])


def test_strides_are_read_without_a_copy(monkeypatch):
    launched = {}

    def recorder(kernel, programs, near, *arguments, **constants):
        launched[kernel.fn.__name__] = {tensor.data_ptr() for tensor in arguments if isinstance(tensor, torch.Tensor)}

    images = VIEWS["transposed"](here(inputs(2, 3, 9, 13))[0])
    left, right = torch.zeros(2, 4, 9, device=DEVICE), torch.zeros(2, 5, 13, device=DEVICE)
    monkeypatch.setattr(fused, "launch", recorder)
    pooled = torch.ops.vislab.window_pool(left, images, right)
    torch.ops.vislab.window_pool_side(pooled, images, right)
    assert images.data_ptr() in launched["_sandwich_kernel"] and images.data_ptr() in launched["_side_kernel"]


def test_an_expanded_upstream_gradient():
    leaves = [tensor.requires_grad_() for tensor in here(inputs(2, 3, 9, 13))]
    fused_op(*leaves, 3).sum().backward()
    references = [tensor.detach().double().requires_grad_() for tensor in leaves]
    window_pool_naive(*references, (3, 3)).sum().backward()
    # rows sum to 1 whatever the centre: the other two gradients are 0 but for rounding and the channels' sums.
    for name, leaf, reference in zip(NAMES, leaves, references, strict=True):
        assert_same_answers({name: leaf.grad}, {name: reference.grad}, TOLERANCE[torch.float32])


@pytest.mark.parametrize("shape", [(0, 3, 9, 8), (2, 0, 9, 8)], ids=["no images", "no channels"])
def test_empty_inputs(shape):
    tensors = here(inputs(*shape))
    came = answers(fused_op, tensors, (3, 4))
    assert came["pooled"].shape == (*shape[:2], 3, 4)
    for name, tensor in zip(NAMES, tensors, strict=True):
        assert came[f"gradient of {name}"].shape == tensor.shape
    assert not any(tensor.any() for tensor in came.values())


@pytest.mark.parametrize("window", WINDOW_NAMES)
@pytest.mark.parametrize("extent", [1e-3, 0.0, -1.0, 1e-30])
def test_windows_without_extent(window, extent):
    tensors = here(inputs(2, 1, 20, 33))
    tensors[2] = torch.full_like(tensors[2], extent)
    came = answers(fused_op, tensors, (2, 3), window=window)
    assert all(tensor.isfinite().all() for tensor in came.values())
    assert_same_answers(came, expected_answers(tensors, (2, 3), window), 10 * TOLERANCE[torch.float32])
    if extent <= 0:
        assert not came["gradient of extents"].any()


@pytest.mark.parametrize("window", WINDOW_NAMES)
@pytest.mark.parametrize("centre", [-3.0, -1000.0, 1060.0])
def test_windows_outside_the_image(window, centre):
    tensors = here(inputs(1, 1, 20, 33))
    tensors[1] = torch.full_like(tensors[1], centre)
    came = answers(fused_op, tensors, (2, 3), window=window)
    assert all(tensor.isfinite().all() for tensor in came.values())
    expected = expected_answers(tensors, (2, 3), window)
    if centre != -3.0:
        # far out the weights hardly hang on where exactly, and what float32 keeps of these two gradients is rounding.
        for name in ("gradient of centres", "gradient of extents"):
            assert (came.pop(name) - expected.pop(name)).abs().max() < 0.05
    assert_same_answers(came, expected, TOLERANCE[torch.float32])
    assert centre == -3.0 or came["pooled"].any() == (window != "bump")


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_nan_shows_in_its_own_channel_or_image_only():
    tensors = here(inputs(3, 2, 33, 20))
    tensors[0][0, 1, 32, 19] = torch.nan
    tensors[1][1, 0] = torch.nan
    pooled = fused_op(*tensors, 3)
    assert pooled[0, 1].isnan().any() and pooled[0, 0].isfinite().all()
    assert pooled[1].isnan().all() and pooled[2].isfinite().all()


def test_float64_keeps_a_width_that_float32_does_not():
    tensors = here(inputs(1, 1, 9, 8, dtype=torch.float64))
    came = answers(fused_op, tensors, (2, 2), window="box", width=0.7, softness=0.3)
    assert_same_answers(came, expected_answers(tensors, (2, 2), "box", 0.7, softness=0.3), TOLERANCE[torch.float64])
    rounded = expected_answers(tensors, (2, 2), "box", torch.tensor(0.7).item(), softness=torch.tensor(0.3).item())
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, rounded, TOLERANCE[torch.float64])


@pytest.mark.parametrize("window", WINDOW_NAMES)
def test_first_and_second_derivatives_are_right(window):
    tensors = [tensor.requires_grad_() for tensor in here(inputs(1, 1, 2, 3, dtype=torch.float64))]

    def function(*leaves):
        return fused_op(*leaves, (1, 1), window=window, softness=0.5)

    # fast: along random directions, since every entry of every first gradient is compared with the reference above.
    assert torch.autograd.gradgradcheck(function, tensors, fast_mode=True)


def test_the_operators_keep_their_contract_with_torch_library():
    images, centres, extents = (tensor.requires_grad_() for tensor in here(inputs(2, 2, 5, 7)))
    shape = ("bump", 1.0, 0.1, 1.0)
    torch.library.opcheck(torch.ops.vislab.window_filters.default, (centres[:, 0], extents[:, 0], 3, 7, *shape, torch.float32))
    left, right = (torch.rand(2, cells, pixels, device=DEVICE, requires_grad=True) for cells, pixels in ((4, 5), (3, 7)))
    torch.library.opcheck(torch.ops.vislab.window_pool.default, (left, images, right))
    outer = torch.rand(2, 2, 4, 3, device=DEVICE, requires_grad=True)
    # what is left out, a trace with open sizes, takes most of the time and goes through the gradients of the operators above.
    tests = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(torch.ops.vislab.window_pool_side.default, (outer, images, right), test_utils=tests)
    filters = torch.ops.vislab.window_filters(centres[:, 0], extents[:, 0], 3, 7, *shape, torch.float32).detach()
    backward = torch.ops.vislab.window_filters_backward.default
    torch.library.opcheck(
        backward, (torch.rand_like(right).requires_grad_(), filters, centres[:, 0].detach(), extents[:, 0].detach(), *shape)
    )


def test_compiles_without_a_graph_break():
    tensors = here(inputs(2, 3, 9, 13))
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True)
    came, expected = answers(compiled, tensors, (3, 4)), answers(fused_op, tensors, (3, 4))
    for name, value in came.items():
        assert torch.equal(value, expected[name]), name


def test_meta_tensors_give_shapes_and_dtypes():
    tensors = [tensor.to("meta").requires_grad_() for tensor in inputs(2, 3, 9, 13, dtype=torch.bfloat16)]
    pooled = fused_op(*tensors, (3, 4))
    pooled.sum().backward()
    assert (pooled.shape, pooled.dtype, pooled.device.type) == ((2, 3, 3, 4), torch.bfloat16, "meta")
    for tensor in tensors:
        assert (tensor.grad.shape, tensor.grad.dtype) == (tensor.shape, tensor.dtype)


def test_the_inputs_are_left_as_they_were():
    tensors = here(inputs(2, 3, 9, 13))
    before = [tensor.clone() for tensor in tensors]
    answers(fused_op, tensors, (3, 4))
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(tensors, before, strict=True))
