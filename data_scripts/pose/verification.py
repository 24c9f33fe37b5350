"""What must be true of a finished file of people, recomputed from the file alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from data_scripts.builder import Finding, Stored
from data_scripts.pose.photograph import PHOTOGRAPHS, TEST, TRAIN, VAL
from data_scripts.pose.picture import box_around
from data_scripts.pose.skeleton import JOINTS, PARENTS, PARTS_AT

PROJECTION_MOST_PX = 1e-3
# at the border between two limbs a joint's pixel may belong to the neighbour.
OWN_LIMB_LEAST = 0.98
BONES_MOST_APART_M = 1e-4
LEVELS_APART_LEAST = 6.0
FRONT_LEAST, BACK_MOST = 0.75, 0.15
BOXES_OVERLAP_LEAST, BOTH_LEAST = 0.3, 0.85
SPEED_MOST_M_S = 8.0
FEW_JOINTS, FEW_SHARE_MOST = 5, 0.06
# fewer rows than this say nothing about shares.
ROWS_FOR_SHARES = 200


def findings(stored: Stored) -> list[Finding]:
    """Return what was looked at in a file of single people."""
    return [check(stored) for check in (*_EVERY, facing)]


def hidden_findings(stored: Stored) -> list[Finding]:
    """Return what was looked at in the file of hidden pictures: as of single people, but all are test pictures over other grounds."""
    return [*(check(stored) for check in _EVERY if check not in (grounds, leakage)), hidden_grounds(stored), facing(stored)]


def pair_findings(stored: Stored) -> list[Finding]:
    """Return what was looked at in a file of pairs: each person as if alone, and how often one hides the other."""
    return [*(check(flat_pairs(stored)) for check in _EVERY), hiding(stored)]


def sequence_findings(stored: Stored) -> list[Finding]:
    """Return what was looked at in a file of sequences: each frame as a picture, and that frames follow each other."""
    return [*(check(flat_sequences(stored)) for check in _EVERY), movement(stored)]


def flat_pairs(stored: Stored) -> Stored:
    """Return every person as a row of their own; the map of limbs keeps only theirs."""
    arrays = dict(stored.arrays)
    mine = arrays["person"][:, None] == np.array([1, 2], dtype=np.uint8)[:, None, None]
    limb = np.where(mine, arrays["limb"][:, None], -1).reshape(-1, *arrays["limb"].shape[1:])
    return replace(stored, arrays={**_flat(arrays, 2, ("pose_2d", "pose_3d", "root", "visible", "box")), "limb": limb})


def flat_sequences(stored: Stored) -> Stored:
    """Return every frame as a row of its own."""
    frames = stored.arrays["img"].shape[1]
    return replace(stored, arrays=_flat(stored.arrays, frames, ("img", "limb", "pose_2d", "pose_3d", "root", "visible", "box")))


def _flat(arrays: Mapping[str, np.ndarray], count: int, held: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Join the second axis of what has one for each to the first; repeat the rest."""
    return {name: array.reshape(-1, *array.shape[2:]) if name in held else array.repeat(count, 0) for name, array in arrays.items()}


def projection(stored: Stored) -> Finding:
    """``pose_2d`` is the projection of ``pose_3d + root``."""
    space = stored.arrays["pose_3d"].astype(np.float64) + stored.arrays["root"].astype(np.float64)[:, None]
    camera = stored.arrays["camera"].astype(np.float64)[:, None]
    off = np.abs(camera[..., :2] * space[..., :2] / space[..., 2:] + camera[..., 2:] - stored.arrays["pose_2d"]).max(-1)
    if not off.max() <= PROJECTION_MOST_PX:
        row, joint = np.unravel_index(int(off.argmax()), off.shape)
        told = f"pose_2d[{row}, {joint}] is {off.max():.3g} px off the projection of root + pose_3d; {PROJECTION_MOST_PX} are allowed"
        return Finding("projection", False, told)
    return Finding("projection", True, f"pose_2d is the projection of root + pose_3d within {off.max():.1e} px")


def own_limb(stored: Stored) -> np.ndarray:
    """Return, for every visible joint, whether the limb map shows a part that meets there: bool [joints]."""
    row, joint = np.nonzero(stored.arrays["visible"])
    x, y = (stored.arrays["pose_2d"][row, joint] + 0.5).astype(int).clip(0, stored.arrays["limb"].shape[-1] - 1).T
    part = stored.arrays["limb"][row, y, x]
    return np.array([number in PARTS_AT[where] for number, where in zip(part, joint)], dtype=bool)


