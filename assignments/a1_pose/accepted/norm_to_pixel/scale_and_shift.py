"""One multiplication and one addition; the convention only chooses the two constants."""

from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    steps = points.new_tensor([width, height])
    if align_corners:
        steps = steps - 1
    middle = points.new_tensor([(width - 1) / 2, (height - 1) / 2])
    return points * (steps / 2) + middle
