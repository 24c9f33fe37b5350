"""What is known of a tensor that the reader hands out: unit, meaning, convention, and what a warp of the image does to it."""

from __future__ import annotations

from dataclasses import dataclass

# dataset's name to what it is to an image; what is not listed has nothing to do with places in the image.
_ROLES = {
    "img": "image",
    "alpha": "image",
    "limb": "mask",
    "person": "mask",
    "mask": "mask",
    "pose_2d": "points",
    "polygon": "outline",
    "visible": "visibility",
    "labelled": "joints",
    "pose_3d": "space",
    "root": "space",
    "camera": "camera",
    "box": "box",
    "yaw": "bound",
    "theta": "bound",
    "matrix": "bound",
    "control": "bound",
    "tokens": "bound",
    "objects": "bound",
    "relation": "bound",
}


@dataclass(frozen=True)
class FieldInfo:
    """One tensor of a data set, as it is handed out.

    Args:
        name: its key in a batch.
        dtype: numpy name, or ``"str"``.
        shape: shape of one row.
        unit: unit of the numbers.
        meaning: one line.
        convention: name of the coordinate convention, "" for what is no coordinate.
        label: whether the numbers count something, and stay whole.
        mean, scale: how a standardised outline leads back to pixels (``conventions.standardise``); None where nobody knows.
        mirror: for joints or body parts: index of the left-right twin of each; None where nobody knows.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    unit: str
    meaning: str
    convention: str = ""
    label: bool = False
    mean: tuple[float, float] | None = None
    scale: tuple[float, float] | None = None
    mirror: tuple[int, ...] | None = None

    @property
    def role(self) -> str:
        """What a warp of the image does to it: image, mask, points, outline, visibility, joints, space, camera, box, bound, plain."""
        return _ROLES.get(self.name, "plain")


def mirror_by_name(names: list[str]) -> tuple[int, ...] | None:
    """Pair names that differ in left and right alone: index of each one's twin, itself for names without a side.

    Returns:
        None where a name with a side has no twin.
    """
    found = []
    for name in names:
        twin = " ".join({"left": "right", "right": "left"}.get(word, word) for word in name.replace("_", " ").split())
        plain = [other.replace("_", " ") for other in names]
        if twin not in plain:
            return None
        found.append(plain.index(twin))
    return tuple(found)
