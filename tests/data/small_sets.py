"""Small valid files of every set, drawn from a seed; tests break them in one place at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vislab.data.layout import DISTORTIONS, DatasetWriter, Source, standardise

SOURCES = [
    Source("drawn here", "1", "MIT", "", "everything"),
    Source("a photograph", "2020-01-01", "CC-BY-2.0", "Photo: A. Nobody", "backgrounds"),
]
JOINTS = {
    "joint_names": ["pelvis", "left hip", "right hip", "head"],
    "parents": [-1, 0, 0, 0],
    "mirror": [0, 2, 1, 3],
}
WORDS = ["<pad>", "<bos>", "<eos>", "a", "red", "moon"]


def icon_columns(count: int, seed: int = 0) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Columns of icons, and the attributes of the dataset polygon."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    # growing angles run clockwise where y points down.
    radius = rng.uniform(5, 12, (count, 1)) * (1 + 0.2 * np.sin(3 * angle + rng.uniform(0, 6, (count, 1))))
    pixels = 15.5 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    has = np.ones(count, bool)
    has[count // 2 + 1 :: 4] = False
    values, mean, scale = standardise(pixels[has])
    polygon = np.zeros((count, 96, 2), np.float32)
    polygon[has] = values
    group = np.arange(count, dtype=np.int32) // 2
    pair = np.arange(count, dtype=np.int32) ^ 1
    pair[count // 2 * 2 :] = -1
    columns: dict[str, object] = {
        "img": rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8),
        "polygon": polygon,
        "alpha": rng.integers(0, 256, (count, 1, 32, 32), dtype=np.uint8),
        "has_polygon": has,
        "colour": rng.integers(0, 256, (count, 2, 3), dtype=np.uint8),
        "family": ["made"] * count,
        "name": [f"icône {row}" for row in range(count)],
        "group": group,
        "pair": pair,
        "split": np.array([0, 0, 1, 0, 2], np.uint8)[group % 5],
        "category": [""] * count,
    }
    return columns, {"mean": mean, "scale": scale}


def pose_columns(count: int, seed: int = 0, people: int | None = None, frames: int | None = None) -> dict[str, object]:
    """Columns of pose, pose_pairs (``people=2``) and pose_sequences (``frames=T``)."""
    rng = np.random.default_rng(seed)
    lead = (count, *([people] if people else []), *([frames] if frames else []))
    image = (count, *([frames] if frames else []))
    pose_3d = rng.uniform(-0.8, 0.8, (*lead, 4, 3)).astype(np.float32)
    pose_3d[..., 0, :] = 0
    root = np.broadcast_to(np.float32([0.1, -0.1, 4.0]), (*lead, 3)).copy()
    camera = np.broadcast_to(np.float32([60, 62, 11.5, 9.5]), (count, 4)).copy()
    space = (pose_3d + root[..., None, :]).astype(np.float64)
    focal = camera[0].astype(np.float64)
    pose_2d = (focal[:2] * space[..., :2] / space[..., 2:] + focal[2:]).astype(np.float32)
    inside = (pose_2d > -0.5).all(-1) & (pose_2d < [23.5, 19.5]).all(-1)
    return {
        "img": rng.integers(0, 256, (*image, 3, 20, 24), dtype=np.uint8),
        "pose_2d": pose_2d,
        "pose_3d": pose_3d,
        "root": root,
        "camera": camera,
        "visible": inside,
        "limb": rng.integers(-1, 5, (*image, 20, 24), dtype=np.int8),
        "split": np.array([0, 0, 1, 2], np.uint8)[np.arange(count) % 4],
        "group": np.arange(count, dtype=np.int32) % 4,
    }


def digit_tables(count: int = 12, seed: int = 0) -> dict[str, dict[str, object]]:
    """Table path to columns; base rows alternate between train and test."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 10, count).astype(np.uint8)
    tables: dict[str, dict[str, object]] = {
        "base": {
            "img": rng.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8),
            "label": label,
            "split": (2 * (np.arange(count) % 2)).astype(np.uint8),
        }
    }
    for kind in DISTORTIONS:
        for split, first in (("train", 0), ("test", 1)):
            base = (first + 2 * rng.integers(0, count // 2, 5)).astype(np.int16)
            tables[f"{kind}/{split}"] = {
                "img": rng.integers(0, 256, (5, 1, 42, 42) if kind == "RTS" else (5, 1, 28, 28), dtype=np.uint8),
                "label": label[base],
                "base": base,
                "theta": rng.uniform(-1, 1, (5, 4)).astype(np.float32),
            }
    return tables


def scene_tables(count: int = 4, seed: int = 0) -> dict[str, dict[str, object]]:
    """Table path to columns."""
    rng = np.random.default_rng(seed)
    tokens = np.zeros((count, 5, 8), np.uint8)
    tokens[..., :5] = [1, 3, 4, 5, 2]
    objects = np.full((count, 4, 7), -1, np.float32)
    objects[:, 0] = [0, 1, 0, 3, 4, 20, 22]
    scene = {
        "img": rng.integers(0, 256, (count, 3, 24, 24), dtype=np.uint8),
        "tokens": tokens,
        "captions": [["a red moon"] * 5] * count,
        "objects": objects,
        "mask": rng.integers(0, 2, (count, 24, 24), dtype=np.uint8),
    }
    singles = {
        "img": rng.integers(0, 256, (count, 3, 12, 12), dtype=np.uint8),
        "noun": np.zeros(count, np.uint8),
        "colour": np.ones(count, np.uint8),
    }
    return {"train": scene, "test": dict(scene), "singles": singles}


SCENE_ATTRIBUTES = {"vocabulary": WORDS, "nouns": ["moon"], "colours": ["blue", "red"], "grammar_version": "1"}


def write_icons(path: Path, count: int = 24, batch: int = 7, **changed: object) -> Path:
    """A file of icons; ``changed`` columns replace the drawn ones."""
    columns, scale = icon_columns(count)
    columns |= changed
    with DatasetWriter(path, "icons", sources=SOURCES, generator="tests 1", seed=0) as writer:
        for start in range(0, count, batch):
            writer.append(**{name: values[start : start + batch] for name, values in columns.items()})  # type: ignore[index]
        writer.set_dataset_attribute("polygon", **scale)
    return path


def write_pose(path: Path, set_name: str = "pose", count: int = 8, **changed: object) -> Path:
    """A file of one of the three pose sets."""
    more = {"pose": {}, "pose_pairs": {"people": 2}, "pose_sequences": {"frames": 3}}[set_name]
    with DatasetWriter(path, set_name, sources=SOURCES, generator="tests 1", attributes=JOINTS) as writer:
        writer.append(**(pose_columns(count, **more) | changed))
    return path


def icon_plain_columns(count: int = 8) -> dict[str, object]:
    """Columns of icons_plain: outlines alone, standardised together."""
    columns, _ = icon_columns(2 * count)
    has = np.flatnonzero(columns["has_polygon"])[:count]  # type: ignore[call-overload]
    polygon = columns["polygon"][has].astype(np.float64)  # type: ignore[index]
    polygon = ((polygon - polygon.mean((0, 1))) / polygon.std((0, 1))).astype(np.float32)
    group = np.arange(count, dtype=np.int32)
    return {
        "img": columns["img"][has],  # type: ignore[index]
        "polygon": polygon,
        "group": group,
        "split": np.array([0, 0, 1, 2], np.uint8)[group % 4],
    }


def keypoint_columns(count: int = 8, seed: int = 0) -> dict[str, object]:
    """Columns of keypoints; the last joint is never labelled."""
    rng = np.random.default_rng(seed)
    labelled = np.ones((count, 4), bool)
    labelled[:, 3] = False
    pose_2d = (rng.uniform(0, 15, (count, 4, 2)) * labelled[..., None]).astype(np.float32)
    return {
        "img": rng.integers(0, 256, (count, 3, 16, 16), dtype=np.uint8),
        "pose_2d": pose_2d,
        "labelled": labelled,
        "group": np.arange(count, dtype=np.int32),
        "split": np.array([0, 0, 1, 2], np.uint8)[np.arange(count) % 4],
        "visible": labelled & (pose_2d[..., 0] > 7),
        "crop": np.tile(np.float32([0, 0, 32, 32]), (count, 1)),
    }


def caption_tables(count: int = 4) -> dict[str, dict[str, object]]:
    """Table path to columns."""
    table = {
        "img": np.random.default_rng(3).integers(0, 256, (count, 3, 12, 12), dtype=np.uint8),
        "tokens": np.tile(np.array([1, 3, 4, 2, 0], np.int32), (count, 2, 1)),
        "captions": [["one dog", "a dog"]] * count,
        "group": np.arange(count, dtype=np.int32),
    }
    words = ["<pad>", "<bos>", "<eos>", "<unk>", "dog"]
    return {"train": table, "vocabulary": {"word": words, "occurrences": np.arange(5)}}


def plain_digit_columns(count: int = 8) -> dict[str, object]:
    """Columns of digits_plain."""
    return {
        "img": np.random.default_rng(4).integers(0, 256, (count, 1, 20, 20), dtype=np.uint8),
        "label": (np.arange(count) % 10).astype(np.uint8),
        "split": np.array([0, 0, 1, 2], np.uint8)[np.arange(count) % 4],
    }


def write_converted(folder: Path) -> dict[str, Path]:
    """A file of each set that converters write."""
    tables: dict[str, dict[str, dict[str, object]]] = {
        "icons_plain": {"": icon_plain_columns()},
        "keypoints": {"": keypoint_columns()},
        "captions": caption_tables(),
        "digits_plain": {"": plain_digit_columns()},
    }
    said = {"keypoints": JOINTS}
    return {name: write_tables(folder / f"{name}.h5", name, held, **said.get(name, {})) for name, held in tables.items()}


def write_tables(path: Path, set_name: str, tables: dict[str, dict[str, object]], **attributes: object) -> Path:
    """A file of digits or scenes."""
    with DatasetWriter(path, set_name, sources=SOURCES, generator="tests 1", attributes=attributes) as writer:
        for table, columns in tables.items():
            writer.append(table, **columns)
    return path


def write_digits(path: Path) -> Path:
    """A file of digits."""
    return write_tables(path, "digits", digit_tables())


def write_scenes(path: Path) -> Path:
    """A file of scenes."""
    return write_tables(path, "scenes", scene_tables(), **SCENE_ATTRIBUTES)
