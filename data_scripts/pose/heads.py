"""One small net under three heads that pose the same question differently: its losses, and how each answer becomes pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data_scripts.pose.picture import SIZE_PX
from data_scripts.pose.skeleton import JOINTS

DIRECT, HEAT_MAP, INTEGRAL = HEADS = ("direct", "heat map", "integral")
SIGMA_CELLS = 1.0
# distances are counted in tens of pixels, which brings the three losses to one size.
UNIT_PX = 10.0
_MIDDLE_PX = (SIZE_PX - 1) / 2


def _block(before: int, after: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


class Net(nn.Module):
    """A body that is the same under every head, and a last layer of the head's own.

    Shapes: pictures [B, 3, 64, 64] to maps [B, 17, 64 / stride, 64 / stride], or of the direct head [B, 34].

    Args:
        head: one of ``HEADS``.
        stride_px: pixels along a side of a map's cell, 4 or 8.

    Raises:
        ValueError: another head or stride.
    """

    places: Tensor

    def __init__(self, head: str, stride_px: int) -> None:
        super().__init__()
        if head not in HEADS:
            raise ValueError(f"head {head!r} must be one of {', '.join(HEADS)}")
        if stride_px not in (4, 8):
            raise ValueError(f"stride_px {stride_px} must be 4 or 8; the net halves its maps two or three times")
        # maps of 16 x 16 cells, or 8 x 8; dilated blocks let each cell see the whole picture.
        self.stem = nn.Sequential(_block(3, 24, 2), _block(24, 48, 2))
        self.join = _block(48 + 2, 64, stride_px // 4)
        self.blocks = nn.ModuleList([_block(64, 64, 1, dilation) for dilation in (1, 2, 4)])
        cells = SIZE_PX // stride_px
        self.last: nn.Module = nn.Conv2d(64, len(JOINTS), 1)
        if head == DIRECT:
            self.last = nn.Sequential(_block(64, 16, 2), nn.Flatten(), nn.Linear(16 * (cells // 2) ** 2, 2 * len(JOINTS)))
        side = torch.linspace(-1, 1, SIZE_PX // 4)
        self.register_buffer("places", torch.stack(torch.meshgrid(side, side, indexing="ij")), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the head's answer."""
        seen = self.stem(pictures)
        # two channels say where a cell lies, which a convolution cannot know.
        found = self.join(torch.cat([seen, self.places.expand(len(seen), -1, -1, -1)], 1))
        for block in self.blocks:
            found = found + block(found)
        return self.last(found)


def centres_px(cells: int, stride_px: int) -> Tensor:
    """Return the pixel at the centre of each cell, float32 [cells].

    Convention:
        Pixel centres are whole numbers: a cell of four covers pixels 0 to 3, and its centre is 1.5.

    Example:
        >>> centres_px(3, 4).tolist()
        [1.5, 5.5, 9.5]
    """
    return torch.arange(cells) * float(stride_px) + (stride_px - 1) / 2


def to_pixels(answer: Tensor, head: str, stride_px: int) -> Tensor:
    """Return joints [B, 17, 2] in pixels, x then y, from what a net answers.

    Args:
        answer: maps [B, 17, H, W], or of the direct head [B, 34].
        head: the direct head's numbers count half images from the middle; a heat map is read at its maximum, the first of equals; the
            integral head's map at its expectation under the softmax.
        stride_px: pixels along a side of a cell.
    """
    if head == DIRECT:
        return answer.unflatten(1, (len(JOINTS), 2)) * (SIZE_PX / 2) + _MIDDLE_PX
    x, y = (centres_px(side, stride_px) for side in (answer.shape[3], answer.shape[2]))
    if head == INTEGRAL:
        share = answer.flatten(2).softmax(-1).unflatten(2, answer.shape[2:])
        return torch.stack([(share.sum(2) * x).sum(-1), (share.sum(3) * y).sum(-1)], -1)
    best = answer.flatten(2).argmax(-1)
    return torch.stack([x[best % answer.shape[3]], y[best // answer.shape[3]]], -1)


def refined(maps: Tensor, stride_px: int) -> Tensor:
    """Return joints as ``to_pixels`` of a heat map does, moved to the top of a parabola through the maximum and its two neighbours.

    The logarithm of a Gaussian is a parabola, so a map that is one is read without an error. A maximum at the border stays.

    Args:
        maps: logarithms of heat maps up to a constant, [B, 17, H, W].
        stride_px: pixels along a side of a cell.
    """
    height, width = maps.shape[2:]
    flat = maps.flatten(2)
    best = flat.argmax(-1, keepdim=True)
    moved = []
    for place, side, step in ((best % width, width, 1), (best // width, height, width)):
        inside = (place > 0) & (place < side - 1)
        before, top, after = (flat.gather(2, torch.where(inside, best + by, best)) for by in (-step, 0, step))
        # a plateau has no curvature; its first cell is kept.
        curvature = (2 * top - before - after).clamp(min=1e-9)
        moved.append(torch.where(inside, (after - before) / (2 * curvature), 0).clamp(-0.5, 0.5))
    return to_pixels(maps, HEAT_MAP, stride_px) + stride_px * torch.cat(moved, -1)


def heat_maps(joints: Tensor, cells: int, stride_px: int) -> Tensor:
    """Return Gaussians of one cell's width about joints [B, 17, 2], each of sum 1: [B, 17, cells, cells]."""
    centres = centres_px(cells, stride_px)
    x, y = (torch.exp(-(((centres - joints[..., axis, None]) / stride_px) ** 2) / (2 * SIGMA_CELLS**2)) for axis in (0, 1))
    maps = y[..., :, None] * x[..., None, :]
    # far outside of the image everything is zero, and stays so.
    return maps / maps.sum((2, 3), keepdim=True).clamp(min=1e-12)


def losses(answer: Tensor, joints: Tensor, head: str, stride_px: int) -> Tensor:
    """Return the loss of each joint, [B, 17]: cross-entropy with a Gaussian, or the distance along x and y in tens of pixels."""
    if head == HEAT_MAP:
        wanted = heat_maps(joints, answer.shape[-1], stride_px).flatten(2)
        return -(wanted * F.log_softmax(answer.flatten(2), -1)).sum(-1)
    return (to_pixels(answer, head, stride_px) - joints).abs().sum(-1) / UNIT_PX


def floor_px(joints: Tensor, seen: Tensor, stride_px: int) -> float:
    """Return the error that is left when every joint is put into the right cell: what arg max cannot get below."""
    cell = torch.floor((joints + 0.5) / stride_px)
    return float((cell * stride_px + (stride_px - 1) / 2 - joints).norm(dim=-1)[seen].mean())
