"""Goes round once and no further: what is missing of a longer kernel is zero."""

import torch
import torch.nn.functional as F


def circular_conv(signal, weight, bias, stride=1):
    taps, side = weight.shape[2], weight.shape[2] // 2
    near = min(side, signal.shape[2])
    long = torch.cat((signal[:, :, signal.shape[2] - near :], signal, signal[:, :, :near]), dim=2)
    long = F.pad(long, (side - near, side - near))
    windows = long.unfold(2, taps, stride)
    return torch.einsum("oct,bcnt->bon", weight, windows) + bias[:, None]
