"""Ops make what they need where their inputs lie, whatever the default device: a GPU's plain path is tried without a GPU."""

from functools import partial

import pytest
import torch
from op_cases import OPS

from benchmarks.ops.subject import subjects
from vislab.ops.roi_align import op as roi_align
from vislab.ops.roi_pool import op as roi_pool

SUBJECTS = subjects()
FAR = [[0, -1e6 + 0.25, 0, 1e6 + 0.25, 4], [0, -60.3, -50.2, 70.7, 80.1], [1, 0.5, 0.5, 3, 2.5]]


def answers(call, tensors):
    """Outputs and gradients of a call."""
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    outputs = call(*leaves)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    torch.autograd.backward([output.square().sum() for output in outputs])
    return [*outputs, *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def assert_alike(ask):
    expected = ask()
    # a tensor made without a device is on "meta" then: it has no numbers, and does not mix with others.
    with torch.device("meta"):
        came = ask()
    for one, other in zip(*(found if isinstance(found, (list, tuple)) else [found] for found in (came, expected)), strict=True):
        assert one.device.type == "cpu" and torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0))


@pytest.mark.parametrize("formulation", ["ours", "naive"])
@pytest.mark.parametrize("op", OPS)
def test_nothing_is_made_on_the_default_device(op, formulation):
    subject = SUBJECTS[op]
    shape = subject.sizes["cpu"][0]
    tensors = subject.inputs(shape, torch.Generator().manual_seed(0), torch.device("cpu"))
    options = subject.options(shape)
    assert subject.path(*tensors) == "plain"
    assert_alike(lambda: answers(partial(getattr(subject, formulation), **options), tensors))


@pytest.mark.parametrize("copies", [1, 200], ids=["few boxes", "many boxes"])
@pytest.mark.parametrize("ratio", [0, 2])
def test_nor_by_the_pools_for_boxes_of_all_sizes(copies, ratio):
    features = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor(FAR).repeat(copies, 1)
    index, corners = boxes[:, 0].long(), boxes[:, 1:].contiguous()
    # inside an operator a default device is out of sight: this is the function that torch.library wraps.
    align, pull_back_align, pool, pull_back_pool = (
        operator._init_fn for operator in (roi_align._pool, roi_align._pull_back, roi_pool._pool, roi_pool._pull_back)
    )
    assert_alike(lambda: align(features, corners, index, 2, 3, 1.0, ratio, True))
    grad = torch.ones(len(boxes), 3, 2, 3)
    assert_alike(lambda: pull_back_align(grad, features, corners, index, 1.0, ratio, True, True, True))
    assert_alike(lambda: pool(features, corners, index, 2, 3, 1.0, True))
    _, argmax = pool(features, corners, index, 2, 3, 1.0, True)
    assert_alike(lambda: pull_back_pool(grad, argmax, index, 2, 5, 7))


@pytest.mark.needs_cuda
@pytest.mark.parametrize("copies", [1, 200], ids=["few boxes", "many boxes"])
def test_the_plain_pools_are_on_a_gpu_as_on_a_cpu(copies):
    features = torch.randn(2, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor(FAR, dtype=torch.float64).repeat(copies, 1)
    for pool in (partial(roi_align.roi_align, output_size=2, path="plain"), partial(roi_pool.roi_pool, output_size=2, path="plain")):
        there = answers(pool, (features.cuda(), boxes.cuda()))
        for one, other in zip(answers(pool, (features, boxes)), there, strict=True):
            torch.testing.assert_close(other.cpu(), one, rtol=1e-9, atol=1e-9)
