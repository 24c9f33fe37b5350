"""Samples of the scenes: with captions, boxes and masks; then pictures of both splits, and single icons by noun."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from data_scripts.builder import Stored
from data_scripts.contact_sheet import sheet, spread, tiles
from data_scripts.scenes.catalogue import TEST, TRAIN
from data_scripts.scenes.truth import BOX, NOUN

TOLD, SMALL, ENLARGED, GAP_PX = 4, 16, 4, 2
OF_NOUN = 2
_SHADES = np.array([(30, 30, 30), (240, 150, 60), (90, 170, 240), (120, 200, 110), (220, 110, 190)], dtype=np.uint8)


def contact_sheet(stored: Stored) -> Figure:
    """Return the sheet."""
    figure = sheet(12, 12.9)
    rows = figure.subplots(5, 1, height_ratios=[3.3, 3.4, 1.75, 0.9, 1.65])
    images, chosen = _pictures(stored, "train"), spread(np.arange(len(stored.arrays["train/img"])), TOLD)
    _told(rows[0], stored, images, chosen)
    masks = [_SHADES[stored.arrays["train/mask"][row]] for row in chosen]
    _show(rows[1], [_enlarged(mask) for mask in masks], len(masks), "mask: which object is in front at each pixel; boxes reach behind it")
    _boxes(rows[1], stored, chosen)
    for axes, table, lines, title in ((rows[2], "train", 2, "training"), (rows[3], "test", 1, "test: drawings that training never sees")):
        pictures = _pictures(stored, table)
        _show(axes, [pictures[row] for row in spread(np.arange(len(pictures)), lines * SMALL)], SMALL, title)
    _singles(rows[4], stored)
    return figure


def _told(axes: Axes, stored: Stored, images: np.ndarray, chosen: np.ndarray) -> None:
    _show(axes, [_enlarged(images[row]) for row in chosen], len(chosen), "")
    _boxes(axes, stored, chosen)
    side = ENLARGED * images.shape[1]
    for place, row in enumerate(chosen):
        lines = [_folded(text) for text in stored.arrays["train/captions"][row]]
        axes.text(GAP_PX + place * (side + GAP_PX), -6, "\n".join(lines), fontsize=7.5, va="bottom", linespacing=1.25)


def _folded(text: str, most: int = 52) -> str:
    if len(text) <= most:
        return text
    cut = text.rindex(" ", 0, most)
    return f"{text[:cut]}\n    {text[cut + 1 :]}"


def _boxes(axes: Axes, stored: Stored, chosen: np.ndarray) -> None:
    side = ENLARGED * stored.arrays["train/img"].shape[-1]
    names = list(stored.attributes[""]["nouns"])
    for place, row in enumerate(chosen):
        # the centre of the first drawn pixel is 0, so its edge is -.5.
        left, top = GAP_PX + place * (side + GAP_PX) - 0.5, GAP_PX - 0.5
        for one in stored.arrays["train/objects"][row]:
            if one[NOUN] < 0:
                continue
            x0, y0, x1, y1 = ENLARGED * one[BOX]
            axes.add_patch(Rectangle((left + x0, top + y0), x1 - x0, y1 - y0, fill=False, edgecolor="white", linewidth=2.4))
            axes.add_patch(Rectangle((left + x0, top + y0), x1 - x0, y1 - y0, fill=False, edgecolor="black", linewidth=0.9))
            axes.text(
                left + x0 + 3, top + y1 - 3, names[int(one[NOUN])], fontsize=6.5, va="bottom",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
            )  # fmt: skip


def _singles(axes: Axes, stored: Stored) -> None:
    """A column a noun: training drawings above, one of the test below."""
    nouns, splits = stored.arrays["singles/noun"], stored.arrays["singles/split"]
    pictures = stored.arrays["singles/img"].transpose(0, 2, 3, 1)
    blank = np.full_like(pictures[0], 255)
    names = list(stored.attributes[""]["nouns"])
    cells = []
    for split, lines in ((TRAIN, OF_NOUN), (TEST, 1)):
        members = [np.flatnonzero((nouns == noun) & (splits == split))[:lines] for noun in range(len(names))]
        cells += [pictures[rows[line]] if line < len(rows) else blank for line in range(lines) for rows in members]
    _show(axes, cells, len(names), "singles: two of training, one of the test below")
    side = pictures.shape[1] + GAP_PX
    for noun, name in enumerate(names):
        axes.text(GAP_PX + noun * side + side / 2, (OF_NOUN + 1) * side + 6, name, fontsize=7, ha="center", va="top")


def _pictures(stored: Stored, table: str) -> np.ndarray:
    return stored.arrays[f"{table}/img"].transpose(0, 2, 3, 1)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    return picture.repeat(ENLARGED, 0).repeat(ENLARGED, 1)


def _show(axes: Axes, pictures: list[np.ndarray], columns: int, title: str) -> None:
    axes.imshow(tiles(pictures, columns, GAP_PX), interpolation="nearest")
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=10)
