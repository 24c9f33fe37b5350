"""What the student's code is given: layouts, seeds, leaves, and copies that nobody else holds."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from call_plans import SEED, function_plan

from vislab.check.calls import carry_out, with_layout

LAYOUTS = ("contiguous", "strided", "transposed", "offset")
SHAPES = [(3, 4), (2, 3, 5), (1, 1), (9, 1), (1, 9), (0, 4), (4, 0), (2, 0, 3)]
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.uint8]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_layout_holds_the_same_values_in_memory_of_its_own(layout: str, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = (torch.arange(torch.Size(shape).numel()).reshape(shape) % 7).to(dtype)
    rebuilt = with_layout(tensor, layout)
    assert rebuilt.dtype == dtype and torch.equal(rebuilt, tensor)
    if tensor.numel():
        assert rebuilt.untyped_storage().data_ptr() != tensor.untyped_storage().data_ptr()
        before = tensor.clone()
        rebuilt[...] = torch.ones((), dtype=dtype) - rebuilt if dtype is not torch.bool else ~rebuilt
        assert torch.equal(tensor, before)


def test_layouts_are_what_they_say() -> None:
    tensor = torch.arange(24.0).reshape(2, 3, 4)
    assert with_layout(tensor, "contiguous").is_contiguous()
    assert with_layout(tensor, "strided").stride() == (24, 8, 2)
    transposed = with_layout(tensor, "transposed")
    assert transposed.stride() == (12, 1, 3) and not transposed.is_contiguous()
    offset = with_layout(tensor, "offset")
    assert offset.storage_offset() == 3 and offset.is_contiguous()


def test_gaps_hold_nan_so_that_reading_beside_the_view_shows() -> None:
    for layout in ("strided", "offset"):
        rebuilt = with_layout(torch.ones(2, 3), layout)
        storage = torch.tensor(rebuilt.untyped_storage(), dtype=torch.uint8).view(torch.float32)
        assert int(torch.isnan(storage).sum()) == storage.numel() - 6 > 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_call_receives_the_layout_and_the_plain_values(layout: str) -> None:
    seen = {}

    def answer(x, scale, *, mask, flag):
        seen.update(stride=x.stride(), offset=x.storage_offset(), scale=scale, mask=mask, flag=flag)
        return x * scale

    plan, tensors = function_plan(torch.ones(2, 3), 2.5, keywords={"mask": torch.tensor([[True, False]]), "flag": None}, layout=layout)
    given = carry_out(plan, tensors, answer, {})
    assert torch.equal(given.tensors["out.0"], torch.full((2, 3), 2.5))
    expected = with_layout(torch.ones(2, 3), layout)
    assert (seen["stride"], seen["offset"]) == (expected.stride(), expected.storage_offset())
    assert seen["scale"] == 2.5 and seen["flag"] is None and torch.equal(seen["mask"], torch.tensor([[True, False]]))


def test_every_generator_is_seeded_before_each_call() -> None:
    def answer(x):
        return torch.tensor([torch.rand(()).item(), float(np.random.rand()), random.random()])

    plan, tensors = function_plan(torch.ones(1))
    first = carry_out(plan, tensors, answer, {}).tensors["out.0"]
    torch.rand(5), np.random.rand(5), random.random()
    assert torch.equal(carry_out(plan, tensors, answer, {}).tensors["out.0"], first)
    torch.manual_seed(SEED)
    assert first[0] == torch.rand(())
    plan["seed"] = SEED + 1
    assert not torch.equal(carry_out(plan, tensors, answer, {}).tensors["out.0"], first)


def test_a_large_seed_is_taken_by_every_generator() -> None:
    plan, tensors = function_plan(torch.ones(1), seed=2**31 - 1)
    assert carry_out(plan, tensors, lambda x: x, {}).tensors["out.0"] == 1


def test_only_the_named_positions_are_leaves() -> None:
    wanted = []

    def answer(a, b, *, c):
        wanted.extend([a.requires_grad, b.requires_grad, c.requires_grad])
        return a * b + c

    plan, tensors = function_plan(
        torch.ones(2), torch.ones(2), keywords={"c": torch.ones(2)}, cotangents=(torch.ones(2),), wrt=(1,), layout="contiguous"
    )
    given = carry_out(plan, tensors, answer, {})
    assert wanted == [False, True, False]
    assert given.gradients == [{"of": 1, "kind": "tensor"}] and given.tensors.keys() == {"out.0", "grad.1"}


def test_a_leaf_keeps_its_layout() -> None:
    strides = []

    def answer(x):
        strides.append(x.stride())
        return x.sum()

    plan, tensors = function_plan(torch.ones(3, 4), layout="transposed", cotangents=(torch.tensor(1.0),), wrt=(0,))
    assert torch.equal(carry_out(plan, tensors, answer, {}).tensors["grad.0"], torch.ones(3, 4))
    assert strides == [(1, 3)]


def test_gradients_flow_although_an_earlier_cell_switched_them_off() -> None:
    plan, tensors = function_plan(torch.ones(3), cotangents=(torch.ones(3),), wrt=(0,))
    with torch.no_grad():
        given = carry_out(plan, tensors, lambda x: 3 * x, {})
        assert not torch.is_grad_enabled()
    assert torch.equal(given.tensors["grad.0"], torch.full((3,), 3.0))


def test_a_changed_default_dtype_changes_nothing() -> None:
    plan, tensors = function_plan(torch.ones(2, 3), layout="strided", cotangents=(torch.ones(2, 3),), wrt=(0,))
    torch.set_default_dtype(torch.float64)
    try:
        given = carry_out(plan, tensors, lambda x: 2 * x, {})
    finally:
        torch.set_default_dtype(torch.float32)
    assert given.tensors["out.0"].dtype is torch.float32 and given.tensors["grad.0"].dtype is torch.float32


def test_the_plans_own_tensors_survive_every_call() -> None:
    def spoil(x):
        x.data.fill_(-1)
        return x * 1

    for layout in LAYOUTS:
        plan, tensors = function_plan(torch.ones(5, 1), layout=layout, cotangents=(torch.full((5, 1), 2.0),), wrt=(0,))
        carry_out(plan, tensors, spoil, {})
        assert torch.equal(tensors["in.0"], torch.ones(5, 1)), layout
        assert torch.equal(tensors["cot.0"], torch.full((5, 1), 2.0))


def test_a_backward_that_spoils_its_cotangent_does_not_reach_the_plans() -> None:
    class Greedy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            grad.zero_()
            return grad

    plan, tensors = function_plan(torch.ones(3), cotangents=(torch.ones(3),), wrt=(0,))
    carry_out(plan, tensors, Greedy.apply, {})
    assert torch.equal(tensors["cot.0"], torch.ones(3))
