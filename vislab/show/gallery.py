"""One page of every picture of ``vislab.show``: ``python -m vislab.show.gallery PATH.png``."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vislab.show.curves import loss_curves
from vislab.show.errors import error_picture
from vislab.show.grids import batch_grid, latent_walk
from vislab.show.heatmaps import attention, heatmap
from vislab.show.polygons import polygon
from vislab.show.skeletons import bones_of, skeleton
from vislab.show.style import png

_DPI = 88
_NAMES = [
    "pelvis",
    "spine",
    "head",
    "left elbow",
    "left hand",
    "right elbow",
    "right hand",
    "left knee",
    "left foot",
    "right knee",
    "right foot",
]
_PARENTS = [-1, 0, 1, 1, 3, 1, 5, 0, 7, 0, 9]
# the person faces us, so that their left is on the picture's right.
_JOINTS = [[31, 36], [31, 20], [32, 9], [42, 26], [49, 16], [21, 27], [14, 37], [37, 47], [40, 59], [25, 46], [19, 57]]


def page() -> Figure:
    """Draw every picture of ``vislab.show`` on one page.

    Returns:
        A figure that is not known to ``plt.show()``.

    Randomness: none; noise comes from a generator with a fixed seed of its own.

    Example:
        >>> len(page().subfigs)
        5
    """
    noise = torch.Generator().manual_seed(3)
    whole = Figure(figsize=(10.5, 15.6), dpi=_DPI, layout="constrained")
    rows: Any = whole.subfigures(5, 1, height_ratios=(2.5, 3.1, 3.2, 3.9, 3.0))
    _images(rows[0])
    _people(rows[1], noise)
    _outlines(rows[2])
    upper, lower = rows[3].subfigures(2, 1, height_ratios=(1, 1.75))
    attention(_looks(), _scene(), ["a", "red", "disc", "above", "a", "blue", "square", "."], columns=9, figure=upper)
    _errors(lower, noise)
    _curves(rows[4], noise)
    return whole


def _images(row: Any) -> None:
    left, right = row.subplots(1, 2)
    shapes = torch.stack([_blob(3 + place % 5, place * 0.3, (place * 0.37) % 1) for place in range(12)])
    shapes[5, :, 8:12, 8:12] = math.nan
    batch_grid(shapes, captions=[f"{3 + place % 5} lobes" for place in range(12)], columns=6, caption="batch_grid", ax=left)
    walk = torch.stack([torch.stack([_blob(5, turn, 0.55, deep) for turn in torch.linspace(0, 1.2, 5)]) for deep in (0.0, 0.25, 0.5)])
    latent_walk(
        walk, [-2, -1, 0, 1, 2], "z₁, standard deviations", row_values=[-1.5, 0, 1.5], row_name="z₂", caption="latent_walk", ax=right
    )  # fmt: skip


def _people(row: Any, noise: torch.Generator) -> None:
    left, middle, right = row.subplots(1, 3)
    joints, bones = torch.tensor(_JOINTS, dtype=torch.float32), bones_of(_PARENTS)
    photo = _person(joints, bones, noise)
    visible = torch.tensor([name not in ("right hand", "right elbow") for name in _NAMES])
    gone = joints.clone()
    gone[10] = math.nan
    skeleton(gone, bones, picture=photo, visible=visible, names=_NAMES, write_names=True, caption="skeleton", ax=left)
    moved = joints + 2.5 * torch.randn(joints.shape, generator=noise)
    skeleton(joints, bones, picture=photo, colour="#009E73", ax=middle)
    skeleton(moved, bones, picture=photo, colour="#D55E00", caption="skeleton, truth and answer", ax=middle)
    chosen = [2, 4, 6, 8, 10]
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    at = (joints[chosen] + 0.5) / 4 - 0.5
    bumps = torch.exp(-((x - at[:, 0, None, None]) ** 2 + (y - at[:, 1, None, None]) ** 2) / 3)
    heatmap(
        bumps, picture=photo, joints=joints[chosen], names=[_NAMES[joint] for joint in chosen], caption="heatmap, 16 × 16 maps", ax=right
    )


def _outlines(row: Any) -> None:
    panels = row.subplots(1, 3)
    turn = torch.arange(48) / 48 * 2 * math.pi
    star = torch.stack([torch.sin(turn), torch.cos(turn)], 1) * (1 + 0.35 * torch.cos(5 * turn))[:, None]
    polygon(star, y_up=True, filled=True, caption="polygon: order, start, direction", ax=panels[0])
    polygon(
        star.roll(16, 0).flip(0),
        values=torch.sin(turn).abs(),
        values_name="error, px",
        y_up=True,
        caption="polygon: one value a vertex",
        ax=panels[1],
    )
    # y grows downwards in a picture.
    star = star * torch.tensor([1.0, -1.0])
    polygon(star[::2] * 9.7 + 15.5, picture=_blob(5, math.pi / 10, 0.6), caption="polygon over its image", ax=panels[2])


def _errors(row: Any, noise: torch.Generator) -> None:
    y, x = torch.meshgrid(torch.linspace(-2, 2, 24), torch.linspace(-3, 3, 36), indexing="ij")
    wanted = torch.exp(-(x**2) - y**2)
    got = torch.exp(-((x - 0.4) ** 2) - y**2) + 0.02 * torch.randn(wanted.shape, generator=noise)
    got[3:6, 4:8] = math.nan
    error_picture(wanted, got, caption="error_picture", figure=row)


def _curves(row: Any, noise: torch.Generator) -> None:
    left, right = row.subplots(1, 2)
    step = torch.arange(1, 121.0)
    seeds = torch.stack([2 * torch.exp(-step / pace) + 0.2 for pace in (18, 22, 26, 31, 24)])
    training = seeds * (1 + 0.06 * torch.randn(seeds.shape, generator=noise))
    held_out = seeds[:, ::10] * 1.15 + 0.15
    loss_curves(
        {"training": training, "held out": held_out}, steps={"held out": step[::10]}, log=True, caption="loss_curves, five seeds", ax=left
    )
    broken = training[0].clone()
    broken[70:90] = math.nan
    loss_curves({"learning rate 0.1": training[1], "learning rate 3": broken}, caption="loss_curves, one run each", ax=right)


def _blob(lobes: int, turn: float, hue: float, depth: float = 0.3, size: int = 32) -> Tensor:
    """A coloured flower with soft edges, ``[3, size, size]``."""
    y, x = torch.meshgrid(torch.linspace(-1.6, 1.6, size), torch.linspace(-1.6, 1.6, size), indexing="ij")
    rim = 1 + depth * torch.cos(lobes * (torch.atan2(y, x) + float(turn)))
    inside = torch.sigmoid((rim - (x**2 + y**2).sqrt()) / 0.06)
    colour = torch.stack([torch.tensor(0.5 + 0.4 * math.cos(2 * math.pi * (hue + third / 3))) for third in range(3)])
    return 0.93 * (1 - inside) + colour[:, None, None] * inside


def _person(joints: Tensor, bones: list[tuple[int, int]], noise: torch.Generator) -> Tensor:
    """A grey figure before a noisy wall, ``[3, 64, 64]``."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    where = torch.stack([x, y], -1)
    photo = torch.tensor([0.55, 0.62, 0.66])[:, None, None] * (0.75 + 0.4 * y / 64) + 0.012 * torch.randn((3, 64, 64), generator=noise)
    for start, end in bones:
        a, b = joints[start], joints[end]
        along = (((where - a) @ (b - a)) / (b - a).square().sum()).clamp(0, 1)
        near = (where - a - along[..., None] * (b - a)).norm(dim=-1)
        cover = torch.sigmoid(((7 if end == 2 else 4) - near) / 0.5)
        photo = photo * (1 - cover) + torch.tensor([0.36, 0.3, 0.28])[:, None, None] * cover
    return photo.clamp(0, 1)


