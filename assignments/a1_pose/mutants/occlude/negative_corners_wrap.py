"""Slices with corners that may be negative, which Python counts from the end."""

from torch import Tensor


def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    images, visible = images.clone(), visible.clone()
    for number, (left, upper, right, lower) in enumerate(boxes.tolist()):
        images[number, :, upper:lower, left:right] = fill[number, :, None, None]
        x, y = joints[number].unbind(dim=-1)
        visible[number] &= ~((x >= left - 0.5) & (x < right - 0.5) & (y >= upper - 0.5) & (y < lower - 0.5))
    return images, visible
