"""The Triton kernels of attend against the reference: under the interpreter here, compiled on a GPU by test_kernels_cuda.py."""

import pytest
import torch
from attention_cases import NAMES, SIZES, TOLERANCE, answers, doubles, inputs, some_places
from heatmap_cases import assert_same_answers
from on_device import as_it_lies

triton = pytest.importorskip("triton")

from vislab.ops.attend import attend, fused  # noqa: E402
from vislab.ops.attend.naive import attend_naive  # noqa: E402

DEVICE = "cuda" if isinstance(fused._context_kernel, triton.JITFunction) else "cpu"
VIEWS = {
    "steps before batch": lambda: [
        tensor.transpose(0, 1).contiguous().transpose(0, 1) if tensor.ndim == 3 else tensor for tensor in made()
    ],
    "hidden units first": lambda: [
        tensor.transpose(1, 2).contiguous().transpose(1, 2) if tensor.ndim == 3 else tensor for tensor in made()
    ],
    "every second element": lambda: [tensor.repeat_interleave(2, dim=-1)[..., ::2] for tensor in made()],
    "one image for all": lambda: [tensor[:1].expand(2, -1, -1) if tensor.ndim == 3 else tensor for tensor in made()],
    "one number for all": lambda: [tensor[..., :1].expand(tensor.shape) for tensor in made()],
}


def made():
    return inputs(2, 3, 9, 17, 5)


def fused_op(*tensors, **options):
    return attend(*tensors, path="fused", **options)


def here(tensors):
    return [tensor.to(DEVICE) for tensor in tensors]


def expected_answers(tensors, mask=None):
    # the reference sees the very numbers that the kernels see, in float64.
    return answers(attend_naive, doubles(tensors), mask)


