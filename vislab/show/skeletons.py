"""Skeletons: joints and bones over an image, with what is hidden, what is left and what is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from vislab.show.pixels import ValueRange, array, lay, points, rgb
from vislab.show.style import LINE_PT, MARKER_PT, SIDES, SMALL_PT, axes, halo, keep_limits, line_halo, note, title


def skeleton(
    joints: Tensor,
    bones: Sequence[tuple[int, int]],
    *,
    picture: Tensor | None = None,
    visible: Tensor | None = None,
    sides: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    write_names: bool = False,
    colour: str | None = None,
    caption: str = "",
    value_range: ValueRange = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one skeleton, over its image if there is one.

    Shapes: J joints, C channels (1 or 3), H height, W width.

    Args:
        joints: ``[J, 2]``, x then y, pixels, any real dtype and device.
        bones: pairs of joint numbers in 0..J−1; ``bones_of(parents)`` makes them from a list of parents.
        picture: image as ``image`` takes it; None draws on white, y downwards.
        visible: bool ``[J]``; a hidden joint is white with a coloured rim, and its bones are dashed. None: all are visible.
        sides: J words of ``"left"`` (orange), ``"right"`` (blue), ``"centre"`` (green): the person's own sides. None: read from names
            (``left…``, ``l_…``, ``right…``, ``r_…``), else all green.
        names: J joint names, used in what is said about single joints.
        write_names: write the names beside the joints.
        colour: one colour for everything, instead of the sides; to tell an answer from the truth.
        caption: title of the panel.
        value_range: as in ``image``.
        ax: panel to draw into; None opens a figure.

    Returns:
        The panel. Joints that are NaN or infinite, and their bones, are left out and named below it; so are those outside the image.

    Raises:
        TypeError: joints that are no tensor, a ``visible`` that is not bool.
        ValueError: a shape that is not as above, a bone to a joint that is not there, an unknown side.

    Convention:
        Pixel centres are whole numbers, as in ``vislab.geometry``; normalised coordinates go through ``norm_to_pixel`` first.

    Example:
        >>> joints = torch.tensor([[4.0, 1.0], [4.0, 6.0]])
        >>> panel = skeleton(joints, [(0, 1)], picture=torch.zeros(8, 8), names=["head", "hip"])
        >>> panel.lines[0].get_xydata().tolist()
        [[4.0, 1.0], [4.0, 6.0]]
    """
    place = points(joints, "joints")
    count = len(place)
    seen = _visible(visible, count)
    side = _sides(sides, names, count)
    _check_bones(bones, count)
    if write_names and names is None:
        raise ValueError("write_names needs names; pass names=[...], one a joint")
    under = rgb(picture, "picture", value_range) if picture is not None else None
    panel = axes(ax)
    if under is not None:
        lay(panel, under)
    finite = np.isfinite(place).all(1)
    with keep_limits(panel, fixed=picture is not None):
        for start, end in bones:
            if finite[start] and finite[end]:
                solid = bool(seen[start] and seen[end])
                panel.plot(
                    place[[start, end], 0], place[[start, end], 1], color=colour or SIDES[_bone_side(side[start], side[end])],
                    linewidth=LINE_PT, linestyle="-" if solid else (0, (2, 1.5)), marker="", path_effects=line_halo(LINE_PT), zorder=2,
                )  # fmt: skip
        for joint in np.flatnonzero(finite).tolist():
            shade = colour or SIDES[side[joint]]
            face, edge = (shade, "white") if seen[joint] else ("white", shade)
            panel.plot(
                *place[joint], marker="o", markersize=MARKER_PT, linestyle="", markerfacecolor=face, markeredgecolor=edge,
                markeredgewidth=0.8 if seen[joint] else 1.4, zorder=3, gid=f"joint {joint}",
            )  # fmt: skip
            if write_names and names is not None:
                _write(panel, place, finite, joint, names[joint])
    if picture is None:
        _white_panel(panel)
    title(panel, caption)
    _say("not a finite number", np.flatnonzero(~finite), names, panel)
    if picture is not None:
        x, y = (np.sort(limits) for limits in (panel.get_xlim(), panel.get_ylim()))
        outside = finite & ~((place[:, 0] >= x[0]) & (place[:, 0] <= x[1]) & (place[:, 1] >= y[0]) & (place[:, 1] <= y[1]))
        _say("outside the image", np.flatnonzero(outside), names, panel)
    return panel


