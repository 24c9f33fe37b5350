"""The Triton kernels of affine sampling against the reference: under the interpreter here, compiled by test_kernels_cuda.py."""

from types import SimpleNamespace

import pytest
import torch
from heatmap_cases import assert_same_answers
from on_device import as_it_lies
from sampling_cases import (
    PADDINGS,
    SIZES,
    TOLERANCE,
    WILD,
    Answers,
    answers,
    needs_second_derivatives,
    noise,
    sixty_fourths,
    thetas,
    window,
)

triton = pytest.importorskip("triton")

from vislab.ops.affine_sample import affine_sample, fused  # noqa: E402
from vislab.ops.affine_sample.naive import affine_sample_naive  # noqa: E402
from vislab.ops.sampling import derivatives, sample_kernels, source_pixel_kernels  # noqa: E402

DEVICE = "cuda" if isinstance(fused._sample_kernel, triton.JITFunction) else "cpu"
VIEWS = {
    "transposed": lambda: noise(2, 3, 20, 17).transpose(2, 3),
    "channels last": lambda: noise(2, 3, 17, 20).to(memory_format=torch.channels_last),
    "every second pixel": lambda: noise(2, 3, 34, 40)[:, :, ::2, ::2],
    "window at an offset": lambda: window(noise(2, 3, 17, 20)),
    "batch and channel swapped": lambda: noise(3, 2, 17, 20).transpose(0, 1),
    "one image for all": lambda: noise(1, 3, 17, 20).expand(2, 3, 17, 20),
    "one row for all": lambda: noise(2, 3, 1, 20).expand(2, 3, 17, 20),
}
DOUBLE = torch.float64


def fused_op(image, theta, **options):
    return affine_sample(image, theta, path="fused", **options)


def fused_answers(image, theta, **options):
    return answers(fused_op, image.to(DEVICE), theta.to(DEVICE), "theta", **options)


def expected_answers(image, theta, **options):
    # the reference sees the very numbers that the kernel sees, in float64.
    return answers(affine_sample_naive, image.double(), theta.double(), "theta", **options)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("size", "out_size"), SIZES)
def test_equals_the_reference(size, out_size, padding, align_corners):
    image, theta = noise(2, 2, *size), thetas(2, size, out_size, align_corners)
    options = {"size": out_size, "padding": padding, "align_corners": align_corners}
    came = fused_answers(image, theta, **options)
    assert {tensor.dtype for tensor in came.values()} == {torch.float32}
    assert_same_answers(came, expected_answers(image, theta, **options), TOLERANCE[torch.float32])


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(
    ("image_dtype", "theta_dtype"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.bfloat16), (DOUBLE, DOUBLE), (DOUBLE, torch.float32), (torch.float32, DOUBLE)],
    ids=str,
)
def test_every_dtype(image_dtype, theta_dtype, align_corners):
    # sizes in which the reference's coordinates are exact: a half-precision theta can put a position on a whole pixel.
    size = (33, 17) if align_corners else (32, 16)
    image, theta = noise(2, 3, *size, dtype=image_dtype), thetas(2, size, size, align_corners, theta_dtype)
    came = fused_answers(image, theta, align_corners=align_corners)
    assert came["output"].dtype == came["gradient to image"].dtype == image_dtype and came["gradient to theta"].dtype == theta_dtype
    expected = expected_answers(image, theta, align_corners=align_corners)
    for name, tensor in came.items():
        assert_same_answers({name: tensor}, {name: expected[name]}, TOLERANCE[tensor.dtype])


@pytest.mark.parametrize("channels", [1, 16, 17, 33])
def test_more_channels_than_one_program_takes(channels):
    image, theta = noise(1, channels, 6, 5), thetas(1, (6, 5), (7, 9), False)
    options = {"size": (7, 9), "padding": "border"}
    assert_same_answers(fused_answers(image, theta, **options), expected_answers(image, theta, **options), TOLERANCE[torch.float32])


