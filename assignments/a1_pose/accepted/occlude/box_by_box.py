"""Slices one box after the other, its corners cut at the image."""

from torch import Tensor


def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    images, visible = images.clone(), visible.clone()
    for number, (left, upper, right, lower) in enumerate(boxes.tolist()):
        rows, columns = slice(max(0, upper), max(0, lower)), slice(max(0, left), max(0, right))
        images[number, :, rows, columns] = fill[number, :, None, None]
        x, y = joints[number].unbind(dim=-1)
        below = (x >= left - 0.5) & (x < right - 0.5) & (y >= upper - 0.5) & (y < lower - 0.5)
        visible[number] &= ~below
    return images, visible
