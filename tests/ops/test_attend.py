"""The public entry of attend on a CPU: conventions, known values, errors, and which formulation it takes."""

import doctest
import importlib
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from attention_cases import NAMES, SIZES, TOLERANCE, answers, doubles, inputs, some_places
from heatmap_cases import assert_same_answers
from torch.utils._python_dispatch import TorchDispatchMode

from vislab.ops.attend import attend, path_for
from vislab.ops.attend.naive import attend_naive


def expected_answers(tensors, mask=None):
    return answers(attend_naive, doubles(tensors), mask)


@pytest.mark.parametrize("masked", [False, True], ids=["every place", "some places"])
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: str(dtype).removeprefix("torch."))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_plain_equals_the_reference(size, dtype, masked):
    tensors, mask = inputs(*size, dtype=dtype), some_places(size[0], size[2]) if masked else None
    came = answers(attend, tensors, mask)
    assert {tensor.dtype for tensor in came.values()} == {dtype}
    assert_same_answers(came, expected_answers(tensors, mask), TOLERANCE[dtype])


@pytest.mark.parametrize("path", ["plain", "naive"])
@pytest.mark.parametrize(
    "view",
    [
        lambda tensor: tensor.transpose(0, 1).contiguous().transpose(0, 1) if tensor.ndim > 1 else tensor,
        lambda tensor: tensor.repeat_interleave(2, dim=-1)[..., ::2],
        lambda tensor: tensor[..., :1].expand(tensor.shape),
    ],
    ids=["steps before batch", "every second element", "expanded"],
)
def test_views(view, path):
    tensors, mask = [view(tensor) for tensor in inputs(2, 3, 9, 7, 4)], some_places(9, 2).t()
    assert not any(tensor.is_contiguous() for tensor in (tensors[0], tensors[1], tensors[3], mask))
    assert_same_answers(answers(attend, tensors, mask, path=path), expected_answers(tensors, mask), TOLERANCE[torch.float32])


def test_weights_sum_to_one_and_the_context_lies_between_the_values():
    tensors = inputs(2, 3, 9, 7, 4, dtype=torch.float64)
    mask = some_places(2, 9)
    context, weights = attend(*tensors, mask=mask, return_weights=True)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3).double(), rtol=0, atol=1e-14)
    assert (weights >= 0).all() and not weights.transpose(1, 2)[~mask].any()
    lowest = tensors[3].masked_fill(~mask[..., None], torch.inf).amin(1, keepdim=True)
    highest = tensors[3].masked_fill(~mask[..., None], -torch.inf).amax(1, keepdim=True)
    assert (lowest <= context).all() and (context <= highest).all()


def test_the_order_of_places_does_not_matter_to_the_context_and_moves_the_weights_along():
    queries, keys, vector, values = inputs(2, 3, 9, 7, 4, dtype=torch.float64)
    mask, order = some_places(2, 9), torch.randperm(9, generator=torch.Generator().manual_seed(3))
    context, weights = attend(queries, keys, vector, values, mask=mask, return_weights=True)
    moved_context, moved = attend(queries, keys[:, order], vector, values[:, order], mask=mask[:, order], return_weights=True)
    torch.testing.assert_close(moved_context, context, rtol=0, atol=1e-14)
    torch.testing.assert_close(moved, weights[..., order], rtol=0, atol=1e-14)
    assert not torch.allclose(moved, weights, atol=1e-3)


def test_the_answer_is_the_same_with_and_without_the_weights():
    tensors, mask = inputs(2, 3, 9, 7, 4), some_places(2, 9)
    assert torch.equal(attend(*tensors, mask=mask), attend(*tensors, mask=mask, return_weights=True)[0])


@pytest.mark.parametrize("path", ["plain", "naive"])
def test_a_blank_row_is_zero_and_leaves_its_neighbour_alone(path):
    tensors, mask = inputs(2, 3, 9, 7, 4), some_places(2, 9)
    mask[0] = False
    came = answers(attend, tensors, mask, path=path)
    for name in ("context", "weights", "gradient of queries", "gradient of keys", "gradient of values"):
        assert not came[name][0].any() and came[name][1].any(), name
    alone = answers(attend, [tensor[1:] if tensor.ndim == 3 else tensor for tensor in tensors], mask[1:], path=path)
    torch.testing.assert_close(came["context"][1:], alone["context"])
    assert came["gradient of vector"].isfinite().all()