def faulty(fault, came, image, theta):
    if fault == "half a pixel off":
        return answers(affine_sample_naive, image, theta, "theta", align_corners=True)
    if fault == "x and y swapped":
        return answers(affine_sample_naive, image, theta.flip(1), "theta")
    if fault == "the border repeated":
        return answers(affine_sample_naive, image, theta, "theta", padding="border")
    came = {name: tensor.clone() for name, tensor in came.items()}
    if fault == "one channel lost":
        came["output"][:, -1] = 0
    elif fault == "one pixel of the gradient lost":
        came["gradient to image"].view(-1)[came["gradient to image"].abs().argmax()] = 0
    elif fault == "one program's share of theta lost":
        came["gradient to theta"] = came["gradient to theta"] * 0.99
    else:
        came["gradient to theta"][0, 1, 2] = torch.nan
    return came


@pytest.mark.parametrize(
    "fault",
    [
        "half a pixel off",
        "x and y swapped",
        "the border repeated",
        "one channel lost",
        "one pixel of the gradient lost",
        "one program's share of theta lost",
        "NaN",
    ],
)
def test_the_comparison_catches_a_wrong_kernel(fault):
    image, theta = noise(1, 2, 33, 40), thetas(1, (33, 40), (33, 40), False)
    right = answers(affine_sample_naive, image, theta, "theta")
    expected = expected_answers(image, theta)
    assert_same_answers(right, expected, TOLERANCE[torch.float32])
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(faulty(fault, right, image, theta), expected, TOLERANCE[torch.float32])


@pytest.mark.parametrize("fault", ["lower right neighbour left out", "derivative past the border", "reflected without turning round"])
def test_a_fault_planted_in_a_device_function_shows(monkeypatch, fault):
    if DEVICE == "cuda":
        pytest.skip("compiled kernels keep the functions they were compiled with")
    if fault == "lower right neighbour left out":

        def planted(pixel_ptr, stride_h, stride_w, top, bottom, left, right, ACC):
            nw, ne, sw, se = source_pixel_kernels.read_four(pixel_ptr, stride_h, stride_w, top, bottom, left, right, ACC)
            return nw, ne, sw, se * 0.0

        monkeypatch.setitem(sample_kernels.write_samples.fn.__globals__, "read_four", planted)
    else:

        def planted(pixel, size, ALIGN_CORNERS, PADDING, ACC):
            position, slope = source_pixel_kernels.source_position(pixel, size, ALIGN_CORNERS, PADDING, ACC)
            return position, slope * 0.0 + 1.0 if fault == "derivative past the border" else slope * slope

        monkeypatch.setitem(sample_kernels.write_samples.fn.__globals__, "source_position", planted)
    image, theta = noise(1, 2, 9, 8), thetas(1, (9, 8), (12, 11), False)
    theta[:, :, :2] *= 2
    options = {"size": (12, 11), "padding": "reflection"}
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(fused_answers(image, theta, **options), expected_answers(image, theta, **options), TOLERANCE[torch.float32])


@pytest.mark.parametrize("view", VIEWS)
def test_any_strides(view):
    image, theta = VIEWS[view](), thetas(2, (17, 20), (9, 21), False)
    assert not image.is_contiguous()
    strided = theta.mT.contiguous().mT
    assert not strided.is_contiguous()
    came = fused_answers(as_it_lies(image, DEVICE), as_it_lies(strided, DEVICE), size=(9, 21))
    assert_same_answers(came, expected_answers(image, theta, size=(9, 21)), TOLERANCE[torch.float32])


def launches(monkeypatch, image, theta, **options):
    """Return the tensors that each kernel was given."""
    launched = {}
    whole = fused.launch

    def launch(kernel, programs, near, *arguments, **constants):
        launched[kernel.fn.__name__] = programs, [argument for argument in arguments if isinstance(argument, torch.Tensor)]
        whole(kernel, programs, near, *arguments, **constants)

    monkeypatch.setattr(fused, "launch", launch)
    return answers(fused_op, image, theta, "theta", **options), launched


