"""The original course's pose file (``img``, ``pose_2d``, ``pose_3d``, no attributes) becomes the set ``keypoints`` with joints in space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from data_scripts.builder import Progress
from data_scripts.convert import hdf5_source, skeleton, splits
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import BATCH_ROWS, Batch, Plan, Tally
from data_scripts.convert.provenance import Terms, command, sources
from vislab.data.layout.opening import opened

TITLE = "EgoCap-style poses"
STORED = "stored"
UNITS = {STORED: ("as stored", 1.0), "m": ("metre", 1.0), "cm": ("metre", 0.01), "mm": ("metre", 0.001)}
UNIT_INTERVAL, PIXELS = "unit", "pixel"
# far beyond any intensity; what is beyond 255 has a sentence of its own.
_INTENSITY_MOST = 1e6
_REMEDY = "pass the original pose file, or one with the same datasets"
# the reader takes nothing beyond this for a share of the image either.
_UNIT_INTERVAL_MAX = 4.0


def plan(
    path: Path,
    *,
    joints: str,
    pose_2d: str,
    unit: str,
    block_rows: int,
    split: str,
    count: int | None,
    terms: Terms,
    progress: Progress,
) -> Plan:
    """Look through the file and say what will be written.

    Args:
        path: the file.
        joints: "unnamed", "egocap", or a JSON file, see ``skeleton.from_choice``.
        pose_2d: ``unit``, 0 to 1 over the image, or ``pixel``, pixel centres at whole numbers.
        unit: of ``pose_3d``, a key of ``UNITS``; lengths become metres where it is known.
        block_rows: so many neighbouring rows are one group: frames of a video follow each other, and must not be torn into two splits.
        split: one of ``splits.CHOICES``; the file says nothing itself, so ``auto`` is the hash.
        count: the first rows alone, None for all.
        terms: licence and attribution.
        progress: shows a step for each piece.

    Convention: ``value * W - .5`` (H for y) makes 0 to 1 pixels, as ``vislab.data.open_dataset`` does with the file unconverted.

    Raises:
        FileNotFoundError, vislab.data.layout.faults.DataFileError: no such file, damaged, another one, numbers out of range.
        data_scripts.builder.BuildError: a skeleton of another number of joints.
    """
    with opened(path) as file:
        img, flat, space = _datasets(path, file)
        rows = min(count or len(img), len(img))
        first = img.shape[1] == 3
        height, width = (int(side) for side in (img.shape[2:] if first else img.shape[1:3]))
        known = skeleton.from_choice(joints, int(flat.shape[1]))
        gain, unlabelled = _survey(path, img, flat, space, rows, pose_2d, progress)
    tally = Tally()
    tally.add("joints not labelled: NaN in the source", unlabelled)
    group = (np.arange(rows) // block_rows).astype(np.int32)
    by_block = [splits.chosen(split, None, f"block {number}") for number in range(int(group[-1]) + 1)]
    code = np.array(by_block, np.uint8)[group]
    extent = np.array([width, height]) if pose_2d == UNIT_INTERVAL else None
    return Plan(
        "keypoints",
        {("", name): int((code == which).sum()) for which, name in splits.NAMES.items() if (code == which).any()},
        (3, height, width),
        sources(TITLE, [path], terms),
        command(
            "egocap",
            skeleton=joints if joints in ("unnamed", "egocap") else "FILE",
            pose_2d=pose_2d,
            unit=unit,
            block_rows=block_rows,
            split=split,
            count=count,
        ),
        lambda: _batches(path, rows, extent, UNITS[unit][1], gain, group, code),
        attributes=known.attributes(),
        dataset_attributes={"pose_3d": {"unit": UNITS[unit][0]}},
        tally=tally,
    )


def _datasets(path: Path, file: h5py.File) -> tuple[h5py.Dataset, h5py.Dataset, h5py.Dataset]:
    hdf5_source.refuse_layout(file)
    img = hdf5_source.dataset(file, "img", "pictures, (n, 3, H, W) or (n, H, W, 3)", _REMEDY)
    flat = hdf5_source.dataset(file, "pose_2d", "joints in the image, (n, J, 2)", _REMEDY)
    space = hdf5_source.dataset(file, "pose_3d", "joints in space, (n, J, 3)", _REMEDY)
    if img.ndim != 4 or 3 not in (img.shape[1], img.shape[3]) or not (img.dtype == np.uint8 or img.dtype.kind == "f"):
        raise SourceInvalid(f"{path}: img is {img.dtype} {img.shape}; it must be uint8 or float, (n, 3, H, W) or (n, H, W, 3); {_REMEDY}")
    for name, held, axes in (("pose_2d", flat, 2), ("pose_3d", space, 3)):
        if held.dtype.kind != "f" or held.ndim != 3 or held.shape[2] != axes or held.shape[1] != flat.shape[1]:
            raise SourceInvalid(f"{path}: {name} is {held.dtype} {held.shape}; it must be float (n, J, {axes}), J as in pose_2d; {_REMEDY}")
    hdf5_source.one_length(path, {"img": img, "pose_2d": flat, "pose_3d": space})
    return img, flat, space


def _survey(
    path: Path, img: h5py.Dataset, flat: h5py.Dataset, space: h5py.Dataset, rows: int, pose_2d: str, progress: Progress
) -> tuple[float, int]:
    """What turns stored intensities into 0 to 255, and how many joints are not labelled."""
    step = progress("looking", None)
    low, high, reach, unlabelled = 0.0, 0.0, 0.0, 0
    for piece in hdf5_source.pieces(rows, hdf5_source.piece_rows(img, BATCH_ROWS)):
        if img.dtype != np.uint8:
            images = img[piece]
            hdf5_source.within(images, _INTENSITY_MOST, "img", piece.start, path, _REMEDY)
            low, high = min(low, float(images.min())), max(high, float(images.max()))
        joints = flat[piece]
        there = np.isfinite(joints).all(-1)
        reach = max(reach, float(np.abs(joints[there]).max(initial=0)))
        unlabelled += int((~(there & np.isfinite(space[piece]).all(-1))).sum())
        step("")
    if low < 0 or high > 255:
        raise SourceInvalid(
            f"{path}: img runs from {low:g} to {high:g}; it must lie in 0 to 1 or in 0 to 255; undo what was subtracted and divided"
        )
    if pose_2d == UNIT_INTERVAL and reach > _UNIT_INTERVAL_MAX:
        raise SourceInvalid(
            f"{path}: pose_2d reaches {reach:g}; as shares of the image it must lie within {_UNIT_INTERVAL_MAX:g}; pass --pose-2d pixel if"
            " these are pixels"
        )
    return (255.0 if high <= 1 else 1.0), unlabelled


def _batches(
    path: Path, rows: int, extent: np.ndarray | None, metres: float, gain: float, group: np.ndarray, code: np.ndarray
) -> Iterator[Batch]:
    with opened(path) as file:
        first = file["img"].shape[1] == 3
        for piece in hdf5_source.pieces(rows, hdf5_source.piece_rows(file["img"], BATCH_ROWS)):
            images, flat, space = file["img"][piece], file["pose_2d"][piece].astype(np.float64), file["pose_3d"][piece].astype(np.float64)
            if images.dtype != np.uint8:
                images = np.rint(images.astype(np.float64) * gain).astype(np.uint8)
            labelled = np.isfinite(flat).all(-1) & np.isfinite(space).all(-1)
            pixels = flat if extent is None else flat * extent - 0.5
            yield (
                "",
                {
                    "img": images if first else np.ascontiguousarray(images.transpose(0, 3, 1, 2)),
                    "pose_2d": np.where(labelled[..., None], pixels, 0).astype(np.float32),
                    "labelled": labelled,
                    "group": group[piece],
                    "split": code[piece],
                    "pose_3d": np.where(labelled[..., None], space * metres, 0).astype(np.float32),
                },
            )