def _scene() -> Tensor:
    """A red disc above a blue square, ``[3, 32, 32]``."""
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    scene = torch.full((3, 32, 32), 0.95)
    for where, colour in (
        ((x - 9) ** 2 + (y - 8) ** 2 < 30, (0.85, 0.2, 0.15)),
        (((x - 21).abs() < 6) & ((y - 22).abs() < 6), (0.15, 0.3, 0.8)),
    ):
        scene[:, where] = torch.tensor(colour)[:, None]
    return scene


def _looks() -> Tensor:
    """Where eight words look, ``[8, 8, 8]``."""
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    centres = ((2, 2, 9.0), (2, 2, 1.5), (2, 2, 1.0), (4, 4, 4.0), (5, 5, 9.0), (5, 5, 1.5), (5, 5, 1.0), (0, 7, 60.0))
    looks = torch.stack([torch.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * spread)) for a, b, spread in centres])
    return looks / looks.sum((1, 2), keepdim=True)


def main(arguments: list[str]) -> int:
    """Write the page to the file that is named.

    Returns:
        Exit code: 0, or 2 where the call is wrong.
    """
    if len(arguments) != 1 or not arguments[0].endswith(".png"):
        print("usage: python -m vislab.show.gallery PATH.png", file=sys.stderr)
        return 2
    Path(arguments[0]).write_bytes(png(page()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
