"""What must be true of a finished icons file, recomputed from the file alone."""

from __future__ import annotations

import numpy as np

from data_scripts.builder import Finding, Stored
from data_scripts.icons.bitmap import CONTRAST, SIZE_PX, Stamp, lightness, painted
from data_scripts.icons.drawing import FAMILIES
from data_scripts.icons.likeness import alike, components, levels, nearest
from data_scripts.icons.outline import is_simple, start_gap
from data_scripts.icons.silhouette import silhouettes
from vislab.data.layout.conventions import destandardise

FIT_MEAN_LEAST = 0.995
# what the file promises when all drawings were read.
ALL_READ_LEAST = 10_000
BITMAPS_LEAST, POLYGONS_LEAST, OUTLINES_LEAST = 9_000, 4_000, 1_700
# in mean edges: the start itself may have moved onto a corner.
START_GAP_MOST = 1.5
# the ink that may lie outside of the outline: soft edges, and corners that the vertices cut.
INK_OUTSIDE_MOST = 0.02


def findings(stored: Stored) -> list[Finding]:
    """Return what was looked at: licences, pictures, outlines, near-duplicates, leaks between splits, counts."""
    outlines = outlines_px(stored)
    pictures, shapes = levels(stored.arrays["alpha"]), silhouettes(outlines)
    return [
        licences(stored),
        painting(stored),
        outline_vertices(stored, outlines),
        outline_fit(stored, outlines),
        duplicates(stored, pictures),
        leakage(stored, pictures, shapes),
        counts(stored, shapes),
    ]


def outlines_px(stored: Stored) -> np.ndarray:
    """Return the outlines, float64 [polygons, 96, 2], in pixels from the picture's upper left corner, y down."""
    polygon, said = stored.arrays["polygon"][stored.arrays["has_polygon"]], stored.attributes["polygon"]
    return destandardise(polygon, said["mean"], said["scale"]) + 0.5


def licences(stored: Stored) -> Finding:
    """Every icon is under its family's licence, and the file names it."""
    known = {family.name: family.licence for family in FAMILIES}
    named = set(stored.attributes[""]["licences"])
    for family, name, licence in zip(*(stored.arrays[column] for column in ("family", "name", "licence"))):
        if known.get(family) != licence or licence not in named:
            wanted = known.get(family, "of a family that is known")
            return Finding(
                "licences", False, f"{family}/{name} is under {licence!r}; it must be {wanted} and stand in the attribute licences"
            )
    return Finding("licences", True, ", ".join(sorted(named)))


def painting(stored: Stored) -> Finding:
    """The picture is coverage times colour, the colours can be told apart, and something is covered."""
    alpha, colour = stored.arrays["alpha"], stored.arrays["colour"]
    off = np.abs(painted(alpha, colour).astype(np.int16) - stored.arrays["img"]).max(axis=(1, 2, 3))
    if off.max() > 0:
        row = int(off.argmax())
        return Finding(
            "painting", False, f"img[{row}] is {off[row]} levels off colour mixed by alpha; {np.count_nonzero(off)} pictures are"
        )
    contrast = np.abs(np.diff(lightness(colour), axis=1))[:, 0]
    if contrast.min() < CONTRAST:
        return Finding(
            "painting",
            False,
            f"colour[{int(contrast.argmin())}] differs by {contrast.min():.0f} in lightness; at least {CONTRAST} is asked",
        )
    ink = alpha.mean(axis=(1, 2, 3)) / 255
    if ink.min() < 0.005:
        return Finding("painting", False, f"alpha[{int(ink.argmin())}] covers {ink.min():.4f} of the picture; it must be visible")
    return Finding(
        "painting", True, f"img is colour mixed by alpha, contrast {contrast.min():.0f} or more, ink {ink.min():.1%} to {ink.max():.1%}"
    )