@pytest.mark.parametrize("poison", [torch.nan, torch.inf])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_what_the_mask_hides_is_never_looked_at(poison, path):
    tensors, mask = inputs(2, 3, 9, 7, 4), some_places(2, 9)
    expected = expected_answers(tensors, mask)
    for tensor in (tensors[1], tensors[3]):
        tensor[~mask] = poison
    came = answers(attend, tensors, mask, path=path)
    assert_same_answers(came, expected, TOLERANCE[torch.float32])
    assert not came["gradient of keys"][~mask].any() and not came["gradient of values"][~mask].any()


@pytest.mark.parametrize("path", ["plain", "naive"])
def test_nan_shows_in_its_own_query_only(path):
    tensors = inputs(2, 3, 9, 7, 4)
    tensors[0][0, 1, 2] = torch.nan
    context = attend(*tensors, path=path)
    assert context[0, 1].isnan().all() and context[0, [0, 2]].isfinite().all() and context[1].isfinite().all()


@pytest.mark.parametrize("size", [(0, 3, 5, 7, 4), (2, 0, 5, 7, 4), (2, 3, 0, 7, 4)], ids=["no images", "no queries", "no places"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("path", ["plain", "naive"])
def test_empty_inputs(size, masked, path):
    tensors = inputs(*size)
    came = answers(attend, tensors, torch.ones(size[0], size[2], dtype=torch.bool) if masked else None, path=path)
    assert came["context"].shape == (size[0], size[1], 4) and came["weights"].shape == size[:3]
    for name, tensor in zip(NAMES, tensors, strict=True):
        assert came[f"gradient of {name}"].shape == tensor.shape
    assert not any(tensor.any() for tensor in came.values())


def test_autocast_does_not_round_the_products():
    tensors = inputs(2, 3, 9, 7, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        came = attend(*tensors)
    assert torch.equal(came, attend(*tensors))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("path", ["auto", "plain", "naive"])
def test_derivatives_are_right(path, masked):
    tensors = [tensor.requires_grad_() for tensor in inputs(2, 2, 3, 2, 2, dtype=torch.float64)]
    mask = torch.tensor([[True, False, True], [False, False, False]]) if masked else None

    def function(*leaves):
        return attend(*leaves, mask=mask, return_weights=True, path=path)

    assert torch.autograd.gradcheck(function, tensors)
    assert torch.autograd.gradgradcheck(function, tensors)


def test_works_under_the_transforms_of_torch_func():
    tensors = inputs(4, 3, 5, 7, 2, dtype=torch.float64)
    queries, keys, vector, values = tensors
    axes = (0, 0, None, 0)
    halves = [tensor.view(2, 2, *tensor.shape[1:]) if tensor.ndim == 3 else tensor for tensor in tensors]
    mapped = torch.func.vmap(attend, in_dims=axes)(*halves)
    torch.testing.assert_close(mapped.flatten(0, 1), attend(*tensors))
    gradient = torch.func.grad(lambda weights: attend(queries, keys, weights, values).square().sum())(vector)
    leaf = vector.clone().requires_grad_()
    attend(queries, keys, leaf, values).square().sum().backward()
    torch.testing.assert_close(gradient, leaf.grad)


def test_the_plain_formulation_compiles_without_a_graph_break():
    tensors, mask = inputs(2, 3, 9, 7, 4), some_places(2, 9)
    compiled = torch.compile(attend, backend="aot_eager", fullgraph=True)
    assert_same_answers(answers(compiled, tensors, mask), expected_answers(tensors, mask), TOLERANCE[torch.float32])


@pytest.mark.parametrize("path", ["plain", "naive"])
def test_meta_tensors_give_shapes_and_dtypes(path):
    tensors = [tensor.to("meta") for tensor in inputs(2, 3, 5, 7, 4, dtype=torch.float16)]
    context, weights = attend(*tensors, return_weights=True, path=path)
    assert (context.shape, context.dtype) == ((2, 3, 4), torch.float16) and weights.shape == (2, 3, 5)


def test_the_inputs_are_left_as_they_were():
    tensors, mask = inputs(2, 3, 9, 7, 4), some_places(2, 9)
    before, state = [tensor.clone() for tensor in (*tensors, mask)], torch.random.get_rng_state()
    answers(attend, tensors, mask)
    assert all(torch.equal(tensor, copy) for tensor, copy in zip((*tensors, mask), before, strict=True))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_example_in_the_docstring_runs():
    module = importlib.import_module("vislab.ops.attend.op")
    tests = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert len(tests) == 1 and doctest.DocTestRunner().run(tests[0]) == doctest.TestResults(0, 7)


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("keys", np.zeros((2, 5, 7)), TypeError, "keys is ndarray; it must be a torch.Tensor; convert with torch.as_tensor(keys)"),
        ("queries", torch.zeros(2, 3, 7).long(), TypeError, "queries.dtype torch.int64 must be one of (torch.float16, torch.bfloat16, "),
        ("values", torch.zeros(2, 5, 4).double(), TypeError, "values.dtype torch.float64 must equal queries.dtype torch.float32; convert"),
        ("queries", torch.zeros(3, 7), ValueError, "queries.shape (3, 7) must be [B, T, A]; add or drop axes with queries.reshape"),
        ("vector", torch.zeros(7, 1), ValueError, "vector.shape (7, 1) must be [A]; add or drop axes with vector.reshape"),
        ("queries", torch.zeros(2, 3, 0), ValueError, "queries.shape (2, 3, 0) has no hidden units; A must be at least 1"),
        ("keys", torch.zeros(2, 5, 8), ValueError, "keys.shape (2, 5, 8) must be [2, N, 7] to go with queries.shape (2, 3, 7); project"),
        ("keys", torch.zeros(1, 5, 7), ValueError, "keys.shape (1, 5, 7) must be [2, N, 7]"),
        ("vector", torch.zeros(8), ValueError, "vector.shape (8,) must be [7], the width of queries and keys; it weighs the hidden layer"),
        ("values", torch.zeros(2, 6, 4), ValueError, "values.shape (2, 6, 4) must be [2, 5, D] with D at least 1, one value for each of"),
        ("values", torch.zeros(2, 5, 0), ValueError, "values.shape (2, 5, 0) must be [2, 5, D] with D at least 1"),
        (
            "values",
            torch.zeros(2, 5, 4, device="meta"),
            ValueError,
            "values is on meta, queries on cpu; move it with values.to(queries.dev",
        ),
        ("mask", torch.zeros(2, 5), TypeError, "mask.dtype torch.float32 must be torch.bool, True where a place takes part; convert with"),
        ("mask", [True], TypeError, "mask is list; it must be torch.bool, True where a place takes part"),
        ("mask", torch.zeros(2, 3, 5).bool(), ValueError, "mask.shape (2, 3, 5) must be [2, 5], one bool for each of the keys"),
        (
            "mask",
            torch.zeros(2, 5, device="meta").bool(),
            ValueError,
            "mask is on meta, queries on cpu; move it with mask.to(queries.device)",
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
    given = dict(zip(NAMES, inputs(2, 3, 5, 7, 4), strict=True)) | {name: value}
    with pytest.raises(error, match=re.escape(text)):
        attend(**given)


class OperatorNames(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


def operators(**options):
    with OperatorNames() as names:
        attend(*inputs(1, 2, 3, 4, 5), **options)
    return names.seen


def test_the_path_named_is_the_path_taken():
    queries = torch.zeros(1, 2, 3)
    assert path_for(queries) == "plain" and path_for(queries, "naive") == "naive"
    assert "aten::sigmoid_" in operators() and "aten::sigmoid_" in operators(path="plain")
    assert "aten::sigmoid_" not in operators(path="naive")
    pytest.importorskip("triton")
    assert path_for(queries, "fused") == "fused"
    assert "vislab::attend" in operators(path="fused")
    assert "vislab::attend" not in operators()


@pytest.mark.needs_cuda
def test_a_cuda_tensor_takes_the_kernels():
    assert path_for(torch.zeros(1, 1, 2, device="cuda")) == "fused"


SCRIPT = """
import sys, torch
{first}
from vislab.ops.attend import attend, path_for
print("triton" in sys.modules)
tensors = torch.zeros(1, 1, 3), torch.zeros(1, 4, 3), torch.zeros(3), torch.arange(4.0).view(1, 4, 1)
print(path_for(tensors[0]), attend(*tensors).tolist())
try:
    attend(*tensors, path="fused")
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
        "plain [[[1.5]]]",
        "path 'fused' needs Triton, which is not installed here; install triton (Linux), or leave path out",
    ]


def test_the_kernels_refuse_a_cpu_outside_the_interpreter_and_triton_is_imported_for_them_alone(root, tmp_path):
    pytest.importorskip("triton")
    assert python(SCRIPT.format(first=""), root, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path)) == [
        "False",
        "plain [[[1.5]]]",
        "queries is on the CPU, where the fused kernels run only under Triton's interpreter;"
        " set TRITON_INTERPRET=1 before Python starts, or leave path out",
    ]
