"""Which formulation a tensor takes; what a GPU's tensor takes is asked of a stand-in, which needs no GPU."""

from importlib import import_module
from types import SimpleNamespace

import pytest
import torch
from op_cases import OPS

# the others' kernels were measured to be slower on a GPU than their plain formulation: at all sizes, or on large images.
FUSED = {"affine_sample", "attend", "gaussian_heatmaps", "roi_align", "roi_pool", "soft_argmax"}


def on_a_gpu(*shape):
    return SimpleNamespace(is_cuda=True, shape=shape)


def path_for(op, *asked):
    return import_module(f"vislab.ops.{op}").path_for(*asked)


@pytest.mark.parametrize("op", OPS)
def test_auto_takes_what_was_measured_to_be_faster(op):
    pytest.importorskip("triton")
    large, small = path_for(op, on_a_gpu(64, 3, 512, 512)), path_for(op, on_a_gpu(64, 3, 256, 256))
    assert (small, large) == {"window_pool": ("fused", "plain")}.get(op, ("fused",) * 2 if op in FUSED else ("plain",) * 2)
    assert path_for(op, torch.zeros(1, 1, 2, 2)) == "plain"


@pytest.mark.parametrize("op", OPS)
def test_a_name_is_taken_at_its_word(op):
    pytest.importorskip("triton")
    assert [path_for(op, on_a_gpu(64, 3, 512, 512), name) for name in ("plain", "fused", "naive")] == ["plain", "fused", "naive"]
