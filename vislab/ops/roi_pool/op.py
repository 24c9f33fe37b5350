"""The checked public entry of RoI pooling, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

import torch
import torch.nn.functional as F
from torch import Tensor

from vislab.ops.path import resolve_path
from vislab.ops.regions.arguments import check_pooling, check_regions
from vislab.ops.regions.derivatives import tie_maxima
from vislab.ops.roi_pool.naive import roi_pool_naive

# far outside every map, and small enough for exact arithmetic.
_FAR = 2.0**30
# numbers that are gathered at a time: 2 MiB of float32, which stay in cache while they are compared.
_GATHER_MAX = 1 << 19
# so few boxes cost less one by one than what the operator does before its first number.
_BOX_BY_BOX = 4
# boxes times channels up to which pooling box by box is quicker: calls cost more there than arithmetic.
_BOX_BY_BOX_MAX = 256
# the same where a gradient to the features is asked for.
_BOX_BY_BOX_MAX_GRADIENT = 512


def roi_pool(
    features: Tensor,
    boxes: Tensor,
    batch_index: Tensor | None = None,
    *,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    path: str = "auto",
) -> Tensor:
    """Pool each box of a feature map into a grid of bins by taking the largest value of the pixels in each.

    A box is rounded to whole pixels and divided into output_size bins of whole pixels, which touch or share a line of pixels.

    Shapes: B images, C channels, H height, W width, K boxes, PH and PW bins.

    Args:
        features: float16, bfloat16, float32 or float64, ``[B, C, H, W]``, any strides; B and C may be 0, H and W may not.
        boxes: any of these dtypes, ``[K, 5]`` (batch index, x1, y1, x2, y2), or ``[K, 4]`` (x1, y1, x2, y2) with ``batch_index``;
            in the image's pixels before ``spatial_scale``; K may be 0. Keep them in float32 beside half-precision features.
        batch_index: integers, ``[K]``, in [0, B): the image that each box lies in.
        output_size: bins as (PH, PW), or one number for both, at least 1.
        spatial_scale: what box coordinates are multiplied by, usually 1 / stride of the feature map; in [1e-6, 1e6].
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        ``[K, C, PH, PW]`` in the features' dtype. A bin without a pixel of the map (a box beside the map) is 0.
        The gradient goes to each bin's largest pixel, the first in reading order among equals, and adds up where boxes overlap. Boxes
        get the gradient 0: between two roundings nothing changes. A NaN pixel is the largest of its bin.
        A box that holds NaN or infinity gives NaN and no gradient; so does, where it is not refused, a batch index that is none.

    Raises:
        TypeError: features or boxes that are no floating tensor, indices that are no integers, options of the wrong kind.
        ValueError: a shape, device or option that does not fit; on a CPU outside ``torch.compile`` also a batch index that is no whole
            number in [0, B). On a GPU, and in a compiled graph, the value is not looked at: see Returns.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter.

    Convention:
        Pixels are counted from 0, and both ends of a box belong to it: ``x1 = x2 = 3`` is one pixel wide. Scaled coordinates are rounded
        to the nearest whole number, halves away from 0 (2.5 to 3, −2.5 to −3; ``torch.round`` takes halves to even). Of a rounded
        extent e, bin p of P covers ``floor(p · e / P)`` up to, not including, ``ceil((p + 1) · e / P)``, in whole numbers; libraries that
        divide in floating point take one more line of pixels now and then. A box that ends before it begins is one pixel wide.
        ``roi_align`` rounds nothing.

    Source:
        Girshick, "Fast R-CNN", ICCV 2015, section 2.1; He et al., "Spatial Pyramid Pooling", ECCV 2014, appendix, for the bins.

    Example:
        >>> features = torch.arange(16.0).view(1, 1, 4, 4)
        >>> roi_pool(features, torch.tensor([[0, 0.0, 0, 3, 2]]), output_size=2)
        tensor([[[[ 5.,  7.],
                  [ 9., 11.]]]])
    """
    coordinates, index = check_regions(features, boxes, batch_index)
    height, width, scale = check_pooling(output_size, spatial_scale)
    return _FORMULATIONS[path_for(features, path)](features, coordinates, index, (height, width), scale)


def path_for(features: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``roi_pool(features, ..., path=path)`` takes.

    Args:
        features: the op's first input; where it lies decides, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"fused"``: Triton kernels. ``"plain"``: PyTorch's own ops. ``"naive"``: the reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    return resolve_path(path, features, _FORMULATIONS)


# The plain formulation is one operator, so that the size of a bin may depend on the boxes without breaking a compiled graph.
@torch.library.custom_op(
    "vislab::roi_pool_plain",
    mutates_args=(),
    schema="(Tensor features, Tensor boxes, Tensor index, SymInt height, SymInt width, float scale, bool with_argmax) -> (Tensor, Tensor)",
)
def _pool(features, boxes, index, height, width, scale, with_argmax):
    """Largest values ``[K, C, PH, PW]`` and, if asked for, which pixel of its image each one is (−1: none), int32, same shape."""
    if not boxes.shape[0] * features.shape[1]:
        return _pool_outputs(features, boxes, index, height, width, scale, with_argmax)
    channels, length_y, length_x = features.shape[1:]
    corners = boxes.to(torch.float64 if features.dtype == torch.float64 else torch.float32) * scale
    lost = (index < 0) | (index >= features.shape[0]) | ~corners.isfinite().all(1)
    left, top, right, bottom = _rounded(corners.masked_fill(lost[:, None], 0.0)).unbind(1)
    y0, y1 = _bins(top, bottom, height, length_y)
    x0, x1 = _bins(left, right, width, length_x)
    rows = features.permute(0, 2, 3, 1).reshape(-1, channels).contiguous()  # a pixel's channels side by side
    pooled = features.new_zeros(boxes.shape[0], height * width, channels)
    argmax = index.new_full((boxes.shape[0], height * width, channels) if with_argmax else (0,), -1, dtype=torch.int32)
    for chosen, taps_y, taps_x in _classes(y1 - y0, x1 - x0, height * width * channels):
        # a bin that is smaller than its class repeats its last line, which moves neither the maximum nor where it first stands.
        row = torch.minimum(y0[chosen, :, None] + torch.arange(taps_y, device=boxes.device), y1[chosen, :, None] - 1).clamp(min=0)
        column = torch.minimum(x0[chosen, :, None] + torch.arange(taps_x, device=boxes.device), x1[chosen, :, None] - 1).clamp(min=0)
        # [taps, k · PH · PW]: with the taps in front, what is reduced over them runs in vector instructions.
        pixel = row.permute(2, 0, 1)[:, None, :, :, None] * length_x + column.permute(2, 0, 1)[None, :, :, None, :]
        pixel = pixel.reshape(taps_y * taps_x, -1)
        image = (index[chosen].long().masked_fill(lost[chosen], 0) * (length_y * length_x)).repeat_interleave(height * width)
        values = rows.index_select(0, (pixel + image).flatten()).view(taps_y * taps_x, -1)
        best = values.amax(0)
        empty = ((y1 <= y0)[chosen, :, None] | (x1 <= x0)[chosen, None, :]).view(-1, 1)
        pooled[chosen] = best.view(-1, channels).masked_fill(empty, 0.0).view(-1, height * width, channels)
        if with_argmax:
            match = values == best
            if bool(best.isnan().any()):
                match |= values.isnan()
            first = _first(match).view(-1, channels)
            where = pixel.t().gather(1, first).masked_fill(empty, -1)
            argmax[chosen] = where.to(torch.int32).view(-1, height * width, channels)
    pooled[lost] = torch.nan
    if with_argmax:
        argmax[lost] = -1
        argmax = argmax.transpose(1, 2).reshape(-1, channels, height, width).contiguous()
    return pooled.transpose(1, 2).reshape(-1, channels, height, width).contiguous(), argmax


@torch.library.custom_op(
    "vislab::roi_pool_plain_backward",
    mutates_args=(),
    schema="(Tensor grad, Tensor argmax, Tensor index, SymInt images, SymInt height, SymInt width) -> Tensor",
)
def _pull_back(grad, argmax, index, images, height, width):
    # boxes overlap: in half precision the sum would stall.
    wide = torch.float64 if grad.dtype == torch.float64 else torch.float32
    channels = grad.shape[1]
    plane = index.long().clamp(0, max(images - 1, 0))[:, None] * channels + torch.arange(channels, device=index.device)  # [K, C]
    pixel = plane[:, :, None, None] * (height * width) + argmax.clamp(min=0)
    total = grad.new_zeros(images * channels * height * width, dtype=wide)
    if grad.numel():
        total.scatter_add_(0, pixel.flatten(), grad.to(wide).masked_fill(argmax < 0, 0.0).flatten())
    return total.view(images, channels, height, width).to(grad.dtype)


def _first(match):
    """Return the first row of ``[taps, N]`` that holds True in each column; argmax would do, but not in vector instructions."""
    taps = len(match)
    rank, dtype = (match.view(torch.uint8), torch.uint8) if taps < 256 else (match.int(), torch.int32)
    return taps - (rank * torch.arange(taps, 0, -1, dtype=dtype, device=match.device)[:, None]).amax(0).long()


def _rounded(coordinate):
    """Round to the nearest whole number, halves away from 0, int64."""
    size = coordinate.abs().clamp(max=_FAR)
    whole = size.floor()
    # not floor(size + 0.5): the sum rounds the number below 0.5 up to 1.
    return ((whole + (size - whole >= 0.5)) * coordinate.sign()).long()


def _bins(first, last, bins, length):
    """Return where each bin begins and ends on the map, both ``[K, bins]``; an empty one ends where it begins, or before."""
    extent = (last - first + 1).clamp(min=1)[:, None]
    bin_ = torch.arange(bins, device=first.device)
    start = first[:, None] + bin_ * extent // bins
    end = first[:, None] + ((bin_ + 1) * extent + bins - 1) // bins
    return start.clamp(0, length), end.clamp(0, length)


def _classes(extent_y, extent_x, outputs):
    """Sort boxes by the longer side of their largest bin, to a power of two: bins are padded to the largest in their class."""
    high, wide = extent_y.amax(1).clamp(min=1), extent_x.amax(1).clamp(min=1)
    taps_y, taps_x = int(high.max()), int(wide.max())
    # little work is done in one go: a class costs some thirty calls.
    if len(high) * taps_y * taps_x * outputs <= 2 * _GATHER_MAX:
        yield torch.arange(len(high), device=high.device), taps_y, taps_x
        return
    # the exponent of n - 1 is the number of its binary digits: 1, 2, 3 to 4, 5 to 8 ...
    class_ = torch.frexp((torch.maximum(high, wide) - 1).double()).exponent
    for value in class_.unique():
        members = (class_ == value).nonzero()[:, 0]
        taps_y, taps_x = int(high[members].max()), int(wide[members].max())
        for chosen in members.split(max(_GATHER_MAX // (taps_y * taps_x * outputs), 1)):
            yield chosen, taps_y, taps_x


def _pool_outputs(features, boxes, index, height, width, scale, with_argmax):
    shape = (boxes.shape[0], features.shape[1], height, width)
    return features.new_empty(shape), features.new_empty(shape if with_argmax else (0,), dtype=torch.int32)


tie_maxima(_pool, _pull_back, _pool_outputs)


def _box_by_box(features, boxes, index, output_size, spatial_scale):
    """Return what PyTorch's own pooling makes of each box's crop; None where it would differ, or be slower.

    Its bins are these as long as the whole box lies on the map; of several NaN it names another as the largest.
    """
    most = _BOX_BY_BOX_MAX_GRADIENT if features.requires_grad and torch.is_grad_enabled() else _BOX_BY_BOX_MAX
    rows = boxes.shape[0] * features.shape[1]
    few = 0 < rows and (boxes.shape[0] <= _BOX_BY_BOX or rows <= most)
    if not few or torch.compiler.is_compiling() or features.device.type != "cpu" or features.dtype not in (torch.float32, torch.float64):
        return None
    if type(features) not in (Tensor, torch.nn.Parameter):
        return None
    height, width = features.shape[2:]
    crops = []
    corners = boxes.detach().to(features.dtype) * spatial_scale
    for image, corner in zip(index.tolist(), corners.tolist()):
        # written so that NaN is not on the map; a coordinate from −0.5 down rounds to −1.
        if not (image >= 0 and all(-0.5 < each < length - 0.5 for each, length in zip(corner, (width, height, width, height)))):
            return None
        left, top, right, bottom = (floor(each) + (each - floor(each) >= 0.5) for each in corner)
        if right < left or bottom < top:
            return None
        crops.append(features[image, :, top : bottom + 1, left : right + 1])
    pooled = torch.stack([F.adaptive_max_pool2d(crop, output_size) for crop in crops])
    if bool(pooled.detach().sum().isnan()):
        return None
    # rounding is flat: boxes have a gradient, and it is 0.
    return pooled + 0 * boxes.sum().to(pooled.dtype) if boxes.requires_grad else pooled


def _plain(features, boxes, index, output_size, spatial_scale):
    pooled = _box_by_box(features, boxes, index, output_size, spatial_scale)
    if pooled is not None:
        return pooled
    with_argmax = torch.is_grad_enabled() and features.requires_grad
    return _pool(features, boxes, index, *output_size, spatial_scale, with_argmax)[0]


def _fused(features, boxes, index, output_size, spatial_scale):
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.roi_pool.fused import roi_pool_fused

    return roi_pool_fused(features, boxes, index, output_size, spatial_scale)


_FORMULATIONS: dict[str, Callable[..., Tensor]] = {"plain": _plain, "fused": _fused, "naive": roi_pool_naive}