def test_strides_are_read_without_a_copy(monkeypatch):
    image, theta = VIEWS["transposed"]().to(DEVICE), thetas(2, (20, 17), (9, 21), False).to(DEVICE)
    _, launched = launches(monkeypatch, image, theta, size=(9, 21))
    for given in (launched["_sample_kernel"][1][0], launched["_gradient_kernel"][1][1]):
        assert (given.data_ptr(), given.stride()) == (image.data_ptr(), image.stride())


def test_there_is_no_grid_in_memory(monkeypatch):
    image, theta = noise(2, 1, 40, 40).to(DEVICE), thetas(2, (40, 40), (70, 90), False).to(DEVICE)
    _, launched = launches(monkeypatch, image, theta, size=(70, 90))
    output = 2 * 70 * 90
    _, forward = launched["_sample_kernel"]
    assert [tensor.numel() for tensor in forward] == [image.numel(), theta.numel(), output]
    programs, backward = launched["_gradient_kernel"]
    assert [tensor.numel() for tensor in backward] == [output, image.numel(), theta.numel(), image.numel(), 6 * programs]
    assert 6 * programs < output / 10


def test_the_gradient_keeps_a_dense_layout():
    image = VIEWS["channels last"]().to(DEVICE)
    assert fused_answers(image, thetas(2, (17, 20), (17, 20), False))["gradient to image"].stride() == image.stride()


def test_an_expanded_upstream_gradient():
    image, theta = noise(2, 3, 5, 7), thetas(2, (5, 7), (5, 7), False)
    expected, came = (
        torch.autograd.grad(function(*leaves).sum(), leaves)
        for function, leaves in (
            (affine_sample_naive, (image.double().requires_grad_(), theta.double().requires_grad_())),
            (fused_op, (image.to(DEVICE).requires_grad_(), theta.to(DEVICE).requires_grad_())),
        )
    )
    names = ("gradient to image", "gradient to theta")
    assert_same_answers(dict(zip(names, came)), dict(zip(names, expected)), TOLERANCE[torch.float32])


@pytest.mark.parametrize("wanted", ["image", "theta"])
def test_only_the_gradient_that_is_asked_for_is_computed(wanted):
    image, theta = noise(1, 2, 9, 8).to(DEVICE), thetas(1, (9, 8), (9, 8), False).to(DEVICE)
    both = fused_answers(image, theta)
    leaf = {"image": image, "theta": theta}[wanted].requires_grad_()
    output = fused_op(image, theta)
    with Answers("vislab::affine_sample_backward") as seen:
        (gradient,) = torch.autograd.grad(output, leaf, sixty_fourths(output))
    torch.testing.assert_close(gradient, both[f"gradient to {wanted}"])
    assert [tensor.numel() > 0 for tensor in seen.answers[-1]] == [wanted == "image", wanted == "theta"]


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5)])
def test_an_empty_batch(shape):
    came = fused_answers(torch.empty(shape), torch.ones(shape[0], 2, 3), size=(6, 7))
    assert came["output"].shape == (*shape[:2], 6, 7) and came["gradient to image"].shape == shape
    assert torch.equal(came["gradient to theta"].cpu(), torch.zeros(shape[0], 2, 3))


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning", "ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_wild_numbers_read_nothing_beyond_the_image_and_leave_the_neighbour_alone(padding, align_corners):
    count = len(WILD)
    image = window(noise(count + 1, 2, 5, 6)).to(DEVICE)
    theta = thetas(count + 1, (5, 6), (4, 7), align_corners)
    for index, wild in enumerate(WILD):
        theta[index, index % 2, (index + PADDINGS.index(padding)) % 3] = wild
    options = {"size": (4, 7), "padding": padding, "align_corners": align_corners}
    came = fused_answers(image, theta, **options)
    expected = expected_answers(image[count:].cpu(), theta[count:], **options)
    for name, tensor in came.items():
        # NaN would be what lies around the image.
        assert not tensor.isnan().any(), name
    assert came["output"].abs().max() <= image.abs().max()
    assert_same_answers({"output": came["output"][count:]}, {"output": expected["output"]}, TOLERANCE[torch.float32])


