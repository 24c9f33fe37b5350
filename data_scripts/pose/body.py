"""A body: where its points lie for given angles, and the tapered capsules around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_scripts.pose.articulation import frames
from data_scripts.pose.skeleton import JOINTS, PARTS, SIDES

BODY_JITTER = 0.07
BONE_JITTER = 0.05
GIRTH_JITTER = 0.12


@dataclass(frozen=True)
class Point:
    """A point fixed to a segment: ``offset`` metres from the point ``origin`` on the axes of ``segment``, as long as ``bone`` is drawn."""

    name: str
    segment: str
    origin: str
    offset: tuple[float, float, float]
    bone: str


@dataclass(frozen=True)
class Capsule:
    """A body part's piece: spheres of radius ``start_m`` to ``end_m`` along the line from point ``start`` to point ``end``."""

    part: str
    start: str
    end: str
    start_m: float
    end_m: float
    paint: str


def _sided(name: str, sign: float) -> list[Point]:
    def at(point: str, segment: str, origin: str, offset: tuple[float, float, float], bone: str, own: bool = True) -> Point:
        return Point(
            f"{name} {point}",
            f"{name} {segment}" if own else segment,
            f"{name} {origin}" if own else origin,
            (sign * offset[0], *offset[1:]),
            bone,
        )

    return [
        at("hip", "pelvis", "pelvis", (0.095, -0.03, 0.0), "pelvis", own=False),
        at("flank", "pelvis", "pelvis", (0.07, 0.02, 0.0), "pelvis", own=False),
        at("knee", "thigh", "hip", (0.0, -0.43, 0.0), "thigh"),
        at("ankle", "shin", "knee", (0.0, -0.40, 0.0), "shin"),
        at("heel", "foot", "ankle", (0.0, -0.045, -0.035), "foot"),
        at("toe", "foot", "ankle", (0.0, -0.055, 0.16), "foot"),
        at("shoulder", "chest", "thorax", (0.175, -0.045, 0.0), "chest", own=False),
        at("rib", "chest", "thorax", (0.075, -0.15, 0.01), "chest", own=False),
        at("elbow", "upper arm", "shoulder", (0.0, -0.285, 0.0), "upper arm"),
        at("wrist", "forearm", "elbow", (0.0, -0.25, 0.0), "forearm"),
        at("fingers", "hand", "wrist", (0.0, -0.115, 0.0), "hand"),
    ]


POINTS = (
    Point("pelvis", "pelvis", "", (0.0, 0.0, 0.0), "pelvis"),
    Point("spine", "waist", "pelvis", (0.0, 0.24, 0.0), "trunk"),
    Point("thorax", "chest", "spine", (0.0, 0.26, 0.0), "trunk"),
    Point("throat", "head", "thorax", (0.0, 0.09, 0.012), "head"),
    Point("chin", "head", "thorax", (0.0, 0.115, 0.045), "head"),
    Point("brow", "head", "thorax", (0.0, 0.175, 0.03), "head"),
    Point("nose root", "head", "thorax", (0.0, 0.165, 0.105), "head"),
    Point("nose tip", "head", "thorax", (0.0, 0.135, 0.13), "head"),
    Point("nose", "head", "thorax", (0.0, 0.145, 0.1), "head"),
    Point("crown", "head", "thorax", (0.0, 0.19, -0.005), "head"),
    Point("nape", "head", "thorax", (0.0, 0.13, -0.035), "head"),
    Point("head top", "head", "thorax", (0.0, 0.25, -0.005), "head"),
    *_sided("right", -1.0),
    *_sided("left", 1.0),
)
POINT_NUMBER = {point.name: number for number, point in enumerate(POINTS)}
JOINT_POINTS = np.array([POINT_NUMBER[joint] for joint in JOINTS])
BONES = tuple(dict.fromkeys(point.bone for point in POINTS))

