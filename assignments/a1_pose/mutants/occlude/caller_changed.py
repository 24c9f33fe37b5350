"""Paints into the very images that came in, whose gradient it cuts on the way."""

from torch import Tensor


def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    images, visible = images.detach(), visible.clone()
    for number, (left, upper, right, lower) in enumerate(boxes.tolist()):
        images[number, :, max(0, upper) : max(0, lower), max(0, left) : max(0, right)] = fill[number, :, None, None]
        x, y = joints[number].unbind(dim=-1)
        visible[number] &= ~((x >= left - 0.5) & (x < right - 0.5) & (y >= upper - 0.5) & (y < lower - 0.5))
    return images, visible
