"""What the ops on regions of interest share: how features, boxes and batch indices are checked and brought into one form."""

from __future__ import annotations

from numbers import Integral, Real

import torch
from torch import Tensor

from vislab.ops.precision import check_floating

_INDEX_DTYPES = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
# within these bounds a scaled coordinate of a real image is a normal float32 number.
_SCALE_MIN, _SCALE_MAX = 1e-6, 1e6


def check_regions(features: Tensor, boxes: Tensor, batch_index: Tensor | None) -> tuple[Tensor, Tensor]:
    """Check features, boxes and batch indices, and bring the last two into one form.

    Shapes: B images, C channels, H height, W width, K regions.

    Args:
        features: floating, ``[B, C, H, W]``, H and W at least 1.
        boxes: floating, ``[K, 5]`` (batch index, x1, y1, x2, y2), or ``[K, 4]`` (x1, y1, x2, y2) with ``batch_index``.
        batch_index: integers, ``[K]``, in [0, B); None where the boxes bring it.

    Returns:
        Coordinates ``[K, 4]``, a view of the boxes, and indices ``[K]``, int32. An index outside [0, B) has become −1 where its value
        was not looked at: on a device whose queue would have to be waited for, and in a compiled graph.

    Raises:
        TypeError: no tensor, or a dtype that does not fit.
        ValueError: a shape or device that does not fit; on a CPU also an index that is no whole number in [0, B).
    """
    check_floating("features", features)
    check_floating("boxes", boxes)
    if features.ndim != 4:
        raise ValueError(f"features.shape {tuple(features.shape)} must be [B, C, H, W]; add the missing axes with features[None]")
    if features.shape[2] == 0 or features.shape[3] == 0:
        raise ValueError(f"features.shape {tuple(features.shape)} holds maps without pixels; H and W must be at least 1")
    columns = 5 if batch_index is None else 4
    if boxes.ndim != 2 or boxes.shape[1] != columns:
        form = "[K, 5], batch index first" if batch_index is None else "[K, 4] beside a batch_index"
        raise ValueError(f"boxes.shape {tuple(boxes.shape)} must be {form}; pass [K, 4] boxes with batch_index, [K, 5] boxes without")
    if boxes.device != features.device:
        raise ValueError(f"boxes is on {boxes.device}, features on {features.device}; move it with boxes.to(features.device)")
    if batch_index is None:
        # int32 holds every index that a float column can mean; gradients have no business here.
        return boxes[:, 1:], _checked_index(boxes.detach()[:, 0], "boxes[:, 0]", features.shape[0])
    if not isinstance(batch_index, Tensor):
        raise TypeError(
            f"batch_index is {type(batch_index).__name__}; it must be a torch.Tensor; convert with torch.as_tensor(batch_index)"
        )
    if batch_index.dtype not in _INDEX_DTYPES:
        raise TypeError(f"batch_index.dtype {batch_index.dtype} must be one of {_INDEX_DTYPES}; convert with batch_index.long()")
    if batch_index.shape != boxes.shape[:1]:
        raise ValueError(
            f"batch_index.shape {tuple(batch_index.shape)} must equal [K] = {tuple(boxes.shape[:1])}; one image number for each box"
        )
    if batch_index.device != features.device:
        raise ValueError(
            f"batch_index is on {batch_index.device}, features on {features.device}; move it with batch_index.to(features.device)"
        )
    return boxes, _checked_index(batch_index, "batch_index", features.shape[0])


def check_pooling(output_size: int | tuple[int, int], spatial_scale: float) -> tuple[int, int, float]:
    """Check the numbers that both ops take; returns output height, output width and scale.

    Raises:
        TypeError: an output size that is no whole number or pair, a scale that is no number.
        ValueError: an output size below 1, a scale outside [1e-6, 1e6].
    """
    pair = output_size if isinstance(output_size, tuple | list) else (output_size, output_size)
    if len(pair) != 2 or not all(isinstance(length, Integral | torch.SymInt) for length in pair):
        raise TypeError(f"output_size {output_size!r} must be a whole number or two (height, width); write output_size=(7, 7)")
    if pair[0] < 1 or pair[1] < 1:
        raise ValueError(f"output_size {output_size!r} makes regions without bins; both must be at least 1")
    if not isinstance(spatial_scale, Real):
        raise TypeError(f"spatial_scale is {type(spatial_scale).__name__}; it must be a number; pass 1 / stride of the feature map")
    # written so that NaN fails.
    if not _SCALE_MIN <= spatial_scale <= _SCALE_MAX:
        raise ValueError(f"spatial_scale {spatial_scale} must lie in [{_SCALE_MIN:g}, {_SCALE_MAX:g}]; pass 1 / stride of the feature map")
    return pair[0], pair[1], float(spatial_scale)


def _checked_index(index: Tensor, name: str, images: int) -> Tensor:
    # written so that NaN is no index.
    right = (index >= 0) & (index < images)
    if index.is_floating_point():
        right = right & (index == index.floor())
    # looking costs nothing on a CPU; on other devices it would wait for the queue, and a compiled graph would break.
    if index.device.type == "cpu" and not torch.compiler.is_compiling() and not bool(right.all()):
        first = int((~right).nonzero()[0, 0])
        raise ValueError(
            f"{name}: entry {first} is {index[first].item()}; it must be a whole number in [0, {images}), the number of images;"
            " count images from 0, and put the batch index in front of x1, y1, x2, y2"
        )
    return torch.where(right, index, -1).to(torch.int32)
