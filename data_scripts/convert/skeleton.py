"""The joints of published data sets: names, parents, and which of them are left and right of each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_scripts.builder import BuildError


@dataclass(frozen=True)
class Skeleton:
    """Joints in the order of the data set.

    Args:
        names: of the joints, sides in front: "left knee".
        parents: number of each joint's parent, -1 for the root; empty where nobody knows.
        mirror: number of each joint's left-right twin, itself where it has none; empty where nobody knows.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...] = ()
    mirror: tuple[int, ...] = ()

    def attributes(self) -> dict[str, Any]:
        """Return the file attributes."""
        told: dict[str, Any] = {"joint_names": list(self.names)}
        return told | ({"parents": list(self.parents), "mirror": list(self.mirror)} if self.parents else {})


def _sided(names: tuple[str, ...], parents: tuple[int, ...]) -> Skeleton:
    other = {"left": "right", "right": "left"}
    twins = (" ".join(other.get(word, word) for word in name.split()) for name in names)
    return Skeleton(names, parents, tuple(names.index(twin) for twin in twins))


# the tree is ours: MPII publishes joints alone.
MPII = _sided(
    (
        "right ankle",
        "right knee",
        "right hip",
        "left hip",
        "left knee",
        "left ankle",
        "pelvis",
        "thorax",
        "upper neck",
        "head top",
        "right wrist",
        "right elbow",
        "right shoulder",
        "left shoulder",
        "left elbow",
        "left wrist",
    ),
    (1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
)
# COCO publishes a graph with circles; this is the tree in it that treats left and right alike.
COCO = _sided(
    (
        "nose",
        "left eye",
        "right eye",
        "left ear",
        "right ear",
        "left shoulder",
        "right shoulder",
        "left elbow",
        "right elbow",
        "left wrist",
        "right wrist",
        "left hip",
        "right hip",
        "left knee",
        "right knee",
        "left ankle",
        "right ankle",
    ),
    (-1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
)
_ARM, _LEG = ("shoulder", "elbow", "wrist", "finger"), ("hip", "knee", "ankle", "toe")
# in the order in which public readers of the data set list them; the files themselves name no joint.
EGOCAP = _sided(
    ("head", "neck", *(f"{side} {part}" for limb in (_ARM, _LEG) for side in ("left", "right") for part in limb)),
    (1, -1, 1, 2, 3, 4, 1, 6, 7, 8, 1, 10, 11, 12, 1, 14, 15, 16),
)


def unnamed(joints: int) -> Skeleton:
    """Return joints of which nothing is known but their number."""
    return Skeleton(tuple(f"joint {number}" for number in range(joints)))


def from_choice(choice: str, joints: int) -> Skeleton:
    """Return the skeleton that was asked for.

    Args:
        choice: "unnamed", "egocap", or the path of a JSON file with ``joint_names``, ``parents`` and ``mirror``.
        joints: how many there are in the data.

    Raises:
        BuildError: another number of joints, or a file that does not hold a skeleton.
    """
    if choice == "unnamed":
        return unnamed(joints)
    skeleton = EGOCAP if choice == "egocap" else _read(Path(choice))
    if len(skeleton.names) != joints:
        raise BuildError(
            f"--skeleton {choice} has {len(skeleton.names)} joints; the file has {joints}; they must agree; pass unnamed, or a JSON file"
        )
    return skeleton


def _read(path: Path) -> Skeleton:
    if not path.is_file():
        raise BuildError(f"--skeleton {path} must be unnamed, egocap, or a JSON file with joint_names, parents and mirror")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        names = tuple(str(name) for name in told["joint_names"])
        parents, mirror = (tuple(int(number) for number in told[key]) for key in ("parents", "mirror"))
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(
            f"--skeleton {path} must hold an object with the lists joint_names, parents and mirror; it does not: {error!r}"
        ) from error
    if not names or len(parents) != len(names) or len(mirror) != len(names):
        raise BuildError(f"--skeleton {path}: joint_names, parents and mirror must be equally long, and not empty")
    return Skeleton(names, parents, mirror)
