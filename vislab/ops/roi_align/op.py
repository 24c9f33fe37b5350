"""The checked public entry of RoIAlign, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from numbers import Integral
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vislab.ops.path import resolve_path
from vislab.ops.regions.arguments import check_pooling, check_regions
from vislab.ops.regions.derivatives import averages, tie_averages
from vislab.ops.roi_align.naive import roi_align_naive

# beyond so many boxes, reading the map once for all of them is quicker than cutting each out.
_FEW_BOXES = 8


def roi_align(
    features: Tensor,
    boxes: Tensor,
    batch_index: Tensor | None = None,
    *,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    aligned: bool = True,
    path: str = "auto",
) -> Tensor:
    """Pool each box of a feature map into a grid of bins by averaging bilinear samples.

    A box is divided into output_size equal bins; in each, sampling_ratio² points on a regular grid are read bilinearly and averaged.
    Nothing is rounded, so the answer is differentiable in the features and in the box. Everything is computed in float32 (float64 for
    float64 features).

    Shapes: B images, C channels, H height, W width, K boxes, PH and PW bins.

    Args:
        features: float16, bfloat16, float32 or float64, ``[B, C, H, W]``, any strides; B and C may be 0, H and W may not.
        boxes: any of these dtypes, ``[K, 5]`` (batch index, x1, y1, x2, y2), or ``[K, 4]`` (x1, y1, x2, y2) with ``batch_index``;
            in the image's pixels before ``spatial_scale``; K may be 0. Keep them in float32 beside half-precision features.
        batch_index: integers, ``[K]``, in [0, B): the image that each box lies in.
        output_size: bins as (PH, PW), or one number for both, at least 1.
        spatial_scale: what box coordinates are multiplied by, usually 1 / stride of the feature map; in [1e-6, 1e6].
        sampling_ratio: samples along each axis of a bin. 0 or less: as many as the bin is wide (high) in pixels, rounded up.
        aligned: True: a box's coordinates are those of pixel edges. False: those of pixel centres, and a box is at least 1 × 1 wide.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        ``[K, C, PH, PW]`` in the features' dtype. A sample up to one pixel outside the outermost pixel centres reads the border pixel,
        one further out counts as 0. With ``aligned`` and an adaptive ratio a box without extent has no samples and gives 0.
        A box that holds NaN or infinity gives NaN and no gradient; so does, where it is not refused, a batch index that is none.

    Raises:
        TypeError: features or boxes that are no floating tensor, indices that are no integers, options of the wrong kind.
        ValueError: a shape, device or option that does not fit; on a CPU outside ``torch.compile`` also a batch index that is no whole
            number in [0, B). On a GPU, and in a compiled graph, the value is not looked at: see Returns.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter.

    Convention:
        Samples live on a grid where pixel centres are whole numbers. ``aligned=True`` maps a box coordinate c to
        ``c · spatial_scale − 0.5``: the box (0, 0, W, H) is the whole image. ``aligned=False`` leaves the half pixel out, as the first
        implementations did: everything is read half a pixel too far to the lower right.
        torchvision's ``roi_align`` has the same arguments and values but defaults to ``aligned=False``, and gives boxes no gradient;
        onnx's ``RoiAlign`` calls aligned ``half_pixel``. Between samples the derivative by the box is that of the pixel to the right.
        Gradients cannot be differentiated again, except on path ``"naive"``.

    Source:
        He et al., "Mask R-CNN", ICCV 2017, section 3; the half pixel: Wu et al., Detectron2, 2019.

    Example:
        >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)
        >>> roi_align(ramp, torch.tensor([[0, 2.0, 2, 6, 6]]), output_size=2)
        tensor([[[[2.5000, 4.5000],
                  [2.5000, 4.5000]]]])
    """
    coordinates, index = check_regions(features, boxes, batch_index)
    height, width, scale = check_pooling(output_size, spatial_scale)
    if not isinstance(sampling_ratio, Integral):
        raise TypeError(f"sampling_ratio is {type(sampling_ratio).__name__}; it must be a whole number; 0 adapts it to the bin")
    formulation = _FORMULATIONS[path_for(features, path)]
    return formulation(features, coordinates, index, (height, width), scale, int(sampling_ratio), bool(aligned))


def path_for(features: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``roi_align(features, ..., path=path)`` takes.

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


# The plain formulation is one operator, so that the number of samples may depend on the boxes without breaking a compiled graph.
@torch.library.custom_op(
    "vislab::roi_align_plain",
    mutates_args=(),
    schema="(Tensor features, Tensor boxes, Tensor index, SymInt height, SymInt width, float scale, int ratio, bool aligned) -> Tensor",
)
def _pool(features, boxes, index, height, width, scale, ratio, aligned):
    """Weighted sums of pixel vectors: all C channels of a pixel lie side by side, and a bin reads each of its pixels once."""
    if not boxes.shape[0] * features.shape[1]:
        return averages(features, boxes, index, height, width)
    taps = _Taps(features, boxes, index, height, width, scale, ratio, aligned)
    if crops := _crops(features, taps):
        pooled = crops.pool(crops.rows[0], crops.columns[0]).transpose(1, 2).to(features.dtype).contiguous()
        return pooled.masked_fill_(taps.lost[:, None, None, None], torch.nan)
    pooled = F.embedding_bag(taps.pixel, _rows(features), per_sample_weights=taps.weight(), mode="sum")
    pooled = pooled.view(boxes.shape[0], height, width, features.shape[1])
    pooled = pooled.masked_fill(taps.lost[:, None, None, None], torch.nan)
    return pooled.permute(0, 3, 1, 2).to(features.dtype).contiguous()


@torch.library.custom_op(
    "vislab::roi_align_plain_backward",
    mutates_args=(),
    schema="(Tensor grad, Tensor features, Tensor boxes, Tensor index, float scale, int ratio, bool aligned,"
    " bool with_features, bool with_boxes) -> (Tensor, Tensor)",
)
def _pull_back(grad, features, boxes, index, scale, ratio, aligned, with_features, with_boxes):
    if not grad.numel():
        return torch.zeros_like(features) if with_features else features.new_empty(0), boxes.new_zeros(boxes.shape if with_boxes else 0)
    taps = _Taps(features, boxes, index, grad.shape[2], grad.shape[3], scale, ratio, aligned, with_boxes)
    # a lost box's answer is a constant.
    upstream = grad.to(taps.dtype).masked_fill(taps.lost[:, None, None, None], 0.0)
    if crops := _crops(features, taps):
        return _pull_back_crops(upstream.transpose(1, 2), features, boxes, crops, with_features, with_boxes)
    upstream = upstream.permute(0, 2, 3, 1).reshape(-1, features.shape[1])  # [K · PH · PW, C]
    grad_features = features.new_empty(0)
    grad_boxes = boxes.new_empty(0)
    if with_features:
        # turned around: a pixel sums the bins that read it. Sorted by pixel this is as fast as the forward pass; scattering is not.
        order, edges = _by_pixel(taps.pixel.flatten(), features[:, 0].numel())
        weight = taps.weight().flatten()[order]
        rows = F.embedding_bag(order // taps.pixel.shape[1], upstream, edges, per_sample_weights=weight, mode="sum")
        rows = rows.view(features.shape[0], *features.shape[2:], features.shape[1])
        grad_features = torch.empty_like(features).copy_(rows.permute(0, 3, 1, 2))
    if with_boxes:
        rows = _rows(features)
        sides = []
        for side in range(4):
            slope = F.embedding_bag(taps.pixel, rows, per_sample_weights=taps.weight(side), mode="sum")
            sides.append((slope * upstream).view(boxes.shape[0], -1).sum(1))
        grad_boxes = torch.empty_like(boxes).copy_(torch.stack(sides, 1))
    return grad_features, grad_boxes


def _rows(features):
    """Lay every pixel's channels side by side, ``[B · H · W, C]``."""
    wide = features.to(torch.float64 if features.dtype == torch.float64 else torch.float32)
    return wide.permute(0, 2, 3, 1).reshape(-1, features.shape[1]).contiguous()


