"""What ops that read an image between its pixels take, and how they refuse what they do not."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.ops.precision import check_floating

# name of a padding mode to the number that PyTorch's own sampler and the kernels know it by.
PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def check_image(image: Tensor) -> None:
    """Refuse an image that has no pixels to read between.

    Raises:
        TypeError: no floating tensor.
        ValueError: a rank other than 4, or an axis of no pixels.
    """
    check_floating("image", image)
    if image.ndim != 4:
        raise ValueError(f"image.shape {tuple(image.shape)} must be [B, C, H, W]; add the missing axes with image[None]")
    if image.shape[2] == 0 or image.shape[3] == 0:
        raise ValueError(f"image.shape {tuple(image.shape)} holds images without pixels; H and W must be at least 1")


def check_partner(name: str, tensor: Tensor, image: Tensor) -> None:
    """Refuse a grid or a theta of another batch or on another device than the image's.

    Raises:
        ValueError: naming both.
    """
    if tensor.shape[0] != image.shape[0]:
        raise ValueError(
            f"{name}.shape {tuple(tensor.shape)} must begin with the image's batch of {image.shape[0]};"
            f" one for all is shared without a copy by {name}.expand({image.shape[0]}, ...)"
        )
    if tensor.device != image.device:
        raise ValueError(f"{name} is on {tensor.device}, image on {image.device}; move one of them with .to()")


def check_options(padding: str, align_corners: bool) -> None:
    """Refuse an unknown padding mode and a flag that is none.

    Raises:
        TypeError: ``align_corners`` that is no bool.
        ValueError: an unknown padding mode.
    """
    if padding not in PADDINGS:
        raise ValueError(f"padding {padding!r} must be one of {list(PADDINGS)}; 'zeros' is the usual one")
    if not isinstance(align_corners, bool):
        raise TypeError(f"align_corners is {align_corners!r}; it must be True or False; False is PyTorch's own default")


def check_size(size: tuple[int, int] | None, image: Tensor) -> tuple[int, int]:
    """Return the output's size, the image's own where ``size`` is None.

    Raises:
        TypeError: not two whole numbers.
        ValueError: one below 1.
    """
    if size is None:
        return image.shape[2], image.shape[3]
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, (int, torch.SymInt)) for side in size):
        raise TypeError(f"size {size!r} must be (H_out, W_out), two whole numbers; leave it out to keep the image's")
    if min(size) < 1:
        raise ValueError(f"size {tuple(size)} must be at least 1 each way; leave it out to keep the image's {tuple(image.shape[2:])}")
    return size[0], size[1]