def outline_vertices(stored: Stored, outlines: np.ndarray) -> Finding:
    """Outlines cross nowhere, lie in the picture, and start where the topmost crossing of the mid-line is."""
    rows = np.flatnonzero(stored.arrays["has_polygon"])
    for row, outline in zip(rows, outlines):
        if not is_simple(outline):
            return Finding("outlines", False, f"polygon[{row}] crosses itself")
        if outline.min() < -0.01 or outline.max() > SIZE_PX + 0.01:
            return Finding("outlines", False, f"polygon[{row}] reaches {outline.min():.2f} to {outline.max():.2f}, outside of the picture")
        gap = start_gap(outline)
        if gap > START_GAP_MOST:
            told = f"polygon[{row}] starts {gap:.1f} vertices from the topmost crossing of its mid-line; {START_GAP_MOST} are allowed"
            return Finding("outlines", False, told)
    return Finding("outlines", True, f"{len(rows)} outlines: none crosses itself, all start on their mid-line")


def outline_fit(stored: Stored, outlines: np.ndarray) -> Finding:
    """The outline goes round the ink, and fits the silhouette as well as was recorded when it was drawn."""
    has, alpha = stored.arrays["has_polygon"], stored.arrays["alpha"][:, 0].astype(np.float64)
    if not has.any():
        return Finding("fit", True, "no outlines")
    fit = stored.arrays["iou"][has]
    stamp = Stamp()
    covered = np.stack([stamp.coverage([[outline]]) for outline in outlines]).astype(np.float64)
    outside = np.maximum(alpha[has] - covered, 0).sum(axis=(1, 2)) / np.maximum(alpha[has].sum(axis=(1, 2)), 1)
    if fit.mean() < FIT_MEAN_LEAST:
        return Finding("fit", False, f"mean intersection over union is {fit.mean():.4f}; at least {FIT_MEAN_LEAST} is asked")
    if outside.mean() > INK_OUTSIDE_MOST:
        return Finding("fit", False, f"{outside.mean():.1%} of the ink lies outside of the outlines; at most {INK_OUTSIDE_MOST:.0%} may")
    return Finding(
        "fit", True, f"mean intersection over union {fit.mean():.4f}, worst {fit.min():.3f}; {outside.mean():.2%} of the ink outside"
    )


def duplicates(stored: Stored, pictures: np.ndarray) -> Finding:
    """No two bitmaps are near-duplicates."""
    limit = float(stored.attributes[""]["duplicate_likeness"])
    names = stored.arrays["name"]
    found = [(names[i], names[j], value) for block in alike(pictures, limit) for i, j, value in zip(*block)]
    if found:
        return Finding(
            "duplicates", False, f"{found[0][0]} and {found[0][1]} are {found[0][2]:.4f} alike, {limit} or more; {len(found)} pairs are"
        )
    return Finding("duplicates", True, f"no two bitmaps are {limit} alike or more")


def leakage(stored: Stored, pictures: np.ndarray, shapes: np.ndarray) -> Finding:
    """No bitmap and no silhouette has a twin in another split."""
    limit = float(stored.attributes[""]["group_likeness"])
    split, names, has = stored.arrays["split"], stored.arrays["name"], stored.arrays["has_polygon"]
    told = []
    for what, values, rows in (("bitmaps", pictures, np.arange(len(split))), ("silhouettes", shapes, np.flatnonzero(has))):
        best = nearest(values, split[rows])
        if len(best) and best.max() >= limit:
            row = rows[int(best.argmax())]
            return Finding(
                "leakage", False, f"{what}: {names[row]} has a neighbour {best.max():.4f} alike in another split; {limit} is too much"
            )
        told.append(f"{what} {best.max():.4f}" if len(best) else f"{what} none")
    return Finding("leakage", True, f"nearest neighbours across splits: {', '.join(told)}, below {limit}")


def counts(stored: Stored, shapes: np.ndarray) -> Finding:
    """How many there are; a file of all drawings must have as many as it promises."""
    limit = float(stored.attributes[""]["group_likeness"])
    outlines = int(components(len(shapes), [pair[:2] for pair in alike(shapes, limit)]).max(initial=-1)) + 1
    have = (len(stored.arrays["img"]), len(shapes), outlines)
    told = f"{have[0]} bitmaps, {have[1]} of them with a polygon, {have[2]} distinct outlines"
    wanted = (BITMAPS_LEAST, POLYGONS_LEAST, OUTLINES_LEAST)
    whole = int(stored.attributes[""]["drawings_read"]) >= ALL_READ_LEAST
    if whole and any(number < least for number, least in zip(have, wanted)):
        return Finding("counts", False, f"{told}; at least {', '.join(map(str, wanted))} are promised")
    return Finding("counts", True, told)
