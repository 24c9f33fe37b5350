"""Paints the first image's box over every image."""

from torch import Tensor


def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    images, visible = images.clone(), visible.clone()
    for left, upper, right, lower in boxes[:1].tolist():
        images[:, :, max(0, upper) : max(0, lower), max(0, left) : max(0, right)] = fill[:, :, None, None]
        x, y = joints.unbind(dim=-1)
        visible &= ~((x >= left - 0.5) & (x < right - 0.5) & (y >= upper - 0.5) & (y < lower - 0.5))
    return images, visible
