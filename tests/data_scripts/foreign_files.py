"""Tiny files in other people's formats, made by hand; tests spoil them in one place at a time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from PIL import Image

from data_scripts.convert.provenance import Terms
from data_scripts.convert.skeleton import COCO

TERMS = Terms("CC-BY-4.0", "somebody")
Lines = list[str]


def silent(what: str, total: int | None) -> Callable[[str], None]:
    return lambda line: None


def photograph(path: Path, width: int, height: int, bright: Mapping[tuple[int, int], tuple[int, int, int]] | None = None) -> Path:
    """A dark picture without loss, some pixels (x, y) of which have colours."""
    pixels = np.full((height, width, 3), 20, np.uint8)
    for (x, y), colour in (bright or {}).items():
        pixels[y, x] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def idx(path: Path, values: np.ndarray) -> Path:
    """An IDX file of unsigned bytes, in gzip where the name says so."""
    head = bytes([0, 0, 8, values.ndim]) + b"".join(side.to_bytes(4, "big") for side in values.shape)
    body = head + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(body, mtime=0) if path.suffix == ".gz" else body)
    return path


def structs(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """A MATLAB structure array."""
    array = np.empty((1, len(rows)), dtype=[(name, object) for name in rows[0]])
    for place, row in enumerate(rows):
        for name, value in row.items():
            array[0, place][name] = value
    return array


NOTHING = np.zeros((0, 0))


def mpii_point(joint: int, x: float, y: float, visible: object = 1.0) -> dict[str, Any]:
    return {"x": float(x), "y": float(y), "id": float(joint), "is_visible": visible}


def mpii_rect(
    points: Sequence[Mapping[str, Any]], x: float, y: float, scale: float, head: Sequence[float] = (1, 1, 4, 5)
) -> dict[str, Any]:
    """A person in MATLAB's pixels; without points one whose joints are not published."""
    corners = dict(zip(("x1", "y1", "x2", "y2"), map(float, head)))
    marked = structs([{"point": structs(points)}]) if points else NOTHING
    return {**corners, "annopoints": marked, "scale": scale, "objpos": structs([{"x": float(x), "y": float(y)}])}


def mpii_mat(
    path: Path, pictures: Sequence[tuple[str, Sequence[Mapping[str, Any]], int, object]], packed: bool = True, **changed: Any
) -> Path:
    """RELEASE with pictures of (name, people, img_train, number of the video)."""
    listed = [
        {"image": structs([{"name": name}]), "annorect": structs(rects) if rects else NOTHING, "frame_sec": NOTHING, "vididx": video}
        for name, rects, _, video in pictures
    ]
    release = {"annolist": structs(listed), "img_train": np.array([[float(trains) for _, _, trains, _ in pictures]])} | changed
    scipy.io.savemat(path, {"RELEASE": structs([release])}, do_compression=packed)
    return path


def coco_image(number: int, name: str, width: int, height: int) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": width, "height": height, "license": 1}


def coco_person(
    number: int, picture: int, joints: Mapping[int, tuple[float, float, int]], box: Sequence[float], **more: Any
) -> dict[str, Any]:
    """A person with some of the 17 joints as (x, y, flag)."""
    keypoints = [number for joint in range(17) for number in joints.get(joint, (0, 0, 0))]
    plain = {"id": number, "image_id": picture, "category_id": 1, "iscrowd": 0, "keypoints": keypoints, "bbox": list(box), "area": 12.5}
    return plain | {"num_keypoints": len(joints), "segmentation": [[1.5, 2.0, 3.0, 4.0]]} | more


PERSON = {"id": 1, "name": "person", "keypoints": [name.replace(" ", "_") for name in COCO.names], "skeleton": [[16, 14]]}


def coco(path: Path, images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]], **more: Any) -> Path:
    """An annotation file."""
    held = {"info": {"year": 2017}, "licenses": [{"id": 1}], "images": images, "annotations": annotations} | more
    path.write_text(json.dumps(held), encoding="utf-8")
    return path


def coco_caption(number: int, picture: int, caption: str) -> dict[str, Any]:
    return {"id": number, "image_id": picture, "caption": caption}


def star(points: int, phase: float, up: bool = True) -> np.ndarray:
    """An outline of 96 vertices about the origin, [96, 2], clockwise on the screen for y that points up."""
    angle = -np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = 1 + 0.3 * np.sin(points * angle + phase)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


def original_icons(path: Path, outlines: np.ndarray, seed: int = 0) -> Path:
    """The original icon file: two datasets, no attributes; outlines standardised together."""
    wide = np.asarray(outlines, np.float64)
    polygon = ((wide - wide.mean((0, 1))) / wide.std((0, 1))).astype(np.float32)
    img = np.random.default_rng(seed).integers(0, 256, (len(wide), 3, 32, 32), dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file["img"], file["polygon"] = img, polygon
    return path


def original_pose(path: Path, rows: int = 6, joints: int = 18, height: int = 10, width: int = 20, seed: int = 0, **changed: Any) -> Path:
    """The original pose file: three datasets, no attributes; ``pose_2d`` in 0..1."""
    rng = np.random.default_rng(seed)
    held: dict[str, Any] = {
        "img": rng.integers(0, 256, (rows, 3, height, width), dtype=np.uint8),
        "pose_2d": rng.uniform(0, 1, (rows, joints, 2)).astype(np.float32),
        "pose_3d": rng.uniform(-900, 900, (rows, joints, 3)).astype(np.float32),
    }
    with h5py.File(path, "w") as file:
        for name, values in (held | changed).items():
            if values is not None:
                file[name] = values
    return path
