"""Whether a joint is seen: what the camera sees in front of it must be the flesh around it.

A joint lies inside the body, so a fixed margin on depth is wrong somewhere: wide enough for a hip, it lets a wrist shine through a
thigh. Here each joint has its own flesh. What lies in front of the joint by no more than that is its own surface. A part that meets at
the joint may lie a little further in front, since the trunk is thicker than the flesh around a hip; any other part may not. So a hip is
seen from the front, the back and its own side, and not through the trunk from the other side.
"""

from __future__ import annotations

import numpy as np

from data_scripts.pose.skeleton import JOINTS, PARTS, PARTS_AT

# an end of the body has no flesh of its own to speak of in front of it.
_STRANGER_M = 0.012
SEEN_SHARE = 0.5
_MEETS = np.zeros((len(JOINTS), len(PARTS) + 1), dtype=bool)
for _joint, _parts in enumerate(PARTS_AT):
    _MEETS[_joint, list(_parts)] = True


def hides(joint: int, in_front_m: np.ndarray, part: np.ndarray, flesh_m: np.ndarray) -> np.ndarray:
    """Return whether surfaces hide a joint.

    Args:
        joint: its number.
        in_front_m: how far in front of the joint each surface lies, negative behind it, minus infinity for nothing.
        part: the surfaces' parts, -1 for nothing.
        flesh_m: [2], the flesh in front of the joint, and how much more the parts that meet there may add.
    """
    return in_front_m > np.where(_MEETS[joint][part], flesh_m.sum(), flesh_m[0] + _STRANGER_M)


def visible(
    pixels: np.ndarray,
    depths: np.ndarray,
    flesh_m: np.ndarray,
    focal_px: float,
    at_px: np.ndarray,
    depth: np.ndarray,
    part: np.ndarray,
    cover: np.ndarray,
    size_px: int,
) -> np.ndarray:
    """Return which joints are seen: inside the image, and at half of a small disc about them hidden by nothing.

    Args:
        pixels: [17, 2], x and y of each joint.
        depths: [17], metres.
        flesh_m: [17, 2], as for ``hides``.
        focal_px: focal length.
        at_px: [S], pixel coordinate of each column of samples, and of each row.
        depth: [S, S], metres of what is in front, inf for nothing.
        part: int [S, S], its part, -1 for nothing.
        cover: bool [S, S], where something that is no person is in front.
        size_px: side of the image.

    Returns:
        bool [17].
    """
    found = np.zeros(len(JOINTS), dtype=bool)
    inside = ((pixels >= -0.5) & (pixels < size_px - 0.5)).all(-1)
    step = at_px[1] - at_px[0]
    for joint in np.flatnonzero(inside).tolist():
        # a third of the flesh's radius, but two samples across at least.
        radius_px = max(flesh_m[joint, 0] * focal_px / depths[joint] / 3, step)
        left, top = np.searchsorted(at_px, pixels[joint] - radius_px)
        right, bottom = np.searchsorted(at_px, pixels[joint] + radius_px, "right")
        box = np.s_[top:bottom, left:right]
        x, y = at_px[box[1]] - pixels[joint, 0], at_px[box[0]] - pixels[joint, 1]
        disc = x**2 + y[:, None] ** 2 <= radius_px**2
        hidden = hides(joint, depths[joint] - depth[box], part[box], flesh_m[joint]) | cover[box]
        found[joint] = (~hidden)[disc].mean() >= SEEN_SHARE
    return found
