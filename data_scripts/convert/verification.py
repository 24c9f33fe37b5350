"""Looks at one file by its path: layout, sources, leaks between splits, and whether pictures and what is said of them fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from data_scripts.builder import Finding, Progress
from data_scripts.convert import words
from data_scripts.convert.provenance import UNSTATED
from data_scripts.freshness import file_sha256
from data_scripts.verification import Verdict
from vislab.data.layout.faults import DataFileError
from vislab.data.layout.opening import opened
from vislab.data.layout.provenance import from_text
from vislab.data.layout.schema import SPLITS
from vislab.data.layout.verification import blocks, inspect_file

# real collections hold a few pictures twice; more than this is a fault of the split.
TWINS_SHARE_MOST = 0.001
BLANK_SHARE_MOST = 0.1
INSIDE_SHARE_LEAST = 0.5
RARE_SHARE_MOST = 0.5


def inspect_path(path: Path, progress: Progress) -> Verdict:
    """Return the verdict on a file of the layout, whoever wrote it; it is read piece by piece.

    Args:
        path: the file.
        progress: shows a step for each check.
    """
    verdict = Verdict(str(path))
    step = progress(path.name, 5)
    try:
        report = inspect_file(path)
        verdict.size_bytes, verdict.sha256 = path.stat().st_size, file_sha256(path)
        verdict.content, verdict.rows = report.content, report.rows
        told = f"set {report.set_name}, version {report.schema}: dtypes, shapes, units and ranges as declared"
        verdict.findings.append(Finding("layout", report.ok, "; ".join(report.problems[:3]) or told))
        step("layout")
        if not report.ok:
            return verdict
        with opened(path) as file:
            for check in (terms, shares, leakage, pictures, *_OF_SET.get(report.set_name, ())):
                verdict.findings.append(check(file))
                step(check.__name__)
    except (DataFileError, FileNotFoundError) as error:
        verdict.findings.append(Finding("layout", False, str(error)))
    return verdict


def terms(file: h5py.File) -> Finding:
    """The file says where it comes from; whether it may be handed on is not for a program to say."""
    told = from_text(file.attrs["sources"])
    unstated = [source.name for source in told if source.licence == UNSTATED]
    line = "; ".join(f"{source.name} ({source.version}): {source.licence}" for source in told)
    return Finding("sources", True, f"{line}; look up the source's terms before you hand it on" if unstated else line)


def shares(file: h5py.File) -> Finding:
    """Some rows train; how many there are of each split."""
    counts: dict[str, int] = {}
    for _, codes in _split_tables(file):
        for name, code in SPLITS.items():
            counts[name] = counts.get(name, 0) + int((codes == code).sum())
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    if not counts or not any(counts.values()):
        return Finding("splits", False, "no table has rows with a split; one at least must; convert the source again")
    return Finding("splits", True, told)


def leakage(file: h5py.File) -> Finding:
    """No picture of the test set is one of the training set, bit by bit."""
    training: set[bytes] = set()
    held: list[bytes] = []
    for digest, code in _digests(file):
        if code == SPLITS["train"]:
            training.add(digest)
        elif code == SPLITS["test"]:
            held.append(digest)
    twins = sum(digest in training for digest in held)
    told = f"{twins} of {len(held)} test pictures are training pictures, bit by bit; near-duplicates are not looked for"
    return Finding("leakage", twins <= TWINS_SHARE_MOST * len(held), told)


def pictures(file: h5py.File) -> Finding:
    """Pictures show something."""
    blank = total = 0
    for images in _images(file):
        flat = images.reshape(len(images), -1)
        blank += int((flat.min(1) == flat.max(1)).sum())
        total += len(images)
    return Finding("pictures", blank <= BLANK_SHARE_MOST * total, f"{blank} of {total} pictures are of one colour throughout")


def joints(file: h5py.File) -> Finding:
    """Most labelled joints lie in their image."""
    height, width = file["img"].shape[-2:]
    inside = total = 0
    for start, pose in blocks(file["pose_2d"]):
        labelled = file["labelled"][start : start + len(pose)].astype(bool)
        within = ((pose >= -0.5) & (pose < np.array([width, height]) - 0.5)).all(-1)
        inside += int((within & labelled).sum())
        total += int(labelled.sum())
    told = f"{inside} of {total} labelled joints lie inside their image"
    if inside < INSIDE_SHARE_LEAST * total or not total:
        return Finding("joints", False, f"{told}; half of them must; coordinates and pictures may not belong together")
    return Finding("joints", True, told)


def tokens(file: h5py.File) -> Finding:
    """Most words are in the vocabulary."""
    rare = total = 0
    for name in SPLITS:
        if name in file:
            for _, rows in blocks(file[name]["tokens"]):
                rare += int((rows == words.UNK).sum())
                total += int((rows > words.EOS).sum())
    told = f"{rare} of {total} words are not in the vocabulary of {len(file['vocabulary/word'])}"
    if rare > RARE_SHARE_MOST * total or not total:
        return Finding("tokens", False, f"{told}; half of them must be; convert with a lower --least, or another --vocabulary")
    return Finding("tokens", True, told)


_OF_SET = {"keypoints": (joints,), "captions": (tokens,)}


def _split_tables(file: h5py.File) -> Iterator[tuple[h5py.Group, np.ndarray]]:
    """Tables with pictures that belong to a split, and the split codes of their rows."""
    found: list[str] = [""]
    file.visit(lambda name: found.append(name) if isinstance(file[name], h5py.Group) else None)
    for name in found:
        table = file[name or "/"]
        if not isinstance(table.get("img"), h5py.Dataset):
            continue
        if "split" in table:
            yield table, table["split"][:]
        elif name.rpartition("/")[2] in SPLITS:
            yield table, np.full(len(table["img"]), SPLITS[name.rpartition("/")[2]], np.uint8)


def _digests(file: h5py.File) -> Iterator[tuple[bytes, int]]:
    for table, codes in _split_tables(file):
        for start, images in blocks(table["img"]):
            for row, image in enumerate(images):
                yield hashlib.blake2b(image.tobytes(), digest_size=16).digest(), int(codes[start + row])


def _images(file: h5py.File) -> Iterator[np.ndarray]:
    for table, _ in _split_tables(file):
        for _, images in blocks(table["img"]):
            yield images
