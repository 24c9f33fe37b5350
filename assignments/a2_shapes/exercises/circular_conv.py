"""Circular convolution along an outline, written out of sums."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def written_out(signal: Tensor, weight: Tensor, bias: Tensor, stride: int = 1, first: int | None = None) -> Tensor:
    """One roll of the ring for each tap; ``first`` is the place of tap 0 relative to the answer's vertex."""
    taps = weight.shape[2]
    first = -((taps - 1) // 2) if first is None else first
    total = bias[None, :, None].expand(len(signal), len(bias), signal.shape[2])
    for tap in range(taps):
        # after a roll by -r, place m holds vertex m + r of the ring.
        total = total + torch.einsum("bcn,oc->bon", signal.roll(-(tap + first), dims=2), weight[:, :, tap])
    return total[:, :, ::stride]


def padded(mode: str):
    """A wrong answer: the outline continued by something else than itself."""

    def answer(signal: Tensor, weight: Tensor, bias: Tensor, stride: int = 1) -> Tensor:
        side = (weight.shape[2] - 1) // 2
        return F.conv1d(F.pad(signal, (side, side), mode=mode), weight, bias, stride=stride)

    return answer


def material(batch: int, before: int, after: int, vertices: int, taps: int, stride: int = 1):
    """Case material: generic signal, weights that are neither even nor odd, biases that count."""

    def drawn(draw: Draw) -> tuple:
        return (
            draw.normal(batch, before, vertices) + 0.7,
            draw.normal(after, before, taps, std=(before * taps) ** -0.5),
            draw.normal(after, std=0.8),
            stride,
        )

    return drawn


def without_stride(draw: Draw) -> tuple:
    """Case material: the stride is left out of the call."""
    return material(3, 2, 5, 9, 3)(draw)[:3]


# every public name by which torch has the sums ready, and the operations that they come to, whatever alias they are called by.
READY = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "conv_tbc")
READY_IN_TORCH = ("convolution", "_convolution", "_convolution_mode", "mkldnn_convolution", "_nnpack_spatial_convolution")
READY_IN_C = ("thnn_conv2d", "slow_conv3d", "slow_conv_dilated2d", "slow_conv_dilated3d", "slow_conv_transpose2d", "slow_conv_transpose3d")
READY_BACKWARDS = ("conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight")


class CircularConv(Exercise):
    """Every vertex has neighbours on both sides, for the last one is followed by the first."""

    name = "shapes.circular_conv"
    title = "Circular convolution"
    symbol = "circular_conv"
    points = {Family.VALUE: 3.0, Family.GRADIENT: 1.5, Family.DTYPE: 0.5, Family.EDGE: 1.3, Family.PURITY: 0.2, Family.RULE: 0.5}
    # the sums are the exercise; what lays the neighbours side by side (roll, gather, unfold, padding) is free.
    tripwires = (
        *(f"torch{place}.{name}" for place in ("", ".nn.functional") for name in READY),
        *(f"torch.{name}" for name in READY_IN_TORCH),
        *(f"torch._C._nn.{name}" for name in READY_IN_C),
        *(f"torch.nn.grad.{name}" for name in READY_BACKWARDS),
    )
    # a built-in that was imported under another name beforehand is not replaced, and is seen all the same.
    forbidden = (
        *(f"aten::{name}" for name in (*READY, *READY_IN_TORCH, *READY_IN_C)),
        *(f"aten::{name}" for name in ("_slow_conv2d_forward", "slow_conv3d_forward", "convolution_backward")),
    )
    diagnoses = {
        "zeros beyond the first and the last vertex": padded("constant"),
        "the border repeated instead of the outline continued": padded("replicate"),
        "the outline mirrored at its ends": padded("reflect"),
        "the kernel reversed: a convolution in the textbook's sense": lambda signal, weight, bias, stride=1: written_out(
            signal, weight.flip(2), bias, stride
        ),
        "a window that begins at its vertex instead of being centred on it": lambda signal, weight, bias, stride=1: written_out(
            signal, weight, bias, stride, first=0
        ),
        "a window that ends at its vertex instead of being centred on it": lambda signal, weight, bias, stride=1: written_out(
            signal, weight, bias, stride, first=1 - weight.shape[2]
        ),
        "the bias left out": lambda signal, weight, bias, stride=1: written_out(signal, weight, 0 * bias, stride),
    }

    def reference(self, signal: Tensor, weight: Tensor, bias: Tensor, stride: int = 1) -> Tensor:
        return written_out(signal, weight, bias, stride)

    def oracle(self, signal: Tensor, weight: Tensor, bias: Tensor, stride: int = 1) -> Tensor:
        side = weight.shape[2] // 2
        # torch's own circular padding refuses to go round more than once, so the ring is laid out by a table.
        place = torch.arange(-side, signal.shape[2] + side) % signal.shape[2]
        return F.conv1d(signal[:, :, place], weight, bias, stride=stride)

    def cases(self) -> list[Case]:
        return [
            Case("three outlines, three taps", Family.VALUE, material(3, 2, 5, 9, 3), public=True),
            Case("five taps, every second vertex", Family.VALUE, material(1, 3, 4, 10, 5, stride=2), public=True),
            Case("three outlines, drawn again, every second vertex", Family.VALUE, material(3, 4, 6, 8, 3, stride=2)),
            Case("seven taps", Family.VALUE, material(2, 3, 5, 12, 7)),
            Case("every third vertex", Family.VALUE, material(3, 2, 5, 12, 5, stride=3)),
            Case("the stride left out", Family.VALUE, without_stride),
            Case("gradient", Family.GRADIENT, material(3, 2, 5, 9, 3), public=True),
            Case("gradient, five taps, one outline, every third vertex", Family.GRADIENT, material(1, 3, 4, 12, 5, stride=3)),
            Case("gradient, every second vertex", Family.GRADIENT, material(3, 4, 2, 12, 5, stride=2)),
            Case("float64", Family.DTYPE, material(3, 2, 5, 9, 3), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, material(3, 2, 5, 11, 5, stride=2), dtype="float64", gradient=True),
            Case("a stride that does not divide the length", Family.EDGE, material(3, 2, 5, 11, 3, stride=2), public=True),
            Case("a stride of four, eleven vertices", Family.EDGE, material(2, 3, 4, 11, 5, stride=4)),
            Case("one tap", Family.EDGE, material(3, 4, 5, 7, 1)),
            Case("seven taps on three vertices", Family.EDGE, material(3, 2, 5, 3, 7)),
            Case("nine taps on two vertices", Family.EDGE, material(2, 3, 4, 2, 9)),
            Case("eleven taps on three vertices", Family.EDGE, material(3, 2, 4, 3, 11)),
            Case("a single vertex", Family.EDGE, material(3, 2, 5, 1, 5)),
            Case("no outlines", Family.EDGE, material(0, 2, 5, 9, 3, stride=2)),
            Case("last two axes swapped in memory", Family.EDGE, material(3, 2, 5, 9, 3), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3, 2, 5, 9, 5, stride=2), layout="strided"),
        ]
