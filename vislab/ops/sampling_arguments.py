"""What ops that read an image between its pixels take, and how they refuse what they do not."""

from __future__ import annotations

import torch
from torch import Tensor

# name of a padding mode to the number that PyTorch's own sampler and the kernels know it by.
PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_floating(name: str, tensor: Tensor) -> None:
    """Refuse what is no floating tensor.

    Raises:
        TypeError: naming the argument, what it is and how to convert it.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} is {type(tensor).__name__}; it must be a torch.Tensor; convert with torch.as_tensor({name})")
    if tensor.dtype not in _DTYPES:
        raise TypeError(f"{name}.dtype {tensor.dtype} must be one of {_DTYPES}; convert with {name}.float()")


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


def accumulator(*tensors: Tensor) -> torch.dtype:
    """Return the dtype that positions and sums are kept in: float64 where any tensor is, float32 otherwise."""
    return torch.float64 if torch.float64 in [tensor.dtype for tensor in tensors] else torch.float32