def _by_pixel(pixel, pixels):
    """Return the taps' numbers in the order of their pixels, ``[taps]``, and where each pixel's run begins, ``[pixels]``."""
    edges = torch.bincount(pixel, minlength=pixels).cumsum(0).roll(1)
    edges[0] = 0
    taps = pixel.numel()
    if pixel.device.type != "cpu":
        return pixel.argsort(), edges
    # NumPy's sort of plain numbers uses vector instructions and takes a twentieth of torch.sort's time; a tap's number is packed in.
    packed = (pixel * taps + torch.arange(taps, device="cpu")).numpy()
    packed = np.sort(packed.astype(np.uint32) if pixels * taps <= 2**32 else packed).astype(np.int64)
    return torch.from_numpy(packed % taps), edges


class _Taps:
    """Which pixels each bin reads, ``pixel`` ``[K · PH · PW, T]``, and with which weights; ``lost`` ``[K]`` marks boxes without answer."""

    def __init__(self, features, boxes, index, height, width, scale, ratio, aligned, with_slopes=False):
        self.dtype = torch.float64 if features.dtype == torch.float64 else torch.float32
        corners = boxes.to(self.dtype)
        self.lost = (index < 0) | (index >= features.shape[0]) | ~corners.isfinite().all(1)
        corners = corners.masked_fill(self.lost[:, None], 0.0) * scale - (0.5 if aligned else 0.0)
        low_x, low_y, high_x, high_y = corners.unbind(1)
        self._x = _axis(low_x, high_x, width, features.shape[3], scale, ratio, aligned, with_slopes)
        self._y = _axis(low_y, high_y, height, features.shape[2], scale, ratio, aligned, with_slopes)
        self.image = index.long().masked_fill(self.lost, 0)
        self._rows, self._columns = features.shape[2:]

    # made when it is first asked for: few boxes are cut out without it. The backward pass reads it several times.
    @cached_property
    def pixel(self):
        row, column = (self.image[:, None, None] * self._rows + self._y[0]) * self._columns, self._x[0]
        pixel = row[:, :, None, :, None] + column[:, None, :, None, :]  # [K, PH, PW, taps in y, taps in x]
        return pixel.reshape(-1, row.shape[2] * column.shape[2])

    def weight(self, side: int | None = None):
        """Return the weights, or their derivatives by x1, y1, x2 or y2 (``side`` 0 to 3)."""
        x = self._x[1] if side not in (0, 2) else self._x[2 + side // 2]
        y = self._y[1] if side not in (1, 3) else self._y[2 + side // 2]
        return (y[:, :, None, :, None] * x[:, None, :, None, :]).reshape(-1, y.shape[2] * x.shape[2])

    def lines(self, axis: str, length: int):
        """Return where each box's taps along ``"x"`` or ``"y"`` begin, and their weights and slopes as matrices ``[K, bins, pixels]``."""
        pixel, *weights = self._x if axis == "x" else self._y
        first = pixel.amin((1, 2))
        offset = pixel - first[:, None, None]
        span = int(offset.max()) + 1
        # all boxes have as many lines; one that ends sooner begins sooner.
        begin = first.clamp(max=length - span)
        offset += (first - begin)[:, None, None]
        return begin.tolist(), [part.new_zeros(*part.shape[:2], span).scatter_add_(2, offset, part) for part in weights]


class _Crops(NamedTuple):
    """The pixels that each box reads, ``[K, h, C, w]``, and what it makes of their rows ``[K, PH, h]`` and columns ``[K, PW, w]``."""

    places: list[tuple]
    pixels: Tensor
    rows: list[Tensor]  # weights, and their derivatives by y1 and y2 where they were asked for
    columns: list[Tensor]  # likewise by x1 and x2

    def pool(self, rows, columns):
        """Return ``[K, PH, C, PW]``."""
        boxes, height, channels, width = self.pixels.shape
        lines = rows @ self.pixels.view(boxes, height, channels * width)
        return (lines.view(boxes, -1, width) @ columns.mT).view(boxes, -1, channels, columns.shape[1])


def _crops(features, taps):
    """Cut few boxes out of the map: what they pool is two matrix products then, without laying out the map. None: too many, or NaN."""
    if len(taps.image) > _FEW_BOXES:
        return None
    (tops, rows), (lefts, columns) = taps.lines("y", features.shape[2]), taps.lines("x", features.shape[3])
    height, width = rows[0].shape[2], columns[0].shape[2]
    corners = zip(taps.image.tolist(), tops, lefts, strict=True)
    places = [(image, slice(None), slice(top, top + height), slice(left, left + width)) for image, top, left in corners]
    pixels = torch.stack([features[place].transpose(0, 1) for place in places]).to(taps.dtype)
    # zero times infinity is NaN: a bin must not see what only another one reads.
    return _Crops(places, pixels, rows, columns) if pixels.sum().isfinite() else None


def _pull_back_crops(grad, features, boxes, crops, with_features, with_boxes):
    """Give the gradients of few boxes; ``grad`` is ``[K, PH, C, PW]``."""
    (rows, *by_y), (columns, *by_x) = crops.rows, crops.columns
    grad_features = grad.new_zeros(features.shape if with_features else 0)
    if with_features:
        count, bins, channels, _ = grad.shape
        spread = (grad.reshape(count, bins * channels, -1) @ columns).view(count, bins, -1)
        spread = (rows.mT @ spread).view(crops.pixels.shape).transpose(1, 2)
        for place, above in zip(crops.places, spread, strict=True):
            grad_features[place] += above
    grad_boxes = boxes.new_empty(0)
    if with_boxes:
        answers = ((rows, by_x[0]), (by_y[0], columns), (rows, by_x[1]), (by_y[1], columns))
        grad_boxes = torch.stack([(crops.pool(*answer) * grad).sum((1, 2, 3)) for answer in answers], 1).to(boxes.dtype)
    return grad_features.to(features.dtype), grad_boxes


def _axis(low, high, bins, length, scale, ratio, aligned, with_slopes):
    """Return the taps along one axis, all ``[K, bins, T]``: pixel, weight, and with slopes its derivatives by the box's two sides."""
    extent = high - low
    free = torch.ones_like(extent) if aligned else (extent >= 1).to(extent.dtype)
    extent = extent if aligned else extent.clamp(min=1.0)
    samples = torch.full_like(extent, ratio) if ratio > 0 else (extent / bins).ceil().clamp(min=0)
    # adaptive samples lie at most a pixel and at least half a pixel apart: only so many fall on the map, however large the box.
    count = int(samples.max().item()) if ratio <= 0 else max(ratio, 0)
    window = min(count, 2 * length + 5) if ratio <= 0 else count
    bin_ = torch.arange(bins, dtype=extent.dtype, device=extent.device)[None, :, None]
    low, extent, samples, free = (number[:, None, None] for number in (low, extent, samples, free))
    every = samples.clamp(min=1)
    first = torch.zeros_like(low)
    if count > window:
        first = ((-1 - low - bin_ / bins * extent) * (every * bins / extent)).floor().sub(1).clamp(min=0)
        first = torch.where(samples > window, first, 0.0)
    sample = first + torch.arange(max(window, 1), dtype=extent.dtype, device=extent.device)
    fraction = (bin_ + (sample + 0.5) / every) / bins
    position = low + fraction * extent
    counts = (position >= -1) & (position <= length) & (sample < samples)
    fits = position.clamp(0, length - 1)
    left = fits.floor()
    share = fits - left
    pixel = torch.cat([left, (left + 1).clamp(max=length - 1)], -1).long()
    counts = counts / every
    right = share * counts
    weights = [torch.cat([counts - right, right], -1)]
    if with_slopes:
        # where the border pixel continues, moving a sample changes nothing.
        slope = torch.where(position == fits, counts, 0.0) * scale
        by_high = slope * fraction * free
        by_low = slope - by_high
        weights += [torch.cat([-by_low, by_low], -1), torch.cat([-by_high, by_high], -1)]
    # where samples are dense, neighbouring ones share pixels: one tap a pixel is fewer than two a sample.
    if window <= 2:
        return pixel, *weights
    start = pixel.amin(-1, keepdim=True)
    span = int((pixel - start).max().item()) + 1
    if span >= pixel.shape[-1]:
        return pixel, *weights
    offset = pixel - start
    weights = [part.new_zeros(*pixel.shape[:2], span).scatter_add_(-1, offset, part) for part in weights]
    return (start + torch.arange(span, device=start.device)).clamp(max=length - 1), *weights


tie_averages(_pool, _pull_back)


def _plain(features, boxes, index, output_size, spatial_scale, sampling_ratio, aligned):
    return _pool(features, boxes, index, *output_size, spatial_scale, sampling_ratio, aligned)


def _fused(features, boxes, index, output_size, spatial_scale, sampling_ratio, aligned):
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.roi_align.fused import roi_align_fused

    return roi_align_fused(features, boxes, index, output_size, spatial_scale, sampling_ratio, aligned)


_FORMULATIONS: dict[str, Callable[..., Tensor]] = {"plain": _plain, "fused": _fused, "naive": roi_align_naive}