def test_identity_and_whole_shifts_are_exact_in_float32():
    image = noise(1, 2, 33, 50).to(DEVICE)
    for align_corners in (False, True):
        theta = torch.eye(2, 3, device=DEVICE)[None].clone()
        assert torch.equal(fused_op(image, theta, align_corners=align_corners), image)
    theta[0, 0, 2] = 2 * 5 / 49
    assert torch.equal(fused_op(image, theta, align_corners=True)[..., :45], image[..., 5:])


@pytest.mark.parametrize(("padding", "align_corners"), [("zeros", False), ("border", True), ("reflection", False)])
def test_first_derivatives_are_right(padding, align_corners):
    image = noise(1, 2, 3, 4, dtype=DOUBLE).to(DEVICE).requires_grad_()
    theta = thetas(1, (3, 4), (2, 3), align_corners, DOUBLE, seed=3).to(DEVICE).requires_grad_()

    def function(image, theta):
        return fused_op(image, theta, size=(2, 3), padding=padding, align_corners=align_corners)

    assert torch.autograd.gradcheck(function, (image, theta), nondet_tol=1e-12, fast_mode=True)


@needs_second_derivatives
@pytest.mark.parametrize("wanted", ["image and theta", "image", "theta"])
def test_second_derivatives_are_right(wanted):
    image = noise(1, 2, 3, 4, dtype=DOUBLE).to(DEVICE).requires_grad_("image" in wanted)
    theta = thetas(1, (3, 4), (2, 3), False, DOUBLE, seed=3).to(DEVICE).requires_grad_("theta" in wanted)

    def function(*leaves):
        given = {"image and theta": leaves, "image": (*leaves, theta), "theta": (image, *leaves)}[wanted]
        return fused_op(*given, size=(2, 3), padding="reflection")

    leaves = [leaf for leaf in (image, theta) if leaf.requires_grad]
    assert torch.autograd.gradgradcheck(function, leaves, nondet_tol=1e-12, fast_mode=True)


@needs_second_derivatives
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_the_second_derivative_at_a_nan_is_zero():
    image = noise(1, 1, 3, 4).to(DEVICE).requires_grad_()
    theta = torch.full((1, 2, 3), torch.nan, device=DEVICE, requires_grad=True)
    (gradient,) = torch.autograd.grad(fused_op(image, theta, padding="border").square().sum(), theta, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), theta)
    assert torch.equal(second, torch.zeros_like(second))


def test_the_operators_keep_their_contract_with_torch_library():
    image, theta = noise(2, 3, 5, 7).to(DEVICE).requires_grad_(), thetas(2, (5, 7), (4, 9), False).to(DEVICE).requires_grad_()
    torch.library.opcheck(torch.ops.vislab.affine_sample.default, (image, theta, 4, 9, 2, False))
    upstream = noise(2, 3, 4, 9, seed=2).to(DEVICE)
    for wanted in ((True, True), (True, False), (False, True)):
        torch.library.opcheck(torch.ops.vislab.affine_sample_backward.default, (upstream, image.detach(), theta.detach(), 1, True, *wanted))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_without_a_graph_break(dynamic):
    image, theta = noise(2, 3, 17, 20).to(DEVICE), thetas(2, (17, 20), (9, 21), False).to(DEVICE)
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True, dynamic=dynamic)
    came = answers(compiled, image, theta, "theta", size=(9, 21), padding="border")
    expected = answers(fused_op, image, theta, "theta", size=(9, 21), padding="border")
    for name, value in came.items():
        assert torch.equal(value, expected[name]) or DEVICE == "cuda", name


