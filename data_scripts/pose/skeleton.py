"""The skeleton: 17 joints in the order of Human3.6M, 14 body parts, and which parts meet at which joint."""

from __future__ import annotations

SIDES = ("right", "left")

# Human3.6M calls joint 9 neck or nose; here it is the nose; the top of the head lies just under the hair.
JOINTS = (
    "pelvis",
    "right hip",
    "right knee",
    "right ankle",
    "left hip",
    "left knee",
    "left ankle",
    "spine",
    "thorax",
    "nose",
    "head top",
    "left shoulder",
    "left elbow",
    "left wrist",
    "right shoulder",
    "right elbow",
    "right wrist",
)
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
_SIDED_PARTS = ("upper arm", "forearm", "hand", "thigh", "shin", "foot")
PARTS = ("head", "torso", *(f"{side} {part}" for side in SIDES for part in _SIDED_PARTS))

_MEETING = {
    "pelvis": ("torso", "right thigh", "left thigh"),
    "spine": ("torso",),
    "thorax": ("torso", "head"),
    "nose": ("head",),
    "head top": ("head",),
    "hip": ("torso", "thigh"),
    "knee": ("thigh", "shin"),
    "ankle": ("shin", "foot"),
    "shoulder": ("torso", "upper arm"),
    "elbow": ("upper arm", "forearm"),
    "wrist": ("forearm", "hand"),
}


def other_side(name: str) -> str:
    """Return the name with left and right exchanged; a name without a side stays as it is."""
    return " ".join({"left": "right", "right": "left"}.get(word, word) for word in name.split())


MIRROR = tuple(JOINTS.index(other_side(name)) for name in JOINTS)


def _parts_at(joint: str) -> tuple[int, ...]:
    side, _, plain = joint.partition(" ")
    sided = side in SIDES
    named = _MEETING[plain if sided else joint]
    return tuple(PARTS.index(f"{side} {part}" if sided and part in _SIDED_PARTS else part) for part in named)


# numbers of the parts that meet at each joint, in the order of JOINTS.
PARTS_AT = tuple(_parts_at(joint) for joint in JOINTS)
