"""Coordinate conventions: normalised coordinates to pixels and back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

CORNERS = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.5, -0.25]], dtype=torch.float64)


def to_pixel(points: Tensor, *, height: int, width: int, align_corners: bool) -> Tensor:
    """Map [-1, 1] to pixels, one axis at a time."""
    columns = []
    for axis, size in enumerate((width, height)):
        share = (points[..., axis] + 1) / 2  # 0 at the left or upper end, 1 at the right or lower end
        columns.append(share * (size - 1) if align_corners else share * size - 0.5)
    return torch.stack(columns, dim=-1)


def to_norm(points: Tensor, *, height: int, width: int, align_corners: bool) -> Tensor:
    """Map pixels to [-1, 1], one axis at a time."""
    columns = []
    for axis, size in enumerate((width, height)):
        pixel = points[..., axis]
        if not align_corners:
            columns.append(2 * (pixel + 0.5) / size - 1)
        elif size > 1:
            columns.append(2 * pixel / (size - 1) - 1)
        else:
            # first and last centre coincide: there is no scale, and the axis is its own middle. torch's affine_grid says 0 as well.
            columns.append(pixel * 0)
    return torch.stack(columns, dim=-1)


def other_alignment(grid: dict) -> dict:
    """Keyword arguments with the other ``align_corners``."""
    return {**grid, "align_corners": not grid["align_corners"]}


def exchanged(grid: dict) -> dict:
    """Keyword arguments with height and width exchanged."""
    return {**grid, "height": grid["width"], "width": grid["height"]}


def sizes(draw: Draw) -> dict[str, int]:
    """Draw a height and a width that are never equal."""
    return {"height": draw.whole(5, 12), "width": draw.whole(13, 24)}


def people(low: float, high: float, batch: int, align_corners: bool):
    """Case material: joints of ``batch`` people on a grid of drawn size."""
    return lambda draw: Inputs((draw.uniform(low, high, batch, 5, 2),), {**sizes(draw), "align_corners": align_corners})


def drawn(low: float, high: float, shape: tuple[int, ...], height: int, width: int, align_corners: bool):
    """Case material: points of any shape on a grid of given size."""
    return lambda draw: Inputs((draw.uniform(low, high, *shape),), {"height": height, "width": width, "align_corners": align_corners})


class NormToPixel(Exercise):
    """Normalised [-1, 1] coordinates to pixels, for corner-aligned and edge-aligned grids."""

    name = "pose.norm_to_pixel"
    title = "Normalised coordinates to pixels"
    symbol = "norm_to_pixel"
    points = {Family.VALUE: 1.5, Family.GRADIENT: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.5, Family.PURITY: 0.25}
    tripwires = ("vislab.geometry.pixel_coordinates.norm_to_pixel",)
    diagnoses = {
        "the other align_corners convention": lambda points, **grid: to_pixel(points, **other_alignment(grid)),
        "height and width exchanged": lambda points, **grid: to_pixel(points, **exchanged(grid)),
        "x and y exchanged": lambda points, **grid: to_pixel(points, **grid).flip(-1),
        "coordinates read as 0..1 instead of -1..1": lambda points, **grid: to_pixel(2 * points - 1, **grid),
        "rounded to whole pixels": lambda points, **grid: to_pixel(points, **grid).round(),
    }

    def reference(self, points: Tensor, *, height: int, width: int, align_corners: bool) -> Tensor:
        return to_pixel(points, height=height, width=width, align_corners=align_corners)

    def oracle(self, points: Tensor, *, height: int, width: int, align_corners: bool) -> Tensor:
        # torch's own sampler reads a ramp whose value is the pixel index; the map is affine, so two anchors inside give the rest.
        anchors = torch.tensor([-0.25, 0.25], dtype=torch.float64)
        columns = []
        for axis, size in enumerate((width, height)):
            if size > 1:
                ramp = torch.arange(size, dtype=torch.float64).reshape(1, 1, 1, size)
                grid = torch.stack([anchors, torch.zeros(2, dtype=torch.float64)], dim=-1).reshape(1, 1, 2, 2)
                low, high = F.grid_sample(ramp, grid, padding_mode="border", align_corners=align_corners).flatten().tolist()
            else:
                # one pixel: the ramp is a constant and shows nothing, so both anchors are written down by hand.
                low, high = (0.0, 0.0) if align_corners else (-0.125, 0.125)
            columns.append((low + high) / 2 + (high - low) / 0.5 * points[..., axis])
        return torch.stack(columns, dim=-1)

    def cases(self) -> list[Case]:
        # a little beyond [-1, 1]: joints outside the image have coordinates too.
        low, high = -1.3, 1.3

        def corners(align_corners: bool):
            return lambda draw: Inputs((CORNERS,), {"height": 4, "width": 5, "align_corners": align_corners})

        return [
            Case("corners, corner-aligned", Family.VALUE, corners(True), public=True),
            Case("corners, edge-aligned", Family.VALUE, corners(False), public=True),
            Case("three people, corner-aligned", Family.VALUE, people(low, high, 3, True), public=True),
            Case("three people, edge-aligned", Family.VALUE, people(low, high, 3, False)),
            Case("one person, corner-aligned", Family.VALUE, people(low, high, 1, True)),
            Case("one person, edge-aligned", Family.VALUE, people(low, high, 1, False)),
            Case("taller than wide", Family.VALUE, drawn(low, high, (3, 4, 2), 21, 8, False)),
            Case("Jacobian, edge-aligned", Family.GRADIENT, people(low, high, 3, False), public=True),
            Case("Jacobian, corner-aligned", Family.GRADIENT, people(low, high, 3, True)),
            Case("float64, corner-aligned", Family.DTYPE, people(low, high, 3, True), dtype="float64"),
            Case("float64, edge-aligned", Family.DTYPE, people(low, high, 3, False), dtype="float64"),
            Case("image one pixel wide, corner-aligned", Family.EDGE, drawn(low, high, (3, 5, 2), 7, 1, True), public=True),
            Case("image one pixel wide, edge-aligned", Family.EDGE, drawn(low, high, (3, 5, 2), 7, 1, False)),
            Case("image of one pixel", Family.EDGE, drawn(low, high, (1, 5, 2), 1, 1, True)),
            Case("a single point", Family.EDGE, drawn(low, high, (2,), 6, 17, False)),
            Case("no people", Family.EDGE, drawn(low, high, (0, 5, 2), 6, 17, True)),
            Case("every second element of a wider buffer", Family.EDGE, people(low, high, 3, False), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, people(low, high, 3, True), layout="transposed"),
        ]


class PixelToNorm(Exercise):
    """Pixels to normalised [-1, 1] coordinates, the inverse of ``norm_to_pixel``."""

    name = "pose.pixel_to_norm"
    title = "Pixels to normalised coordinates"
    symbol = "pixel_to_norm"
    points = {Family.VALUE: 1.5, Family.GRADIENT: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.5, Family.PURITY: 0.25}
    tripwires = ("vislab.geometry.pixel_coordinates.pixel_to_norm",)
    diagnoses = {
        "the other align_corners convention": lambda points, **grid: to_norm(points, **other_alignment(grid)),
        "height and width exchanged": lambda points, **grid: to_norm(points, **exchanged(grid)),
        "x and y exchanged": lambda points, **grid: to_norm(points, **grid).flip(-1),
        "0..1 instead of -1..1": lambda points, **grid: (to_norm(points, **grid) + 1) / 2,
        "the pixel index divided by the size": lambda points, *, height, width, **grid: 2 * points / points.new_tensor([width, height]) - 1,
    }

    def reference(self, points: Tensor, *, height: int, width: int, align_corners: bool) -> Tensor:
        return to_norm(points, height=height, width=width, align_corners=align_corners)

    def oracle(self, points: Tensor, *, height: int, width: int, align_corners: bool) -> Tensor:
        # torch's affine_grid tabulates the normalised coordinate of every pixel centre; a straight line goes through the table.
        identity = torch.eye(3, dtype=torch.float64)[None, :2]
        table = F.affine_grid(identity, [1, 1, max(2, height), max(2, width)], align_corners=align_corners)[0]
        columns = []
        for axis, (size, line) in enumerate(((width, table[0, :, 0]), (height, table[:, 0, 1]))):
            if size > 1:
                start, slope = float(line[0]), float(line[-1] - line[0]) / (size - 1)
            else:
                # a table of one entry has no slope. By hand: one pixel fills the two units edge-aligned, and has no width corner-aligned.
                start, slope = 0.0, 0.0 if align_corners else 2.0
            columns.append(start + slope * points[..., axis])
        return torch.stack(columns, dim=-1)

    def cases(self) -> list[Case]:
        low, high = -3.0, 25.0

        def corners(align_corners: bool):
            # first and last centres of a 4 by 5 grid, then its outer corners.
            rows = [[0.0, 0.0], [4.0, 0.0], [0.0, 3.0], [4.0, 3.0], [-0.5, -0.5], [4.5, 3.5]]
            points = torch.tensor(rows, dtype=torch.float64)
            return lambda draw: Inputs((points,), {"height": 4, "width": 5, "align_corners": align_corners})

        return [
            Case("centres and outer corners, corner-aligned", Family.VALUE, corners(True), public=True),
            Case("centres and outer corners, edge-aligned", Family.VALUE, corners(False), public=True),
            Case("three people, edge-aligned", Family.VALUE, people(low, high, 3, False), public=True),
            Case("three people, corner-aligned", Family.VALUE, people(low, high, 3, True)),
            Case("one person, corner-aligned", Family.VALUE, people(low, high, 1, True)),
            Case("one person, edge-aligned", Family.VALUE, people(low, high, 1, False)),
            Case("taller than wide", Family.VALUE, drawn(low, high, (3, 4, 2), 21, 8, True)),
            Case("Jacobian, corner-aligned", Family.GRADIENT, people(low, high, 3, True), public=True),
            Case("Jacobian, edge-aligned", Family.GRADIENT, people(low, high, 3, False)),
            Case("float64, corner-aligned", Family.DTYPE, people(low, high, 3, True), dtype="float64"),
            Case("float64, edge-aligned", Family.DTYPE, people(low, high, 3, False), dtype="float64"),
            Case("image one pixel wide, corner-aligned", Family.EDGE, drawn(low, high, (3, 5, 2), 7, 1, True), public=True),
            Case("image one pixel high, corner-aligned", Family.EDGE, drawn(low, high, (3, 5, 2), 1, 9, True)),
            Case("image one pixel wide, edge-aligned", Family.EDGE, drawn(low, high, (3, 5, 2), 7, 1, False)),
            Case("image of one pixel", Family.EDGE, drawn(low, high, (1, 5, 2), 1, 1, True)),
            Case("a single point", Family.EDGE, drawn(low, high, (2,), 6, 17, True)),
            Case("no people", Family.EDGE, drawn(low, high, (0, 5, 2), 6, 17, False)),
            Case("every second element of a wider buffer", Family.EDGE, people(low, high, 3, True), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, people(low, high, 3, False), layout="transposed"),
        ]