CAPSULES = (
    Capsule("torso", "right flank", "left flank", 0.100, 0.100, "trousers"),
    Capsule("torso", "pelvis", "spine", 0.095, 0.095, "shirt"),
    Capsule("torso", "right flank", "right rib", 0.092, 0.100, "shirt"),
    Capsule("torso", "left flank", "left rib", 0.092, 0.100, "shirt"),
    Capsule("torso", "right rib", "left rib", 0.105, 0.105, "shirt"),
    Capsule("torso", "right shoulder", "left shoulder", 0.056, 0.056, "shirt"),
    Capsule("torso", "right rib", "right shoulder", 0.090, 0.055, "shirt"),
    Capsule("torso", "left rib", "left shoulder", 0.090, 0.055, "shirt"),
    Capsule("head", "thorax", "throat", 0.056, 0.050, "skin"),
    Capsule("head", "chin", "brow", 0.062, 0.078, "skin"),
    Capsule("head", "nose root", "nose tip", 0.010, 0.018, "skin"),
    Capsule("head", "crown", "nape", 0.086, 0.080, "hair"),
    *(
        piece
        for side in SIDES
        for piece in (
            Capsule(f"{side} upper arm", f"{side} shoulder", f"{side} elbow", 0.052, 0.042, "shirt"),
            Capsule(f"{side} forearm", f"{side} elbow", f"{side} wrist", 0.042, 0.030, "sleeve"),
            Capsule(f"{side} hand", f"{side} wrist", f"{side} fingers", 0.034, 0.026, "skin"),
            Capsule(f"{side} thigh", f"{side} hip", f"{side} knee", 0.088, 0.060, "trousers"),
            Capsule(f"{side} shin", f"{side} knee", f"{side} ankle", 0.058, 0.040, "leg"),
            Capsule(f"{side} foot", f"{side} heel", f"{side} toe", 0.044, 0.032, "shoe"),
        )
    ),
)
CAPSULE_PART = np.array([PARTS.index(capsule.part) for capsule in CAPSULES])
CAPSULE_ENDS = np.array([[POINT_NUMBER[capsule.start], POINT_NUMBER[capsule.end]] for capsule in CAPSULES])
PAINTS = tuple(dict.fromkeys(capsule.paint for capsule in CAPSULES))
CAPSULE_PAINT = np.array([PAINTS.index(capsule.paint) for capsule in CAPSULES])
_RADII_M = np.array([[capsule.start_m, capsule.end_m] for capsule in CAPSULES])
# the flesh around each joint: how far in front of it its own surface lies, and how much further a part that meets there may: the trunk
# is wider than deep, and thicker than the flesh around a hip.
_FLESH_M = {
    "pelvis": (0.100, 0.100),
    "hip": (0.088, 0.050),
    "knee": (0.060, 0.035),
    "ankle": (0.044, 0.030),
    "spine": (0.095, 0.105),
    "thorax": (0.056, 0.050),
    "nose": (0.045, 0.020),
    "head top": (0.030, 0.055),
    "shoulder": (0.056, 0.040),
    "elbow": (0.042, 0.030),
    "wrist": (0.034, 0.025),
}
_JOINT_FLESH_M = np.array([_FLESH_M[joint.removeprefix("right ").removeprefix("left ")] for joint in JOINTS])
# pieces that must stay apart: forearms and hands keep out of the trunk, the head and the legs, a shin keeps out of the other leg.
_APART_PARTS = [
    *((f"{side} {part}", other) for side in SIDES for part in ("forearm", "hand") for other in ("torso", "head")),
    *((f"{side} {part}", f"{of} {leg}") for side in SIDES for part in ("forearm", "hand") for of in SIDES for leg in ("thigh", "shin")),
    *((f"right {part}", f"left {other}") for part in ("forearm", "hand") for other in ("forearm", "hand", "upper arm")),
    ("right upper arm", "left forearm"),
    ("right upper arm", "left hand"),
    *((f"{part}", "torso") for part in ("right shin", "left shin")),
    ("right shin", "left shin"),
    ("right shin", "left thigh"),
    ("right thigh", "left shin"),
    ("right foot", "left shin"),
    ("right shin", "left foot"),
    ("right foot", "left foot"),
]
_APART = np.array(
    [
        [one, other]
        for first, second in _APART_PARTS
        for one in np.flatnonzero(CAPSULE_PART == PARTS.index(first))
        for other in np.flatnonzero(CAPSULE_PART == PARTS.index(second))
    ]
)
_ALONG = np.array([0.1, 0.4, 0.7, 1.0])


