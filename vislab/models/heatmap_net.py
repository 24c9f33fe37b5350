"""A small fully convolutional pose net: an image in, one map per joint out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GROUPS = 8


class HeatmapNet(nn.Module):
    """Predict one logit map per joint from an image.

    A stem of stride-2 convolutions brings the image to the maps' resolution; residual blocks, every second one dilated so that a cell sees
    the whole of a small person, refine it; a 1 × 1 convolution gives the maps. Group normalisation: one image gives the same maps alone and
    in a batch, in training and evaluation mode alike.

    Shapes: B batch, H and W image height and width, multiples of ``stride``.

    Args:
        joints: number of maps, at least 1.
        width: channels of the hidden layers, a multiple of 8.
        blocks: residual blocks, at least 1.
        stride: image pixels per map cell along either axis: 1, 2, 4 or 8.

    Raises:
        ValueError: a setting outside these, or (when called) an image whose shape does not fit.

    Convention: ``img [B, 3, H, W]``, floating, in [0, 1]; returns maps ``[B, joints, H / stride, W / stride]``, unnormalised. Map cell
        (i, j) has its centre at image pixel ``((j + 0.5) · stride − 0.5, (i + 0.5) · stride − 0.5)``, x first, pixel centres at whole
        numbers.

    Randomness: initial weights come from torch's global generator, as of any module.

    Example:
        >>> import torch
        >>> HeatmapNet(joints=17, width=16, blocks=2)(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 17, 16, 16])
    """

    def __init__(self, joints: int = 17, width: int = 64, blocks: int = 6, stride: int = 4) -> None:
        super().__init__()
        if joints < 1 or blocks < 1:
            raise ValueError(f"joints {joints} and blocks {blocks} must be at least 1")
        if width < GROUPS or width % GROUPS:
            raise ValueError(f"width {width} must be a multiple of {GROUPS}; it is normalised in {GROUPS} groups")
        if stride not in (1, 2, 4, 8):
            raise ValueError(f"stride {stride} must be 1, 2, 4 or 8")
        self.stride = stride
        stem: list[nn.Module] = []
        channels = 3
        for step in [2] * (stride.bit_length() - 1) or [1]:
            stem += [nn.Conv2d(channels, width, 3, stride=step, padding=1, bias=False), nn.GroupNorm(GROUPS, width), nn.ReLU()]
            channels = width
        self.stem = nn.Sequential(*stem)
        self.blocks = nn.Sequential(*(_Block(width, dilation=1 + index % 2) for index in range(blocks)))
        self.head = nn.Conv2d(width, joints, 1)

    def forward(self, img: Tensor) -> Tensor:
        """Return the maps of a batch of images; see the class for shapes and conventions."""
        if img.ndim != 4 or img.shape[1] != 3:
            raise ValueError(f"img has shape {list(img.shape)}; it must be [B, 3, H, W]")
        if img.shape[2] % self.stride or img.shape[3] % self.stride:
            raise ValueError(f"img has shape {list(img.shape)}; H and W must be multiples of the stride {self.stride}; pad or scale it")
        return self.head(self.blocks(self.stem(img)))


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.first_norm = nn.GroupNorm(GROUPS, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.GroupNorm(GROUPS, width)

    def forward(self, hidden: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(hidden)))
        return torch.relu(hidden + self.second_norm(self.second(inner)))
