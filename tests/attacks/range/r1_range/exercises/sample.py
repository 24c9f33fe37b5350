"""Reading an image between its pixels: what plausible wrong answers are tried on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def between(image: Tensor, points: Tensor) -> Tensor:
    """Bilinear interpolation at pixel positions, zero outside: image ``[B, C, H, W]``, points ``[B, N, 2]`` to ``[B, C, N]``."""
    height, width = image.shape[2:]
    column = torch.arange(width, dtype=image.dtype)
    row = torch.arange(height, dtype=image.dtype)
    # the hat function of each pixel, column by column and row by row: nothing is rounded, nothing is clamped into the image.
    across = (1 - (points[..., 0, None] - column).abs()).clamp(min=0)
    down = (1 - (points[..., 1, None] - row).abs()).clamp(min=0)
    return torch.einsum("bchw,bnh,bnw->bcn", image, down, across)


def image_and_points(batch: int, channels: int, height: int, width: int, count: int, reach: float = 0.0):
    """Case material: positions stay away from whole numbers, where the gradient jumps; ``reach`` pixels beyond the edge."""

    def draw_case(draw):
        whole_x = draw.uniform(-reach, width - 1 + reach, batch, count).floor()
        whole_y = draw.uniform(-reach, height - 1 + reach, batch, count).floor()
        points = torch.stack([whole_x, whole_y], -1) + draw.uniform(0.1, 0.9, batch, count, 2)
        return draw.normal(batch, channels, height, width, mean=1.0), points

    return draw_case


class Sample(Exercise):
    """Bilinear sampling at pixel positions."""

    name = "range.sample"
    title = "Between the pixels"
    symbol = "sample"
    points = {Family.VALUE: 4.0, Family.GRADIENT: 3.0, Family.DTYPE: 1.0, Family.EDGE: 2.0, Family.RULE: 1.0}
    forbidden = ("torch.nn.functional.grid_sample", "aten::grid_sampler_2d")
    tripwires = ("vislab.ops.bilinear_sample.bilinear_sample", "vislab.ops.bilinear_sample.op.bilinear_sample")

    def reference(self, image: Tensor, points: Tensor) -> Tensor:
        return between(image, points)

    def oracle(self, image: Tensor, points: Tensor) -> Tensor:
        height, width = image.shape[2:]
        if min(height, width) < 2 or image.shape[0] == 0:
            return NotImplemented
        scaled = points / torch.tensor([width - 1.0, height - 1.0], dtype=points.dtype) * 2 - 1
        return F.grid_sample(image, scaled[:, None], align_corners=True, padding_mode="zeros")[:, :, 0]

    def cases(self) -> list[Case]:
        return [
            Case("inside", Family.VALUE, image_and_points(2, 3, 6, 9, 7), public=True),
            Case("one image", Family.VALUE, image_and_points(1, 2, 8, 5, 6), public=True),
            Case("gradient", Family.GRADIENT, image_and_points(2, 2, 5, 7, 6), public=True),
            Case("inside, three images", Family.VALUE, image_and_points(3, 2, 7, 11, 13)),
            Case("over the edge", Family.VALUE, image_and_points(3, 2, 6, 9, 24, reach=2.0)),
            Case("sizes that are no powers of two", Family.VALUE, image_and_points(2, 5, 13, 17, 31)),
            Case("gradient, three images", Family.GRADIENT, image_and_points(3, 3, 6, 8, 9)),
            Case("gradient over the edge", Family.GRADIENT, image_and_points(2, 2, 6, 8, 20, reach=1.0)),
            Case("float64", Family.DTYPE, image_and_points(2, 3, 6, 9, 7), dtype="float64"),
            Case("axes swapped in memory", Family.EDGE, image_and_points(2, 3, 6, 9, 7), layout="transposed"),
            Case("every second element", Family.EDGE, image_and_points(2, 3, 6, 9, 7), layout="strided"),
            Case("no points", Family.EDGE, image_and_points(2, 3, 6, 9, 0)),
            Case("no images", Family.EDGE, image_and_points(0, 3, 6, 9, 4)),
            Case("far outside", Family.EDGE, image_and_points(2, 3, 6, 9, 16, reach=8.0)),
        ]


class RegionMean(Exercise):
    """Mean of ``ratio`` by ``ratio`` samples of each box; boxes are batch index, x0, y0, x1, y1 in pixels between centres."""

    name = "range.region_mean"
    title = "Mean of a region"
    symbol = "region_mean"
    points = {Family.VALUE: 5.0, Family.EDGE: 1.0}

    def reference(self, image: Tensor, boxes: Tensor, ratio: int) -> Tensor:
        found = image.new_zeros(boxes.shape[0], image.shape[1])
        for number, (index, x0, y0, x1, y1) in enumerate(boxes.tolist()):
            steps = (torch.arange(ratio, dtype=image.dtype) + 0.5) / ratio
            x, y = x0 + (x1 - x0) * steps, y0 + (y1 - y0) * steps
            points = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(1, -1, 2)
            # rounded: inputs are moved by their own rounding when the tolerance is derived, and 1.9999 must stay the third image.
            found[number] = between(image[round(index)][None], points)[0].mean(dim=1)
        return found

    def oracle(self, image: Tensor, boxes: Tensor, ratio: int) -> Tensor:
        from scipy.ndimage import map_coordinates

        found = torch.zeros(boxes.shape[0], image.shape[1], dtype=image.dtype)
        for number, (index, x0, y0, x1, y1) in enumerate(boxes.tolist()):
            spots = [(y0 + (y1 - y0) * (i + 0.5) / ratio, x0 + (x1 - x0) * (j + 0.5) / ratio) for i in range(ratio) for j in range(ratio)]
            for channel in range(image.shape[1]):
                plane = image[round(index), channel].numpy()
                values = map_coordinates(plane, list(zip(*spots)), order=1, mode="constant")
                found[number, channel] = float(values.mean())
        return found

    def cases(self) -> list[Case]:
        def boxes(batch: int, count: int, ratio: int, height: int = 9, width: int = 12):
            def draw_case(draw):
                corner = torch.stack([draw.uniform(0.1, width / 2 - 1, count), draw.uniform(0.1, height / 2 - 1, count)], -1)
                size = draw.uniform(1.3, min(height, width) / 2 - 0.2, count, 2)
                index = draw.integers(0, batch, count).to(torch.float64)
                if count >= batch:
                    index[:batch] = torch.arange(batch, dtype=torch.float64).flip(0)
                return draw.normal(batch, 3, height, width, mean=0.5), torch.cat([index[:, None], corner, corner + size], 1), ratio

            return draw_case

        return [
            Case("three boxes", Family.VALUE, boxes(2, 3, 2), public=True),
            Case("one image", Family.VALUE, boxes(1, 2, 3), public=True),
            Case("no boxes", Family.EDGE, boxes(2, 0, 2), public=True),
            Case("many boxes", Family.VALUE, boxes(3, 9, 2)),
            Case("fine samples", Family.VALUE, boxes(2, 4, 5)),
            Case("one sample", Family.VALUE, boxes(3, 5, 1)),
            Case("one box of a large batch", Family.EDGE, boxes(5, 5, 2)),
        ]