def test_meta_tensors_give_shapes_and_dtypes():
    image = torch.empty(2, 3, 5, 7, device="meta", dtype=torch.bfloat16, requires_grad=True)
    theta = torch.empty(2, 2, 3, device="meta", requires_grad=True)
    output = fused_op(image, theta, size=(4, 9))
    output.sum().backward()
    assert (output.shape, output.dtype, output.device.type) == ((2, 3, 4, 9), torch.bfloat16, "meta")
    assert (image.grad.shape, image.grad.dtype) == (image.shape, torch.bfloat16)
    assert (theta.grad.shape, theta.grad.dtype) == (theta.shape, torch.float32)


def test_the_inputs_are_left_as_they_were():
    image, theta = noise(2, 3, 17, 20).to(DEVICE), thetas(2, (17, 20), (17, 20), False).to(DEVICE)
    before = image.clone(), theta.clone()
    fused_answers(image, theta)
    assert torch.equal(image, before[0]) and torch.equal(theta, before[1])


def test_a_promise_of_determinism_is_kept_by_refusing():
    gpu, cpu = SimpleNamespace(is_cuda=True), SimpleNamespace(is_cuda=False)
    said = "affine_sample adds the image's gradient up in no fixed order on a GPU; detach the image, or take path='naive'"
    torch.use_deterministic_algorithms(True)
    derivatives.alert_not_deterministic("affine_sample", cpu)
    with pytest.raises(RuntimeError, match=said):
        derivatives.alert_not_deterministic("affine_sample", gpu)
    torch.use_deterministic_algorithms(True, warn_only=True)
    with pytest.warns(UserWarning, match=said):
        derivatives.alert_not_deterministic("affine_sample", gpu)
    torch.use_deterministic_algorithms(False)
    derivatives.alert_not_deterministic("affine_sample", gpu)


def gradient_and_surroundings(monkeypatch, padding):
    """Return the image's gradient under an upstream of ones, the room around it, and how many numbers the output has."""
    rooms = []

    def guarded(image, dtype):
        rooms.append(torch.zeros([side + 8 for side in image.shape], dtype=dtype, device=image.device))
        return rooms[-1][4:-4, 4:-4, 4:-4, 4:-4]

    image = noise(2, 2, 5, 6).to(DEVICE)
    theta = (3 * thetas(2, (5, 6), (9, 7), False)).to(DEVICE)
    theta[1, 1, -1] = torch.inf
    output = fused_op(image, theta, size=(9, 7), padding=padding)
    monkeypatch.setattr(derivatives.torch, "zeros_like", guarded)
    torch.ops.vislab.affine_sample_backward(torch.ones_like(output), image, theta, PADDINGS.index(padding), False, True, False)
    (room,) = rooms
    inside = room[4:-4, 4:-4, 4:-4, 4:-4].clone()
    room[4:-4, 4:-4, 4:-4, 4:-4] = 0
    return inside, room, output.numel()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("padding", PADDINGS)
def test_nothing_is_written_beyond_the_images_gradient(monkeypatch, padding):
    inside, room, count = gradient_and_surroundings(monkeypatch, padding)
    assert inside.any() and not room.any()
    if padding != "zeros":
        # every weight lands somewhere.
        torch.testing.assert_close(inside.sum().item(), float(count), rtol=1e-5, atol=0)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_read_and_a_write_beyond_the_image_are_seen(monkeypatch):
    if DEVICE == "cuda":
        pytest.skip("compiled kernels keep the functions they were compiled with")

    def planted(position, size):
        index, toward, before, after = source_pixel_kernels.neighbours(position, size)
        return index, toward, before | True, after | True

    monkeypatch.setitem(sample_kernels.write_samples.fn.__globals__, "neighbours", planted)
    image, theta = window(noise(2, 2, 5, 6)), thetas(2, (5, 6), (9, 7), False)
    assert fused_op(image, theta, size=(9, 7), padding="zeros").isnan().any()
    assert gradient_and_surroundings(monkeypatch, "zeros")[1].any()
