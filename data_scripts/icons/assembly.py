"""All arrays of the icons' file, from a folder of drawings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon

from data_scripts.icons.bitmap import Stamp, colours, framing, painted
from data_scripts.icons.category import category, category_words
from data_scripts.icons.contour import path_rings
from data_scripts.icons.drawing import Drawing, DrawingError, Family, read_drawing
from data_scripts.icons.likeness import alike, components, leaders, levels
from data_scripts.icons.outline import VERTICES, outline, region, silhouette
from data_scripts.icons.pairs import telling, twins
from data_scripts.icons.silhouette import silhouettes
from data_scripts.icons.splits import split_groups
from vislab.data.layout.conventions import standardise

# bitmaps at least this alike cannot be told apart at 32 x 32: the first one stays.
DUPLICATE = 0.99
# bitmaps or silhouettes at least this alike are in one group, and so in one split.
GROUP = 0.95


@dataclass(frozen=True)
class Rendered:
    """One drawing at 32 x 32.

    ``alpha`` uint8 [32, 32]; ``outline`` float64 [96, 2] in pixels, y down, or None; ``fit`` the intersection over union of outline and
    silhouette, 0 without an outline.
    """

    drawing: Drawing
    alpha: np.ndarray
    outline: np.ndarray | None
    fit: float


def rendered(drawing: Drawing, stamp: Stamp) -> Rendered:
    """Return a drawing's bitmap and outline.

    Raises:
        DrawingError: it covers nothing.
    """
    paths = [path_rings(d) for d in drawing.paths]
    covered = region(paths)
    if covered.is_empty:
        raise DrawingError(f"{drawing.family.folder}/{drawing.name} must cover something and does not; add it to blocked.txt")
    scale, shift = framing(covered.bounds)
    alpha = stamp.coverage([[ring * scale + shift for ring in rings] for rings in paths])
    vertices = outline(covered)
    if vertices is None:
        return Rendered(drawing, alpha, None, 0.0)
    filled, drawn = silhouette(covered), Polygon(vertices)
    fit = drawn.intersection(filled).area / drawn.union(filled).area
    return Rendered(drawing, alpha, vertices * scale + shift, fit)


def render_all(files: Sequence[tuple[Family, Path]], step: Callable[[str], None]) -> list[Rendered]:
    """Return every drawing that is not a near-duplicate of an earlier one.

    Args:
        files: as of :func:`data_scripts.icons.drawing.drawing_files`.
        step: called with a line after each file.
    """
    stamp, made = Stamp(), []
    for family, path in files:
        made.append(rendered(read_drawing(family, path), stamp))
        step(f"{family.folder}/{path.stem}")
    keep = leaders(len(made), [pair[:2] for pair in alike(levels(np.stack([each.alpha for each in made])), DUPLICATE)])
    return [each for each, kept in zip(made, keep) if kept]


@dataclass(frozen=True)
class Icons:
    """The file's arrays by name, and what leads its polygons back to pixels: ``mean`` and ``scale`` float64 [2]."""

    arrays: dict[str, np.ndarray]
    mean: np.ndarray
    scale: np.ndarray


def assemble(made: Sequence[Rendered], seed: int) -> Icons:
    """Return all arrays of the file.

    Args:
        made: as of :func:`render_all`; one of them at least has an outline.
        seed: decides which groups are for training, validation and test; nothing else is drawn.

    Raises:
        DrawingError: there is no outline, so polygons cannot be standardised.
    """
    outlines = [each.outline for each in made if each.outline is not None]
    if not outlines:
        raise DrawingError(
            f"one drawing at least must have a single outline, and none of {len(made)} has; raise --count, or look at blocked.txt"
        )
    count, words = len(made), category_words()
    names = [(each.drawing.family.name, each.drawing.name) for each in made]
    full_names = [f"{family}/{name}" for family, name in names]
    alpha = np.stack([each.alpha for each in made])
    drawn = np.flatnonzero([each.outline is not None for each in made])

    pictures = levels(alpha)
    pairs = telling(twins(names), pictures)
    links = [(i, j) for i, j, _ in alike(pictures, GROUP)]
    shape_links = [(i, j) for i, j, _ in alike(silhouettes(outlines), GROUP)]
    outline_number = np.full(count, -1, dtype=np.int32)
    outline_number[drawn] = components(len(drawn), shape_links)
    group = components(count, [*links, *((drawn[i], drawn[j]) for i, j in shape_links), (pairs[:, 0], pairs[:, 1])])

    # the file's pixel centres are whole numbers; the drawing board's are halves.
    values, mean, scale = standardise(np.stack(outlines) - 0.5)
    polygon = np.zeros((count, VERTICES, 2), dtype=np.float32)
    polygon[drawn] = values
    colour = np.stack([colours(name) for name in full_names])
    pair = np.full(count, -1, dtype=np.int32)
    pair[pairs[:, 0]], pair[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    arrays = {
        "img": painted(alpha[:, None], colour),
        "polygon": polygon,
        "alpha": alpha[:, None],
        "has_polygon": np.array([each.outline is not None for each in made]),
        "colour": colour,
        "family": np.array([family for family, _ in names], dtype=object),
        "name": np.array([name for _, name in names], dtype=object),
        "group": group,
        "pair": pair,
        "split": split_groups(group, full_names, seed),
        "category": np.array([category(name, words) for _, name in names], dtype=object),
        "licence": np.array([each.drawing.family.licence for each in made], dtype=object),
        "style": np.array([each.drawing.outlined for each in made], dtype=np.uint8),
        "area": (alpha.mean(axis=(1, 2)) / 255).astype(np.float32),
        "outline": outline_number,
        "iou": np.array([each.fit for each in made], dtype=np.float32),
    }
    return Icons(arrays, mean, scale)