@dataclass(frozen=True)
class Build:
    """How one person is built: ``bones`` scale by bone, and one scale for every radius."""

    bones: dict[str, float]
    girth: float

    @property
    def radii_m(self) -> np.ndarray:
        """Radii of the capsules' ends, float64 [capsules, 2]."""
        return _RADII_M * self.girth

    @property
    def flesh_m(self) -> np.ndarray:
        """Flesh in front of each joint, and how much more of it the parts that meet there may add, float64 [17, 2]."""
        return _JOINT_FLESH_M * self.girth


def draw_build(rng: np.random.Generator) -> Build:
    """Draw a person's proportions: the whole body within 7 %, each bone within 5 % of that, left and right alike."""
    body = 1 + rng.uniform(-BODY_JITTER, BODY_JITTER)
    bones = {bone: float(body * (1 + rng.uniform(-BONE_JITTER, BONE_JITTER))) for bone in BONES}
    return Build(bones, float(body * (1 + rng.uniform(-GIRTH_JITTER, GIRTH_JITTER))))


def place(angles: np.ndarray, build: Build) -> np.ndarray:
    """Return every point of the body on the body's axes, from the pelvis.

    Args:
        angles: float [..., angles], degrees.
        build: proportions.

    Returns:
        float64 [..., points, 3], metres, in the order of ``POINTS``.
    """
    turned = frames(angles)
    found: dict[str, np.ndarray] = {"": np.zeros((*angles.shape[:-1], 3))}
    for point in POINTS:
        offset = np.array(point.offset) * build.bones[point.bone]
        found[point.name] = found[point.origin] + turned[point.segment] @ offset
    return np.stack([found[point.name] for point in POINTS], -2)


def overlap_m(points: np.ndarray, build: Build) -> np.ndarray:
    """Return how deep pieces that must stay apart lie in each other, metres, 0 where nothing does.

    Args:
        points: float [..., points, 3].
        build: proportions.

    Returns:
        float64 [...]: the deepest of any two pieces, sampled at four places along the first one.
    """
    ends, radii = points[..., CAPSULE_ENDS, :], build.radii_m
    one, other = _APART.T
    return _depths_m(ends[..., one, :, :], radii[one], ends[..., other, :, :], radii[other]).max((-1, -2))


def contact_m(first: np.ndarray, first_build: Build, second: np.ndarray, second_build: Build) -> float:
    """Return how deep two bodies lie in each other, metres, 0 where they do not touch; points are [points, 3] on the same axes."""
    one, other = first[CAPSULE_ENDS][:, None], second[CAPSULE_ENDS][None]
    return float(_depths_m(one, first_build.radii_m[:, None], other, second_build.radii_m[None]).max())


def _depths_m(one: np.ndarray, one_m: np.ndarray, other: np.ndarray, other_m: np.ndarray) -> np.ndarray:
    """Return how deep places along each first capsule lie in the second: ends [..., 2, 3], radii [..., 2], result [..., places]."""
    probes = one[..., :1, :] + _ALONG[:, None] * (one[..., 1:, :] - one[..., :1, :])
    probe_m = one_m[..., :1] + _ALONG * (one_m[..., 1:] - one_m[..., :1])
    axis = other[..., 1, :] - other[..., 0, :]
    from_start = probes - other[..., :1, :]
    share = ((from_start * axis[..., None, :]).sum(-1) / np.maximum((axis**2).sum(-1), 1e-12)[..., None]).clip(0, 1)
    apart = np.sqrt(((from_start - share[..., None] * axis[..., None, :]) ** 2).sum(-1))
    return np.maximum(probe_m + other_m[..., :1] + share * (other_m[..., 1:] - other_m[..., :1]) - apart, 0)
