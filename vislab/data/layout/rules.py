"""What must hold across the datasets of a file; each rule returns sentences about what does not."""

from __future__ import annotations

from collections.abc import Callable

import h5py
import numpy as np

from vislab.data.layout.conventions import signed_area
from vislab.data.layout.schema import SPLITS

_BLOCK_ROWS = 4096
# float32 poses hundreds of pixels from the origin, seen through a float32 camera.
_PROJECTION_PIXELS_MAX = 0.05
_STANDARDISED_MAX = 1e-3


def groups_keep_to_one_split(file: h5py.File) -> list[str]:
    """No identity lies in two splits, whether splits are codes or tables."""
    seen: dict[int, set[int]] = {}
    for path in ("", "train", "val", "test"):
        table = file.get(path or "/")
        if not isinstance(table, h5py.Group) or not isinstance(table.get("group"), h5py.Dataset):
            continue
        groups = table["group"][:]
        if "split" in table:
            splits = table["split"][:]
        elif path in SPLITS:
            splits = np.full(len(groups), SPLITS[path])
        else:
            continue
        for group, split in np.unique(np.stack([groups.astype(np.int64), splits.astype(np.int64)], 1), axis=0):
            seen.setdefault(int(group), set()).add(int(split))
    leaking = sorted(group for group, splits in seen.items() if len(splits) > 1)
    if not leaking:
        return []
    return [f"group {leaking[0]} lies in the splits {sorted(seen[leaking[0]])}; a group must keep to one; {len(leaking)} groups leak"]


def drawings_keep_to_one_split(file: h5py.File) -> list[str]:
    """No group of drawings is seen in two splits, in scenes or as a single icon."""
    group_of = np.asarray(file.attrs.get("drawing_groups", []), dtype=np.int64)
    pairs = []
    for path in ("train", "val", "test", "singles"):
        table = file.get(path)
        if table is None or "drawing" not in table or (path == "singles" and "split" not in table):
            continue
        drawing = table["drawing"][:].astype(np.int64)
        split = table["split"][:].astype(np.int64) if path == "singles" else np.full(len(drawing), SPLITS[path])
        split = np.broadcast_to(split.reshape(-1, *[1] * (drawing.ndim - 1)), drawing.shape)
        if drawing.size and drawing.max() >= len(group_of):
            return [
                f"attribute drawing_groups has {len(group_of)} entries; {path}/drawing counts up to {drawing.max()}; give each drawing one"
            ]
        pairs.append(np.stack([group_of[drawing[drawing >= 0]], split[drawing >= 0]], 1))
    seen: dict[int, set[int]] = {}
    for group, code in np.unique(np.concatenate(pairs), axis=0) if pairs else ():
        seen.setdefault(int(group), set()).add(int(code))
    leaking = sorted(group for group, codes in seen.items() if len(codes) > 1)
    if not leaking:
        return []
    return [
        f"drawings of group {leaking[0]} lie in the splits {sorted(seen[leaking[0]])}; a group must keep to one; {len(leaking)} groups leak"
    ]


def pairs_are_mutual(file: h5py.File) -> list[str]:
    """A twin's twin is the icon itself, and both are in one split."""
    pair, split = file["pair"][:].astype(np.int64), file["split"][:]
    rows = np.flatnonzero(pair >= 0)
    inside = rows[pair[rows] < len(pair)]
    lonely = inside[(pair[pair[inside]] != inside) | (pair[inside] == inside)]
    if lonely.size:
        row = int(lonely[0])
        return [
            f"pair[{row}] is {pair[row]}, but pair[{pair[row]}] is {pair[pair[row]]}; twins must name each other; {lonely.size} rows do not"
        ]
    leaking = inside[split[inside] != split[pair[inside]]]
    if leaking.size:
        row = int(leaking[0])
        return [f"rows {row} and {pair[row]} are twins in the splits {split[row]} and {split[pair[row]]}; twins must share a split"]
    return []


def polygons_are_standardised_and_clockwise(file: h5py.File) -> list[str]:
    """Polygons run clockwise on the screen, are zero where there are none, and fit the stated convention."""
    dataset = file["polygon"]
    has = file["has_polygon"][:].astype(bool)
    polygons = dataset[:]
    found = []
    if np.any(polygons[~has] != 0):
        found.append("polygon must be 0 throughout where has_polygon is false")
    polygons = polygons[has].astype(np.float64)
    if not len(polygons):
        return found
    standardised = dataset.attrs.get("convention") == "standardised_y_up"
    area = signed_area(polygons) * (1 if standardised else -1)
    wrong = np.flatnonzero(~(area < 0))
    if wrong.size:
        row = int(np.flatnonzero(has)[wrong[0]])
        found.append(f"polygon[{row}] does not run clockwise on the screen; reverse its vertices; {wrong.size} polygons break this")
    if standardised:
        off = max(np.abs(polygons.mean((0, 1))).max(), np.abs(polygons.std((0, 1)) - 1).max())
        if not off <= _STANDARDISED_MAX:
            found.append(f"polygon is off mean 0 and deviation 1 by {off:.3g}; standardise all polygons of the file at once")
    return found


