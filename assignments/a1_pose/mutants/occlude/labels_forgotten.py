"""Paints the boxes and leaves the labels as they were."""

from torch import Tensor


def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    images = images.clone()
    for number, (left, upper, right, lower) in enumerate(boxes.tolist()):
        images[number, :, max(0, upper) : max(0, lower), max(0, left) : max(0, right)] = fill[number, :, None, None]
    return images, visible.clone()
