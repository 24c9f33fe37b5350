"""How joints may turn: limits of every Euler angle, draws within them, and the chain of rotations that follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_scripts.pose.skeleton import SIDES


@dataclass(frozen=True)
class Limit:
    """One angle, degrees: a triangular distribution from ``low`` over ``mode`` to ``high``."""

    name: str
    low: float
    mode: float
    high: float


# flexion bends forward (a knee backward), abduction leads away from the body, twist turns about the bone, inward for both sides.
_MIDDLE = (
    Limit("waist flexion", -12, 4, 30),
    Limit("waist bend", -10, 0, 10),
    Limit("waist twist", -15, 0, 15),
    Limit("chest flexion", -12, 4, 25),
    Limit("chest bend", -10, 0, 10),
    Limit("chest twist", -15, 0, 15),
    Limit("head flexion", -30, 5, 35),
    Limit("head bend", -20, 0, 20),
    Limit("head twist", -55, 0, 55),
)
_SIDED = (
    Limit("hip flexion", -25, 8, 85),
    Limit("hip abduction", -8, 6, 40),
    Limit("hip twist", -25, 0, 25),
    Limit("knee flexion", 0, 10, 115),
    Limit("ankle flexion", -20, 0, 25),
    Limit("shoulder flexion", -40, 20, 150),
    Limit("shoulder abduction", 0, 18, 140),
    Limit("shoulder twist", -60, 10, 60),
    Limit("elbow flexion", 0, 25, 140),
    Limit("wrist flexion", -30, 0, 30),
)
LIMITS = (*_MIDDLE, *(Limit(f"{side} {one.name}", one.low, one.mode, one.high) for side in SIDES for one in _SIDED))
_COLUMN = {limit.name: column for column, limit in enumerate(LIMITS)}
_LOW, _MODE, _HIGH = (np.array([getattr(limit, part) for limit in LIMITS]) for part in ("low", "mode", "high"))


def draw_angles(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return ``count`` draws of all angles: float64 [count, angles], degrees, in the order of ``LIMITS``."""
    return rng.triangular(_LOW, _MODE, _HIGH, (count, len(LIMITS)))


def turn(x_deg: np.ndarray, y_deg: np.ndarray, z_deg: np.ndarray) -> np.ndarray:
    """Return rotations that turn about y first, then x, then z: float64 [..., 3, 3], for columns on the left of a vector.

    Example:
        >>> turn(np.array(90.0), np.array(0.0), np.array(0.0)).round() @ [0, 1, 0]
        array([0., 0., 1.])
    """
    x, y, z = (np.radians(angle) for angle in np.broadcast_arrays(x_deg, y_deg, z_deg))
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    rows = (
        (cz * cy - sz * sx * sy, -sz * cx, cz * sy + sz * sx * cy),
        (sz * cy + cz * sx * sy, cz * cx, sz * sy - cz * sx * cy),
        (-cx * sy, sx, cx * cy),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def frames(angles: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rotation of each segment against the pelvis.

    Args:
        angles: float [..., angles], degrees, in the order of ``LIMITS``.

    Returns:
        Segment to float64 [..., 3, 3].

    Convention:
        On the body's axes x points to its left, y up, z forward; at angles of 0 it stands with its arms hanging down.
    """

    def of(joint: str, side: str = "", bends_back: bool = False, away: str = "abduction") -> np.ndarray:
        lead = f"{side} {joint}" if side else joint
        zero = np.zeros(angles.shape[:-1])
        flexion, swing, twist = (
            angles[..., _COLUMN[f"{lead} {kind}"]] if f"{lead} {kind}" in _COLUMN else zero for kind in ("flexion", away, "twist")
        )
        # what leads a left limb away from the body, or turns it inward, runs the other way round on the right.
        sign = -1.0 if side == "right" else 1.0
        return turn(flexion if bends_back else -flexion, -sign * twist if side else twist, sign * swing)

    found = {"pelvis": np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))}
    # the trunk points up from its joints, so the same flexion turns the other way round.
    found["waist"] = of("waist", bends_back=True, away="bend")
    found["chest"] = found["waist"] @ of("chest", bends_back=True, away="bend")
    found["head"] = found["chest"] @ of("head", bends_back=True, away="bend")
    for side in SIDES:
        found[f"{side} thigh"] = of("hip", side)
        found[f"{side} shin"] = found[f"{side} thigh"] @ of("knee", side, bends_back=True)
        found[f"{side} foot"] = found[f"{side} shin"] @ of("ankle", side)
        found[f"{side} upper arm"] = found["chest"] @ of("shoulder", side)
        found[f"{side} forearm"] = found[f"{side} upper arm"] @ of("elbow", side)
        found[f"{side} hand"] = found[f"{side} forearm"] @ of("wrist", side)
    return found