def limbs(stored: Stored) -> Finding:
    """A visible joint lies on one of its own parts."""
    share = float(own_limb(stored).mean()) if stored.arrays["visible"].any() else 0.0
    if share < OWN_LIMB_LEAST:
        return Finding(
            "limbs", False, f"limb shows a joint's own part at {share:.2%} of the visible joints; {OWN_LIMB_LEAST:.0%} are asked"
        )
    return Finding("limbs", True, f"limb shows a joint's own part at {share:.2%} of the visible joints")


def outside(stored: Stored) -> Finding:
    """No joint outside of the image is visible."""
    pixels, height, width = stored.arrays["pose_2d"], *stored.arrays["img"].shape[-2:]
    out = ((pixels < -0.5) | (pixels >= (width - 0.5, height - 0.5))).any(-1)
    wrong = np.argwhere(out & stored.arrays["visible"])
    if len(wrong):
        return Finding("outside", False, f"visible{wrong[0].tolist()} is true of a joint outside of the image; {len(wrong)} are")
    return Finding("outside", True, f"{out.mean():.1%} of the joints lie outside of the image, none of them visible")


def boxes(stored: Stored) -> Finding:
    """``box`` is the extent of the person's pixels."""
    for row, limb in enumerate(stored.arrays["limb"]):
        expected = box_around(limb >= 0)
        if not np.array_equal(expected, stored.arrays["box"][row]):
            told = f"box[{row}] is {stored.arrays['box'][row].tolist()}; the person's pixels have {expected.tolist()}"
            return Finding("boxes", False, told)
    return Finding("boxes", True, "box is the extent of the person's pixels everywhere")


def bones(stored: Stored) -> Finding:
    """A person's left and right bones are equally long, and no bone is of no human length."""
    space, mirror = stored.arrays["pose_3d"].astype(np.float64), stored.attributes[""]["mirror"]
    length = np.linalg.norm(space[:, 1:] - space[:, list(PARENTS[1:])], axis=-1)
    twin = np.array([mirror[joint] for joint in range(1, len(JOINTS))]) - 1
    apart = np.abs(length - length[:, twin])
    if apart.max() > BONES_MOST_APART_M:
        row, bone = np.unravel_index(int(apart.argmax()), apart.shape)
        told = f"pose_3d[{row}]: the bone to {JOINTS[bone + 1]} is {apart.max():.3g} m longer or shorter than its twin"
        return Finding("bones", False, told)
    if length.min() < 0.05 or length.max() > 0.6:
        return Finding("bones", False, f"bones of {length.min():.2f} to {length.max():.2f} m; 0.05 to 0.6 are human")
    return Finding("bones", True, f"left and right bones are equal; lengths {length.min():.2f} to {length.max():.2f} m")


def grounds(stored: Stored) -> Finding:
    """Every split has photographs of its own."""
    background, split = stored.arrays["background"], stored.arrays["split"]
    for number, one in enumerate(PHOTOGRAPHS):
        strangers = np.flatnonzero((background == number) & (split != one.split))
        if strangers.size:
            told = f"background[{strangers[0]}] is {one.name} in split {split[strangers[0]]}; it belongs to split {one.split} alone"
            return Finding("backgrounds", False, told)
    if not np.array_equal(stored.arrays["group"], background):
        return Finding("backgrounds", False, "group must be the number of the background; it is not")
    counts = {name: int((split == which).sum()) for name, which in (("train", TRAIN), ("val", VAL), ("test", TEST))}
    used = {name: len(np.unique(background[split == which])) for name, which in (("train", TRAIN), ("val", VAL), ("test", TEST))}
    return Finding("backgrounds", True, ", ".join(f"{name} {counts[name]} rows over {used[name]} photographs" for name in counts))


def hidden_grounds(stored: Stored) -> Finding:
    """Every row is a test row before a photograph that no other set shows."""
    names, known = list(stored.attributes[""]["backgrounds"]), {one.name for one in PHOTOGRAPHS}
    if shared := sorted(known.intersection(names)):
        return Finding("backgrounds", False, f"the ground {shared[0]} stands in other sets, too; hidden pictures need grounds of their own")
    if (others := np.flatnonzero(stored.arrays["split"] != TEST)).size:
        return Finding(
            "backgrounds", False, f"split[{others[0]}] is {stored.arrays['split'][others[0]]}; every hidden row must be a test row"
        )
    return Finding("backgrounds", True, f"test {len(stored.arrays['split'])} rows over {', '.join(names)}, which no other set shows")


