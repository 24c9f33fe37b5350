"""Holds joints against the corner numbers as they are, and loses half a pixel on every side."""

from torch import Tensor


def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    images, visible = images.clone(), visible.clone()
    for number, (left, upper, right, lower) in enumerate(boxes.tolist()):
        images[number, :, max(0, upper) : max(0, lower), max(0, left) : max(0, right)] = fill[number, :, None, None]
        x, y = joints[number].unbind(dim=-1)
        visible[number] &= ~((x >= left) & (x < right) & (y >= upper) & (y < lower))
    return images, visible