def outlines_are_standardised_and_clockwise(file: h5py.File) -> list[str]:
    """Outlines without a place in the image run clockwise on the screen, and are standardised all together."""
    dataset = file["polygon"]
    found: list[str] = []
    count, total, squares = 0, np.zeros(2), np.zeros(2)
    for start in range(0, len(dataset), _BLOCK_ROWS):
        polygons = dataset[start : start + _BLOCK_ROWS].astype(np.float64)
        wrong = np.flatnonzero(~(signed_area(polygons) < 0))
        if wrong.size and not found:
            found.append(f"polygon[{start + int(wrong[0])}] does not run clockwise on the screen; reverse its vertices")
        count += polygons.shape[0] * polygons.shape[1]
        total += polygons.sum((0, 1))
        squares += (polygons**2).sum((0, 1))
    if count:
        mean = total / count
        off = max(np.abs(mean).max(), np.abs(np.sqrt(squares / count - mean**2) - 1).max())
        if not off <= _STANDARDISED_MAX:
            found.append(f"polygon is off mean 0 and deviation 1 by {off:.3g}; standardise all polygons of the file at once")
    return found


def joints_that_nobody_labelled_are_zero(file: h5py.File) -> list[str]:
    """What is not labelled is zero and not visible; what is visible lies in the image."""
    height, width = file["img"].shape[-2:]
    for start in range(0, len(file["labelled"]), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        labelled, joints = file["labelled"][rows].astype(bool), file["pose_2d"][rows]
        visible = file["visible"][rows].astype(bool) if "visible" in file else np.zeros_like(labelled)
        outside = (joints < -0.5).any(-1) | (joints >= np.array([width, height]) - 0.5).any(-1)
        for wrong, what in (
            (~labelled & (joints != 0).any(-1), "pose_2d{} must be 0: the joint is not labelled"),
            (~labelled & visible, "visible{} must be false: the joint is not labelled"),
            (visible & outside, "visible{} must be false: the joint lies outside of the image"),
        ):
            if wrong.any():
                row, joint = np.argwhere(wrong)[0].tolist()
                return [f"{what.format([row + start, joint])}; {int(wrong.sum())} joints break this"]
    return []


def some_split_is_there(file: h5py.File) -> list[str]:
    """A file without any of its splits says nothing."""
    if any(split in file for split in SPLITS):
        return []
    return [f"none of the tables {', '.join(SPLITS)} is there; one of them must be; append rows to it"]


def skeleton_is_a_tree(file: h5py.File) -> list[str]:
    """Parents lead to one root, and the mirror of the mirror is the joint itself."""
    if "parents" not in file.attrs and "mirror" not in file.attrs:
        # joints without names have neither; where a set must have them, that is asked elsewhere.
        return []
    joints = len(file.attrs["joint_names"])
    lacking = [name for name in ("parents", "mirror") if name not in file.attrs]
    if lacking:
        return [f"attribute {lacking[0]} is missing; parents and mirror come together; give both or neither"]
    parents, mirror = np.asarray(file.attrs["parents"]), np.asarray(file.attrs["mirror"])
    found = []
    if len(parents) != joints or np.sum(parents == -1) != 1 or parents.min() < -1 or parents.max() >= joints:
        found.append(f"attribute parents {parents.tolist()} must hold {joints} joint numbers, -1 once for the root")
    else:
        for joint in range(joints):
            seen, at = set(), joint
            while at != -1 and at not in seen:
                seen.add(at)
                at = int(parents[at])
            if at != -1:
                found.append(f"attribute parents goes in a circle from joint {joint}; it must lead to the root")
                break
    if len(mirror) != joints or not np.array_equal(np.sort(mirror), np.arange(joints)) or np.any(mirror[mirror] != np.arange(joints)):
        found.append(f"attribute mirror {mirror.tolist()} must swap joints in pairs: mirror[mirror[j]] == j for all {joints}")
    return found


def poses_project_onto_the_image(file: h5py.File) -> list[str]:
    """``pose_2d`` is what the camera sees of ``root + pose_3d``."""
    for start in range(0, len(file["pose_2d"]), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        space = file["pose_3d"][rows].astype(np.float64) + file["root"][rows].astype(np.float64)[..., None, :]
        camera = file["camera"][rows].astype(np.float64)
        camera = camera.reshape(len(camera), *[1] * (space.ndim - 2), 4)
        if np.any(space[..., 2] <= 0):
            return ["root + pose_3d holds a joint behind the camera; z must be positive"]
        seen = camera[..., :2] * space[..., :2] / space[..., 2:] + camera[..., 2:]
        off = np.abs(seen - file["pose_2d"][rows]).max(-1)
        if not off.max() <= _PROJECTION_PIXELS_MAX:
            at = np.unravel_index(int(off.argmax()), off.shape)
            place = [int(at[0]) + start, *map(int, at[1:])]
            return [f"pose_2d{place} is {off.max():.3g} pixels off the projection of root + pose_3d; allowed: {_PROJECTION_PIXELS_MAX}"]
    return []


def distorted_digits_keep_to_the_split_of_their_base(file: h5py.File) -> list[str]:
    """A distorted digit of a table named for a split comes from a base digit of that split, and keeps its label."""
    splits, labels = file["base/split"][:], file["base/label"][:]
    found = []
    for kind in sorted(set(file) - {"base"}):
        for split in sorted(file[kind]):
            base = file[kind][split]["base"][:].astype(np.int64)
            if base.size == 0 or base.min() < 0 or base.max() >= len(splits):
                continue
            strangers = np.flatnonzero(splits[base] != SPLITS[split])
            if strangers.size:
                row = int(strangers[0])
                found.append(
                    f"{kind}/{split}/base[{row}] is {base[row]}, a digit of split {splits[base[row]]}; it must be of split {SPLITS[split]};"
                    f" {strangers.size} rows leak"
                )
            if np.any(file[kind][split]["label"][:] != labels[base]):
                found.append(f"{kind}/{split}/label differs from the label of its base digit; they must be equal")
    return found


def captions_begin_and_end(file: h5py.File) -> list[str]:
    """Token rows read 1, words, 2, zeros."""
    found = []
    for split in ("train", "val", "test"):
        if split not in file:
            continue
        dataset, wrong, first = file[split]["tokens"], 0, ""
        for start in range(0, len(dataset), _BLOCK_ROWS):
            tokens = dataset[start : start + _BLOCK_ROWS].astype(np.int64)
            ends = (tokens == 2).argmax(-1)[..., None]
            places = np.arange(tokens.shape[-1])
            words = np.where(places < ends, tokens > 2, np.where(places > ends, tokens == 0, True)) | (places == 0)
            off = np.argwhere(~((tokens[..., 0] == 1) & (ends[..., 0] > 0) & words.all(-1)))
            wrong += len(off)
            if len(off) and not first:
                first = str([int(off[0][0]) + start, *off[0][1:].tolist()])
        if wrong:
            found.append(f"{split}/tokens{first} must read 1, words above 2, 2, zeros; {wrong} captions do not")
    return found


def objects_are_named_and_inside(file: h5py.File) -> list[str]:
    """Objects count known nouns and colours, boxes lie in the image, absent objects are -1 throughout."""
    found = []
    nouns, colours = len(file.attrs["nouns"]), len(file.attrs["colours"])
    for split in ("train", "val", "test"):
        if split not in file:
            continue
        objects = file[split]["objects"][:].reshape(-1, 7)
        height, width = file[split]["img"].shape[-2:]
        absent = objects[:, 0] == -1
        if np.any(objects[absent] != -1):
            found.append(f"{split}/objects: a row whose noun is -1 must be -1 throughout")
        real = objects[~absent]
        if np.any((real[:, 0] < 0) | (real[:, 0] >= nouns)) or np.any((real[:, 1] < 0) | (real[:, 1] >= colours)):
            found.append(f"{split}/objects: nouns must lie in [0, {nouns}) and colours in [0, {colours})")
        if np.any(real[:, :3] != np.round(real[:, :3])):
            found.append(f"{split}/objects: noun, colour and size must be whole numbers")
        x0, y0, x1, y1 = real[:, 3:].T
        if np.any((x0 < 0) | (y0 < 0) | (x1 > width) | (y1 > height) | (x0 >= x1) | (y0 >= y1)):
            found.append(f"{split}/objects: boxes must satisfy 0 <= x0 < x1 <= {width} and 0 <= y0 < y1 <= {height}")
    return found


RULES: dict[str, Callable[[h5py.File], list[str]]] = {
    rule.__name__: rule
    for rule in (
        groups_keep_to_one_split,
        drawings_keep_to_one_split,
        pairs_are_mutual,
        polygons_are_standardised_and_clockwise,
        outlines_are_standardised_and_clockwise,
        joints_that_nobody_labelled_are_zero,
        some_split_is_there,
        skeleton_is_a_tree,
        poses_project_onto_the_image,
        distorted_digits_keep_to_the_split_of_their_base,
        captions_begin_and_end,
        objects_are_named_and_inside,
    )
}
