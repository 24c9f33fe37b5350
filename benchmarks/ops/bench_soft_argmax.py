"""Soft-argmax: mean positions of standard-normal logits, scaled to spread over tens of pixels."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

from benchmarks.ops.subject import Library, Subject
from vislab.ops.soft_argmax import path_for, soft_argmax
from vislab.ops.soft_argmax.naive import soft_argmax_naive


def eager(heatmaps: Tensor) -> Tensor:
    """Softmax over the pixels, then one weighted sum for x and one for y."""
    batch, joints, height, width = heatmaps.shape
    probability = torch.softmax(heatmaps.reshape(batch, joints, height * width), dim=-1).view(batch, joints, height, width)
    x = torch.arange(width, dtype=heatmaps.dtype, device=heatmaps.device)
    y = torch.arange(height, dtype=heatmaps.dtype, device=heatmaps.device)
    return torch.stack([(probability * x).sum((2, 3)), (probability * y[:, None]).sum((2, 3))], dim=-1)


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    return (3 * torch.randn(shape, generator=generator).to(device),)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Maps read once forward; read once and their gradient written once backward; positions and statistics besides."""
    batch, joints, height, width = shape
    maps = {"forward": 1, "forward+backward": 3}[passes] * height * width
    # two positions out, six statistics out; backward reads both again, the positions as their gradient.
    answers = {"forward": 1, "forward+backward": 2}[passes] * (2 + 6)
    return batch * joints * (maps + answers) * item_bytes


def _libraries():
    if find_spec("kornia") is None:
        return {}
    from kornia.geometry.subpix import spatial_soft_argmax2d

    return {"kornia": Library(lambda heatmaps: spatial_soft_argmax2d(heatmaps, normalized_coordinates=False))}


SUBJECT = Subject(
    op="soft_argmax",
    sizes={
        "cpu": ((8, 16, 32, 32), (16, 16, 64, 64), (16, 16, 128, 128)),
        "cuda": ((16, 17, 64, 64), (64, 17, 128, 128), (256, 17, 128, 128)),
    },
    inputs=inputs,
    ours=soft_argmax,
    path=path_for,
    naive=soft_argmax_naive,
    eager=eager,
    eager_name="softmax, two products, two sums",
    bytes_moved=bytes_moved,
    libraries=_libraries(),
)