def bones_of(parents: Sequence[int]) -> list[tuple[int, int]]:
    """Turn a list of parents into bones.

    Args:
        parents: for each joint the number of its parent, −1 for a root.

    Returns:
        ``(parent, joint)`` for every joint that has a parent.

    Raises:
        ValueError: a parent that is not in −1..J−1, or a joint that is its own.

    Example:
        >>> bones_of([-1, 0, 1, 0])
        [(0, 1), (1, 2), (0, 3)]
    """
    for joint, above in enumerate(parents):
        if not -1 <= above < len(parents) or above == joint:
            raise ValueError(f"parents[{joint}] {above} must be another joint in 0..{len(parents) - 1}, or -1 for a root")
    return [(int(above), joint) for joint, above in enumerate(parents) if above != -1]


def _write(panel: Axes, place: np.ndarray, finite: np.ndarray, joint: int, name: str) -> None:
    # away from the body's middle, where fewer names meet.
    outward = -1 if place[joint, 0] < place[finite, 0].mean() else 1
    panel.annotate(
        name, tuple(place[joint]), xytext=(5 * outward, 0), textcoords="offset points", ha="right" if outward < 0 else "left",
        va="center", fontsize=SMALL_PT, path_effects=halo(), annotation_clip=True, zorder=4,
    )  # fmt: skip


def _white_panel(panel: Axes) -> None:
    panel.set_aspect("equal", adjustable="datalim")
    panel.margins(0.1)
    if not panel.yaxis_inverted():
        panel.invert_yaxis()
    panel.tick_params(labelsize=SMALL_PT)


def _say(what: str, joints: np.ndarray, names: Sequence[str] | None, panel: Axes) -> None:
    if len(joints):
        told = [str(names[joint]) if names else str(joint) for joint in joints]
        shown = ", ".join(told[:4]) + (f" and {len(told) - 4} more" if len(told) > 4 else "")
        note(panel, f"{what}: {'joint' if len(told) == 1 else 'joints'} {shown}")


def _visible(visible: Tensor | None, count: int) -> np.ndarray:
    if visible is None:
        return np.ones(count, dtype=bool)
    seen = array(visible, "visible")
    if str(visible.dtype) != "torch.bool":
        raise TypeError(f"visible.dtype {visible.dtype} must be torch.bool; write visible > 0.5")
    if seen.shape != (count,):
        raise ValueError(f"visible.shape {tuple(visible.shape)} must be ({count},), one a joint; of a batch pass one, as in visible[0]")
    return seen.astype(bool)


def _sides(sides: Sequence[str] | None, names: Sequence[str] | None, count: int) -> list[str]:
    for word, given in (("sides", sides), ("names", names)):
        if given is not None and len(given) != count:
            raise ValueError(f"{word} has {len(given)} entries and joints {count}; give one a joint")
    if sides is None:
        return [_side_of(name) for name in names] if names is not None else ["centre"] * count
    for joint, side in enumerate(sides):
        if side not in SIDES:
            raise ValueError(f"sides[{joint}] {side!r} must be one of {', '.join(SIDES)}")
    return list(sides)


def _side_of(name: str) -> str:
    word = name.lower()
    for side in ("left", "right"):
        if word.startswith((side, f"{side[0]}_", f"{side[0]} ")) or word.endswith((f"_{side[0]}", f" {side}", f"_{side}")):
            return side
    return "centre"


def _bone_side(start: str, end: str) -> str:
    # a bone from the trunk to a limb belongs to the limb; one across the body to neither side.
    if "centre" in (start, end):
        return end if start == "centre" else start
    return start if start == end else "centre"


def _check_bones(bones: Sequence[tuple[int, int]], count: int) -> None:
    for number, bone in enumerate(bones):
        if len(tuple(bone)) != 2 or not all(0 <= int(joint) < count for joint in bone):
            raise ValueError(
                f"bones[{number}] {tuple(bone)} must be two joint numbers in 0..{count - 1}; from a list of parents: bones_of(parents)"
            )