def leakage(stored: Stored) -> Finding:
    """No test picture is a training picture, not even roughly."""
    split = stored.arrays["split"]
    n, colours, height, width = stored.arrays["img"].shape
    coarse = stored.arrays["img"].reshape(n, colours, height // 4, 4, width // 4, 4).mean((3, 5), dtype=np.float32).reshape(n, -1)
    test, train = coarse[split == TEST], coarse[split == TRAIN]
    if not len(test) or not len(train):
        return Finding("leakage", True, "one split alone: nothing can leak")
    squares = (test**2).sum(1)[:, None] + (train**2).sum(1)[None] - 2 * test @ train.T
    apart = np.sqrt(np.maximum(squares, 0) / coarse.shape[1]).min(1)
    if apart.min() < LEVELS_APART_LEAST:
        row = int(np.flatnonzero(split == TEST)[apart.argmin()])
        return Finding(
            "leakage", False, f"img[{row}] of the test set is {apart.min():.2f} levels (root mean square) from a training picture"
        )
    return Finding("leakage", True, f"nearest training picture of any test picture: {apart.min():.0f} levels away (root mean square)")


def facing(stored: Stored) -> Finding:
    """A nose inside the image is seen from the front, and not from behind."""
    nose, yaw = JOINTS.index("nose"), np.abs(stored.arrays["yaw"])
    if len(yaw) < ROWS_FOR_SHARES:
        return Finding("facing", True, f"{len(yaw)} rows are too few to tell")
    size = stored.arrays["img"].shape[-1]
    inside = ((stored.arrays["pose_2d"][:, nose] >= -0.5) & (stored.arrays["pose_2d"][:, nose] < size - 0.5)).all(-1)
    front, back = (stored.arrays["visible"][inside & which, nose].mean() for which in (yaw < np.pi / 4, yaw > 0.95 * np.pi))
    told = f"the nose is visible in {front:.0%} of the pictures from the front, in {back:.0%} of those from behind"
    return Finding("facing", bool(front >= FRONT_LEAST and back <= BACK_MOST), told)


def seen(stored: Stored) -> Finding:
    """There is somebody to see in nearly every picture."""
    few = (stored.arrays["visible"].sum(1) < FEW_JOINTS).mean()
    told = f"{stored.arrays['visible'].mean():.1%} of all joints are visible; {few:.1%} of the pictures show fewer than {FEW_JOINTS}"
    return Finding("seen", bool(few <= FEW_SHARE_MOST or len(stored.arrays["visible"]) < ROWS_FOR_SHARES), told)


def hiding(stored: Stored) -> Finding:
    """In a fair share of the pictures one person hides a joint of the other, or touches their pixels."""
    boxes = stored.arrays["box"]
    low, high = np.maximum(boxes[:, 0, :2], boxes[:, 1, :2]), np.minimum(boxes[:, 0, 2:], boxes[:, 1, 2:])
    share = float((low < high).all(1).mean())
    both = float((stored.arrays["visible"].sum(2) > 0).all(1).mean())
    told = f"the two people's boxes overlap in {share:.0%} of the pictures; both are seen in {both:.0%}"
    return Finding("hiding", bool((share >= BOXES_OVERLAP_LEAST and both >= BOTH_LEAST) or len(boxes) < ROWS_FOR_SHARES // 2), told)


def movement(stored: Stored) -> Finding:
    """Joints move from frame to frame, and never jump; the person stays the same."""
    space = stored.arrays["pose_3d"].astype(np.float64) + stored.arrays["root"].astype(np.float64)[:, :, None]
    speed = np.linalg.norm(np.diff(space, axis=1), axis=-1) * float(stored.attributes[""]["frame_rate_hz"])
    if speed.max() > SPEED_MOST_M_S or speed.max((1, 2)).min() <= 0:
        told = f"the fastest joint moves at {speed.max():.1f} m/s and the stillest person's at {speed.max((1, 2)).min():.2f}"
        return Finding("movement", False, f"{told}; more than 0 and {SPEED_MOST_M_S} at most are asked")
    bones = np.linalg.norm(stored.arrays["pose_3d"][:, :, 1:] - stored.arrays["pose_3d"][:, :, list(PARENTS[1:])], axis=-1)
    change = np.ptp(bones, axis=1).max()
    if change > BONES_MOST_APART_M:
        return Finding(
            "movement", False, f"a bone changes its length by {change:.3g} m within a sequence; {BONES_MOST_APART_M} are allowed"
        )
    return Finding("movement", True, f"joints move at {np.median(speed):.1f} m/s in the middle case, {speed.max():.1f} at most; bones stay")


_EVERY: tuple[Callable[[Stored], Finding], ...] = (projection, limbs, outside, boxes, bones, grounds, leakage, seen)