@pytest.mark.parametrize("masked", [False, True], ids=["every place", "some places"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_the_reference(size, masked):
    tensors = here(inputs(*size))
    mask = some_places(size[0], size[2]).to(DEVICE) if masked else None
    assert_same_answers(answers(fused_op, tensors, mask), expected_answers(tensors, mask), TOLERANCE[torch.float32])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("size", [(2, 3, 5, 7, 4), (1, 5, 9, 129, 2)], ids=str)
def test_every_dtype_is_rounded_once(size, dtype):
    tensors = here(inputs(*size, dtype=dtype))
    mask = some_places(size[0], size[2]).to(DEVICE)
    came = answers(fused_op, tensors, mask)
    assert {tensor.dtype for tensor in came.values()} == {dtype}
    assert_same_answers(came, expected_answers(tensors, mask), TOLERANCE[dtype])


def test_values_wider_than_a_tile():
    tensors = here(inputs(1, 2, 3, 2, 515))
    assert fused._blocks(2, 2, 515)["BLOCK_D"] < 515
    assert_same_answers(answers(fused_op, tensors), expected_answers(tensors), TOLERANCE[torch.float32])


def forgets_the_last_place(queries, keys, vector, values, mask=None, return_weights=False):
    keys, values = (torch.cat([tensor[:, :-1], tensor[:, :1] * 0], 1) for tensor in (keys, values))
    return attend_naive(queries, keys, vector, values, mask, return_weights)


@pytest.mark.parametrize("fault", ["one place lost", "weights not normalised", "half a gradient", "gradients swapped", "NaN"])
def test_the_comparison_catches_a_wrong_kernel(fault):
    tensors = inputs(2, 3, 33, 65, 65)
    came = answers(attend_naive, tensors)
    if fault == "one place lost":
        came = answers(forgets_the_last_place, tensors)
    elif fault == "weights not normalised":
        came["weights"] = came["weights"] * 1.001
    elif fault == "half a gradient":
        came["gradient of vector"] = came["gradient of vector"] / 2
    elif fault == "gradients swapped":
        came["gradient of keys"] = came["gradient of keys"].roll(1, dims=1)
    else:
        came["gradient of values"][1, 32, 64] = torch.nan
    with pytest.raises(AssertionError, match="is off by"):
        assert_same_answers(came, expected_answers(tensors), TOLERANCE[torch.float32])


@pytest.mark.parametrize("view", VIEWS)
def test_any_strides(view):
    tensors = [as_it_lies(tensor, DEVICE) for tensor in VIEWS[view]()]
    assert not all(tensor.is_contiguous() for tensor in tensors)
    mask = some_places(9, 2).t().to(DEVICE)
    assert not mask.is_contiguous()
    assert_same_answers(answers(fused_op, tensors, mask), expected_answers(tensors, mask), TOLERANCE[torch.float32])


def test_strides_are_read_without_a_copy(monkeypatch):
    launched = {}

    def recorder(kernel, programs, near, *arguments, **constants):
        launched[kernel.fn.__name__] = {tensor.data_ptr() for tensor in arguments if isinstance(tensor, torch.Tensor)}

    tensors = here(VIEWS["hidden units first"]())
    monkeypatch.setattr(fused, "launch", recorder)
    context, weights, stats = torch.ops.vislab.attend(*tensors, None, True)
    torch.ops.vislab.attend_backward(context, weights, *tensors, None, stats)
    pointers = {name: tensor.data_ptr() for name, tensor in zip(NAMES, tensors, strict=True)}
    assert set(pointers.values()) <= launched["_context_kernel"] and set(pointers.values()) <= launched["_slope_kernel"]
    for kernel in ("_query_gradient_kernel", "_key_gradient_kernel"):
        assert {pointers["queries"], pointers["keys"], pointers["vector"]} <= launched[kernel]


def test_an_expanded_upstream_gradient():
    leaves = [tensor.requires_grad_() for tensor in here(made())]
    fused_op(*leaves).sum().backward()
    references = [tensor.detach().double().requires_grad_() for tensor in leaves]
    attend_naive(*references).sum().backward()
    for name, leaf, reference in zip(NAMES, leaves, references, strict=True):
        assert_same_answers({name: leaf.grad}, {name: reference.grad}, TOLERANCE[torch.float32])


@pytest.mark.parametrize("size", [(0, 3, 5, 7, 4), (2, 0, 5, 7, 4), (2, 3, 0, 7, 4)], ids=["no images", "no queries", "no places"])
@pytest.mark.parametrize("masked", [False, True])
def test_empty_inputs(size, masked):
    tensors = here(inputs(*size))
    mask = torch.ones(size[0], size[2], dtype=torch.bool, device=DEVICE) if masked else None
    came = answers(fused_op, tensors, mask)
    assert came["context"].shape == (size[0], size[1], 4) and came["weights"].shape == size[:3]
    for name, tensor in zip(NAMES, tensors, strict=True):
        assert came[f"gradient of {name}"].shape == tensor.shape
    assert not any(tensor.any() for tensor in came.values())


@pytest.mark.parametrize("first", [0, 20, 60])
def test_tiles_of_hidden_places(first):
    """Whole tiles without a place that takes part before, between and behind the tiles that count."""
    tensors = here(inputs(1, 2, 65, 5, 3))
    mask = torch.zeros(1, 65, dtype=torch.bool, device=DEVICE)
    mask[:, first : first + 5] = True
    came = answers(fused_op, tensors, mask)
    assert_same_answers(came, expected_answers(tensors, mask), TOLERANCE[torch.float32])
    for name in ("gradient of keys", "gradient of values"):
        assert not came[name][~mask].any()
    assert not came["weights"][0, :, ~mask[0]].any()


def test_a_blank_row_is_zero_and_leaves_its_neighbour_alone():
    tensors = here(inputs(2, 3, 33, 5, 4))
    mask = some_places(2, 33).to(DEVICE)
    mask[0] = False
    came = answers(fused_op, tensors, mask)
    assert_same_answers(came, expected_answers(tensors, mask), TOLERANCE[torch.float32])
    for name in ("context", "weights", "gradient of queries", "gradient of keys", "gradient of values"):
        assert not came[name][0].any() and came[name][1].any(), name


@pytest.mark.parametrize("poison", [torch.nan, torch.inf])
def test_what_the_mask_hides_is_never_looked_at(poison):
    tensors = here(inputs(2, 3, 33, 5, 4))
    mask = some_places(2, 33).to(DEVICE)
    expected = expected_answers(tensors, mask)
    for tensor in (tensors[1], tensors[3]):
        tensor[~mask] = poison
    came = answers(fused_op, tensors, mask)
    assert_same_answers(came, expected, TOLERANCE[torch.float32])
    assert not came["gradient of keys"][~mask].any() and not came["gradient of values"][~mask].any()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_nan_shows_in_its_own_query_only():
    tensors = here(inputs(2, 5, 33, 5, 4))
    tensors[0][0, 1, 2] = torch.nan
    came = answers(fused_op, tensors)
    assert came["context"][0, 1].isnan().all() and came["weights"][0, 1].isnan().all()
    came["context"][0, 1] = came["weights"][0, 1] = 0
    assert came["context"].isfinite().all() and came["weights"].isfinite().all()


def test_large_scores_saturate_and_do_not_overflow():
    queries, keys, vector, values = here(inputs(1, 2, 33, 5, 4))
    # every hidden unit at ±1, and scores of hundreds, which float32 holds to 3e-5.
    tensors = [1e4 * queries, keys, 200 * vector.sign(), values]
    came, expected = answers(fused_op, tensors), expected_answers(tensors)
    # the places' hidden units are all alike, so the vector's gradient is a sum of much that cancels.
    assert came.pop("gradient of vector").abs().max() < 1e-5 and expected.pop("gradient of vector").abs().max() < 1e-9
    assert_same_answers(came, expected, TOLERANCE[torch.float32])


def test_small_inputs_keep_their_digits():
    # 1 − exp(−2x) at x = 1e-6 is off by 6 % in float32.
    queries, keys, vector, values = inputs(1, 2, 9, 5, 4)
    tensors = here([1e-6 * queries, 1e-6 * keys, vector, values])
    came, expected = answers(fused_op, tensors), expected_answers(tensors)
    name = "gradient of vector"
    assert 1e-7 < expected[name].abs().max() < 1e-5
    assert_same_answers({name: 1e6 * came[name]}, {name: 1e6 * expected[name]}, TOLERANCE[torch.float32])


@pytest.mark.parametrize("masked", [False, True])
def test_first_and_second_derivatives_are_right(masked):
    tensors = [tensor.requires_grad_() for tensor in here(inputs(2, 1, 2, 1, 1, dtype=torch.float64))]
    mask = torch.tensor([[True, False], [False, False]], device=DEVICE) if masked else None

    def function(*leaves):
        return attend(*leaves, mask=mask, return_weights=True, path="fused")

    # fast: along random directions, since every entry of every gradient is compared with the reference above.
    check = torch.autograd.gradgradcheck if masked else torch.autograd.gradcheck
    assert check(function, tensors, fast_mode=True)


def test_the_operators_keep_their_contract_with_torch_library():
    tensors = [tensor.requires_grad_() for tensor in here(inputs(2, 3, 5, 7, 4))]
    mask = some_places(2, 5).to(DEVICE)
    torch.library.opcheck(torch.ops.vislab.attend.default, (*tensors, mask, True))
    tests = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(torch.ops.vislab.attend.default, (*tensors, None, False), test_utils=tests)
    context, weights, stats = (answer.detach() for answer in torch.ops.vislab.attend(*tensors, mask, True))
    upstream = torch.randn_like(context).requires_grad_(), torch.randn_like(weights).requires_grad_()
    torch.library.opcheck(torch.ops.vislab.attend_backward.default, (*upstream, *tensors, mask, stats), test_utils=tests)


def test_compiles_without_a_graph_break():
    tensors, mask = here(inputs(2, 3, 9, 7, 4)), some_places(2, 9).to(DEVICE)
    compiled = torch.compile(fused_op, backend="aot_eager", fullgraph=True)
    came, expected = answers(compiled, tensors, mask), answers(fused_op, tensors, mask)
    for name, value in came.items():
        assert torch.equal(value, expected[name]), name


def test_meta_tensors_give_shapes_and_dtypes():
    tensors = [tensor.to("meta").requires_grad_() for tensor in inputs(2, 3, 5, 7, 4, dtype=torch.bfloat16)]
    context, weights = fused_op(*tensors, mask=torch.ones(2, 5, dtype=torch.bool, device="meta"), return_weights=True)
    (context.sum() + weights.sum()).backward()
    assert (context.shape, context.dtype, context.device.type) == ((2, 3, 4), torch.bfloat16, "meta") and weights.shape == (2, 3, 5)
    for tensor in tensors:
        assert (tensor.grad.shape, tensor.grad.dtype) == (tensor.shape, torch.bfloat16)


def test_the_inputs_are_left_as_they_were():
    tensors, mask = here(inputs(2, 3, 9, 7, 4)), some_places(2, 9).to(DEVICE)
    before = [tensor.clone() for tensor in (*tensors, mask)]
    answers(fused_op, tensors, mask)
    assert all(torch.equal(tensor, copy) for tensor, copy in zip((*tensors, mask), before, strict=True))
