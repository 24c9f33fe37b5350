"""Reads the first half of the kernel alone, as if every kernel were its own mirror image."""

import torch


def circular_conv(signal, weight, bias, stride=1):
    side = weight.shape[2] // 2
    total = sum(
        torch.einsum("oc,bcn->bon", weight[:, :, min(tap, 2 * side - tap)], signal.roll(side - tap, dims=2))
        for tap in range(weight.shape[2])
    )
    return (total + bias[:, None])[:, :, ::stride]
