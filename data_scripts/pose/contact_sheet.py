"""Samples of the people: training pictures, the same ones with skeletons and parts, then pictures of the other splits."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_scripts.builder import Stored
from data_scripts.contact_sheet import sheet, spread, tiles
from data_scripts.pose.photograph import TEST, TRAIN, VAL
from data_scripts.pose.skeleton import JOINTS, PARENTS, PARTS

SMALL, LARGE, ENLARGED, GAP_PX = 16, 8, 4, 2
_SIDE_COLOURS = {"right": "#ffb000", "left": "#00c8ff", "": "#ffffff"}


def contact_sheet(stored: Stored) -> Figure:
    """Return the sheet."""
    images, splits = stored.arrays["img"].transpose(0, 2, 3, 1), stored.arrays["split"]
    train = np.flatnonzero(splits == TRAIN)
    large = spread(train, LARGE)
    figure = sheet(12, 8.6)
    rows = figure.subplots(5, 1, height_ratios=[3, 2, 2, 1, 1])
    _show(rows[0], [images[row] for row in spread(train, 3 * SMALL)], SMALL, "training")
    _joints(rows[1], images[large], stored.arrays["pose_2d"][large, None], stored.arrays["visible"][large, None])
    _show(
        rows[2], [_parts(stored.arrays["limb"][row]) for row in large], LARGE, f"limb: {len(PARTS)} parts, what is in front at each pixel"
    )
    for axes, split, name in ((rows[3], VAL, "validation"), (rows[4], TEST, "test: photographs that training never sees")):
        members = spread(np.flatnonzero(splits == split), SMALL)
        axes.set_axis_off()
        if members.size:
            _show(axes, [images[row] for row in members], SMALL, name)
    return figure


def hidden_sheet(stored: Stored) -> Figure:
    """Return the sheet of hidden pictures: all of one split, some of them with joints."""
    images = stored.arrays["img"].transpose(0, 2, 3, 1)
    every = np.arange(len(images))
    large = spread(every, LARGE)
    rows = sheet(12, 4.4).subplots(2, 1, height_ratios=[3, 2])
    _show(rows[0], [images[row] for row in spread(every, 3 * SMALL)], SMALL, "hidden: photographs that no other set shows")
    _joints(rows[1], images[large], stored.arrays["pose_2d"][large, None], stored.arrays["visible"][large, None])
    return rows[0].figure


def pair_sheet(stored: Stored) -> Figure:
    """Return the sheet of pairs: pictures, joints of both, and who is in front."""
    images = stored.arrays["img"].transpose(0, 2, 3, 1)
    large = spread(np.arange(len(images)), LARGE)
    figure = sheet(12, 5.6)
    rows = figure.subplots(3, 1, height_ratios=[4, 3, 3])
    _show(rows[0], [images[row] for row in spread(np.arange(len(images)), 2 * SMALL)], SMALL, "two people who hide each other")
    _joints(rows[1], images[large], stored.arrays["pose_2d"][large], stored.arrays["visible"][large])
    shades = np.array([(30, 30, 30), (240, 150, 60), (90, 170, 240)], dtype=np.uint8)
    who = [shades[stored.arrays["person"][row]].repeat(ENLARGED, 0).repeat(ENLARGED, 1) for row in large]
    _show(rows[2], who, LARGE, "person: who is in front at each pixel")
    return figure


def sequence_sheet(stored: Stored) -> Figure:
    """Return the sheet of sequences: a row of frames each, with joints."""
    images = stored.arrays["img"].transpose(0, 1, 3, 4, 2)
    chosen = spread(np.arange(len(images)), 4)
    figure = sheet(12, 1.8 * len(chosen))
    for axes, row in zip(np.atleast_1d(figure.subplots(len(chosen), 1)), chosen):
        _joints(axes, images[row], stored.arrays["pose_2d"][row, :, None], stored.arrays["visible"][row, :, None], f"sequence {row}")
    return figure


_JOINTS_TITLE = "joints (orange: a person's right, blue: left; hollow: not visible)"


def _joints(axes: Axes, images: np.ndarray, pixels: np.ndarray, visible: np.ndarray, title: str = _JOINTS_TITLE) -> None:
    """Show enlarged pictures [n, H, W, 3] in one row, with the joints [n, P, 17, 2] of P people in each."""
    grown = [image.repeat(ENLARGED, 0).repeat(ENLARGED, 1) for image in images]
    _show(axes, grown, len(grown), title)
    for place in range(len(images)):
        for who in range(pixels.shape[1]):
            _skeleton(axes, pixels[place, who], visible[place, who], place * (grown[0].shape[1] + GAP_PX) + GAP_PX)


def _show(axes: Axes, pictures: list[np.ndarray], columns: int, title: str) -> None:
    axes.imshow(tiles(pictures, columns, GAP_PX), interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)


def _skeleton(axes: Axes, pixels: np.ndarray, visible: np.ndarray, left: int) -> None:
    # the centre of pixel 0 lies half an enlarged pixel inside.
    at = (pixels + 0.5) * ENLARGED - 0.5 + (left, GAP_PX)
    inside = np.all((pixels > -0.5) & (pixels < 63.5), axis=1)
    for joint, parent in enumerate(PARENTS):
        side = JOINTS[joint].partition(" ")[0]
        colour = _SIDE_COLOURS.get(side, _SIDE_COLOURS[""])
        if parent >= 0 and inside[joint] and inside[parent]:
            axes.plot(*at[[joint, parent]].T, color=colour, linewidth=1)
        if inside[joint]:
            axes.plot(*at[joint], "o", markersize=3.2, markeredgewidth=0.8, color=colour, fillstyle="full" if visible[joint] else "none")


def _parts(limb: np.ndarray) -> np.ndarray:
    colours = np.array([colormaps["tab20"](number)[:3] for number in range(len(PARTS))] + [(0.12, 0.12, 0.12)])
    picture = (colours[limb] * 255).astype(np.uint8)
    return picture.repeat(ENLARGED, 0).repeat(ENLARGED, 1)
