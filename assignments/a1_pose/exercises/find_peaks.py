"""The separate maxima of a heatmap: suppression in a window of 3 x 3, a threshold, the highest few, padding."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

Found = tuple[Tensor, Tensor, Tensor]
WINDOW = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
CROSS = [(-1, 0), (0, -1), (0, 1), (1, 0)]


def plateau_of(rows: list[list[float]], start: tuple[int, int], steps: list[tuple[int, int]]) -> tuple[set[tuple[int, int]], bool]:
    """Cells (row, column) of the plateau around a cell, and whether a higher cell touches it."""
    height, width = len(rows), len(rows[0])
    level, cells, beaten, waiting = rows[start[0]][start[1]], {start}, False, [start]
    while waiting:
        y, x = waiting.pop()
        for dy, dx in steps:
            near = (y + dy, x + dx)
            if 0 <= near[0] < height and 0 <= near[1] < width:
                value = rows[near[0]][near[1]]
                beaten = beaten or value > level
                if value == level and near not in cells:
                    cells.add(near)
                    waiting.append(near)
    return cells, beaten


def peaks_of(rows: list[list[float]], threshold: float, steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """First cells, as (row, column), of all plateaus that no touching cell beats; highest first, then in reading order."""
    seen: set[tuple[int, int]] = set()
    found = []
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            # in reading order, so the first cell of a plateau is met first.
            if value >= threshold and (y, x) not in seen:
                cells, beaten = plateau_of(rows, (y, x), steps)
                seen |= cells
                if not beaten:
                    found.append((y, x))
    return sorted(found, key=lambda cell: -rows[cell[0]][cell[1]])


def collected(heatmaps: Tensor, count: int, lists: list[list[tuple[int, int]]]) -> Found:
    """Places, heights and mask from the cells of every map, padded to ``count``."""
    batch, joints, _, width = heatmaps.shape
    index = torch.full((batch * joints, count), -1)
    for number, cells in enumerate(lists):
        for rank, (y, x) in enumerate(cells[:count]):
            index[number, rank] = y * width + x
    index = index.reshape(batch, joints, count)
    found = index >= 0
    heights = heatmaps.flatten(2).gather(2, index.clamp(min=0))
    places = torch.stack((index % width, index // width), dim=-1)
    return torch.where(found[..., None], places, -1), torch.where(found, heights, 0.0), found


def find(heatmaps: Tensor, count: int, threshold: float, steps: list[tuple[int, int]] = WINDOW) -> Found:
    """All of the above for ``[B, J, H, W]``."""
    maps = heatmaps.detach().flatten(0, 1)
    return collected(heatmaps, count, [peaks_of(one.tolist(), threshold, steps) for one in maps])


def highest_cells(heatmaps: Tensor, count: int, threshold: float) -> Found:
    """The highest cells of each map, neighbours or not."""
    lists = []
    for one in heatmaps.flatten(0, 1):
        rows = one.tolist()
        cells = [(y, x) for y, row in enumerate(rows) for x, value in enumerate(row) if value >= threshold]
        lists.append(sorted(cells, key=lambda cell: -rows[cell[0]][cell[1]]))
    return collected(heatmaps, count, lists)


def swapped(heatmaps: Tensor, count: int, threshold: float) -> Found:
    """Row before column; the padding is the same either way."""
    places, heights, found = find(heatmaps, count, threshold)
    return places.flip(-1), heights, found


class FindPeaks(Exercise):
    """Separate maxima of each map: places, heights and which of the asked places were found."""

    name = "pose.find_peaks"
    title = "Peaks of a heatmap"
    symbol = "find_peaks"
    points = {Family.VALUE: 2.5, Family.GRADIENT: 0.5, Family.DTYPE: 0.5, Family.EDGE: 2.0, Family.PURITY: 0.5}
    diagnoses = {
        "the highest cells, without any suppression": highest_cells,
        "x and y swapped": swapped,
        "four neighbours instead of eight": lambda heatmaps, count, threshold: find(heatmaps, count, threshold, CROSS),
        "the threshold ignored": lambda heatmaps, count, threshold: find(heatmaps, count, -torch.inf),
    }

    def reference(self, heatmaps: Tensor, count: int, threshold: float) -> Found:
        return find(heatmaps, count, threshold)

    def oracle(self, heatmaps: Tensor, count: int, threshold: float) -> Found:
        from scipy import ndimage

        square = np.ones((3, 3), dtype=bool)
        lists = []
        for one in heatmaps.flatten(0, 1).numpy():
            cells = []
            highest = ndimage.maximum_filter(one, size=3, mode="constant", cval=-np.inf)
            for level in np.unique(one[(highest == one) & (one >= threshold)])[::-1]:
                groups, number = ndimage.label(one == level, structure=square)
                for group in range(1, number + 1):
                    if highest[groups == group].max() == level:
                        cells.append(divmod(int(np.flatnonzero(groups == group)[0]), one.shape[1]))
            lists.append(cells)
        return collected(heatmaps, count, lists)

    def cases(self) -> list[Case]:
        return CASES


def noise(batch: int, joints: int, height: int, width: int, count: int, threshold: float = 0.3, mean: float = 0.0, spread: float = 1.0):
    """Case material: independent values; about one cell in nine is a peak."""
    return lambda draw: Inputs(
        (draw.normal(batch, joints, height, width, mean=mean, std=spread),), {"count": count, "threshold": mean + threshold * spread}
    )


def bumps(draw: Draw, batch: int, joints: int, height: int, width: int, bumps_each: int = 4) -> Tensor:
    """The highest of several Gaussian bumps at positions between the cells, heights between 0.4 and 1."""
    x, y = torch.arange(width, dtype=torch.float64), torch.arange(height, dtype=torch.float64)[:, None]
    shape = (batch, joints, bumps_each, 1, 1)
    cx, cy = draw.uniform(0.0, width - 1.0, *shape), draw.uniform(0.0, height - 1.0, *shape)
    heights = draw.uniform(0.4, 1.0, *shape)
    return (heights * torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 1.4**2))).amax(dim=2)


def people(batch: int, joints: int, height: int, width: int, count: int = 3, threshold: float = 0.15):
    """Case material: ``bumps`` with a little noise."""

    def material(draw: Draw) -> Inputs:
        heatmaps = bumps(draw, batch, joints, height, width) + draw.uniform(0.001, 0.02, batch, joints, height, width)
        return Inputs((heatmaps,), {"count": count, "threshold": threshold})

    return material


def saturated(height: int, width: int):
    """Case material: bumps clipped at 0.55: discs of equal cells. Multiples of 1/64, so that any dtype holds them."""

    def material(draw: Draw) -> Inputs:
        clipped = (64 * 2 * bumps(draw, 3, 4, height, width)).round() / 64
        return Inputs((clipped.clamp(max=0.75),), {"count": 4, "threshold": 0.25})

    return material


def few_levels(levels: int, height: int, width: int, count: int):
    """Case material: whole quarters, so that there are shoulders, crooked plateaus and ties between separate peaks."""
    return lambda draw: Inputs((draw.integers(0, levels, 3, 4, height, width).double() / 4,), {"count": count, "threshold": 0.25})


def on_the_border(draw: Draw) -> Inputs:
    """Case material: negative logits whose peaks lie in the corners and on the edges."""
    heatmaps = draw.uniform(-9.0, -8.0, 3, 4, 9, 14)
    for y, x in ((0, 0), (0, 13), (8, 0), (8, 13), (0, 6), (4, 0), (8, 7), (5, 13)):
        heatmaps[..., y, x] = draw.uniform(-5.0, -3.0, 3, 4)
    return Inputs((heatmaps,), {"count": 8, "threshold": -6.0})


def at_the_threshold(level: float):
    """Case material: peaks exactly as high as the threshold, and a hair below it."""

    def material(draw: Draw) -> Inputs:
        heatmaps = draw.uniform(level - 0.5, level - 0.3, 3, 4, 9, 14)
        heatmaps[..., 2, 3], heatmaps[..., 6, 9], heatmaps[..., 3, 11] = level, level - 2**-20, level + draw.uniform(0.1, 0.4, 3, 4)
        return Inputs((heatmaps,), {"count": 3, "threshold": level})

    return material


def shoulders(height: int, width: int):
    """Case material: one summit each, and beside it a shoulder whose first cell does not touch the summit."""

    def material(draw: Draw) -> Inputs:
        heatmaps = draw.uniform(0.0, 0.2, 3, 4, height, width)
        for b in range(3):
            for j in range(4):
                y, x = draw.whole(0, height - 1), draw.whole(0, width - 5)
                heatmaps[b, j, y, x : x + 4] = 0.5
                heatmaps[b, j, y, x + 4] = draw.number(0.6, 0.9)
        return Inputs((heatmaps,), {"count": 3, "threshold": 0.4})

    return material


def flat(batch: int, joints: int, height: int, width: int):
    """Case material: maps that are one single plateau each, of a drawn level above the threshold."""
    return lambda draw: Inputs(
        (draw.uniform(0.6, 0.9, batch, joints, 1, 1).expand(batch, joints, height, width).clone(),), {"count": 3, "threshold": 0.5}
    )


# heights are copied, not computed: nothing of them is lost to rounding. The tolerance cannot be derived, as equal cells that are moved by
# their last digit are equal no longer.
EXACT = 1e-6
CASES = [
    Case("noise, three people", Family.VALUE, noise(3, 5, 9, 14, 6), public=True, atol=EXACT),
    Case("several people", Family.VALUE, people(3, 4, 18, 25), public=True, atol=EXACT),
    Case("noise, drawn again", Family.VALUE, noise(3, 4, 8, 13, 5), atol=EXACT),
    Case("noise, one person", Family.VALUE, noise(1, 6, 10, 15, 7), atol=EXACT),
    Case("noise, taller than wide", Family.VALUE, noise(3, 2, 19, 7, 6, threshold=1.0), atol=EXACT),
    Case("several people, drawn again", Family.VALUE, people(3, 5, 20, 27), atol=EXACT),
    Case("negative logits", Family.VALUE, noise(3, 4, 9, 14, 6, mean=-20.0), atol=EXACT),
    Case("gradient of the heights", Family.GRADIENT, noise(3, 4, 8, 11, 5), public=True, atol=EXACT),
    Case("gradient, one person", Family.GRADIENT, noise(1, 5, 9, 14, 9, threshold=1.2), atol=EXACT),
    Case("float64", Family.DTYPE, noise(3, 4, 9, 14, 6), dtype="float64", atol=EXACT),
    # in float32 these maps are flat.
    Case("float64, differences of 1e-10", Family.DTYPE, noise(3, 4, 9, 14, 6, mean=1.0, spread=1e-10), dtype="float64", atol=1e-13),
    Case(
        "float64, differences of 1e-10, one person",
        Family.DTYPE,
        noise(1, 5, 13, 8, 6, mean=-2.0, spread=1e-10),
        dtype="float64",
        atol=1e-13,
    ),
    Case("saturated maps: plateaus", Family.EDGE, saturated(14, 19), public=True, atol=EXACT),
    Case("saturated maps, drawn again", Family.EDGE, saturated(16, 23), atol=EXACT),
    Case("values of three levels", Family.EDGE, few_levels(3, 8, 13, 12), atol=EXACT),
    Case("values of six levels", Family.EDGE, few_levels(6, 9, 14, 12), atol=EXACT),
    Case("flat maps", Family.EDGE, flat(3, 4, 7, 10), atol=EXACT),
    Case("peaks on the border of negative maps", Family.EDGE, on_the_border, atol=EXACT),
    Case("shoulders", Family.EDGE, shoulders(9, 14), atol=EXACT),
    Case("shoulders, taller than wide", Family.EDGE, shoulders(13, 8), atol=EXACT),
    Case("exactly at the threshold", Family.EDGE, at_the_threshold(0.5), atol=EXACT),
    Case("exactly at a negative threshold", Family.EDGE, at_the_threshold(-0.25), atol=EXACT),
    Case("fewer peaks than asked for", Family.EDGE, noise(3, 4, 7, 10, 25, threshold=0.8), public=True, atol=EXACT),
    Case("more asked for than there are cells", Family.EDGE, noise(3, 4, 2, 5, 13), atol=EXACT),
    Case("no peak at all", Family.EDGE, noise(3, 4, 7, 10, 3, threshold=50.0), atol=EXACT),
    Case("map of one pixel", Family.EDGE, noise(3, 4, 1, 1, 2), atol=EXACT),
    Case("map one pixel wide", Family.EDGE, noise(3, 4, 14, 1, 4), atol=EXACT),
    Case("no people", Family.EDGE, noise(0, 4, 9, 14, 3), atol=EXACT),
    Case("last two axes swapped in memory", Family.EDGE, noise(3, 4, 9, 14, 6), layout="transposed", atol=EXACT),
    Case("every second element of a wider buffer", Family.EDGE, noise(3, 4, 9, 14, 6), layout="strided", atol=EXACT),
]
