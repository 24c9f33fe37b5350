"""A set of icons to measure on: the layout's file, and the same images without chunks and compression."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from vislab.data.layout import DatasetWriter, Source, standardise

SIDE = 32


def write_set(folder: Path, count: int, seed: int = 0) -> tuple[Path, Path]:
    """Write ``count`` drawn icons twice.

    Returns:
        The file of the layout (gzip, chunks of 32 rows), and a contiguous, uncompressed file of ``img`` and ``group``, as the original
        course's files are: the fastest HDF5 there is for reading single rows.
    """
    rng = np.random.default_rng(seed)
    layout, contiguous = folder / "icons.h5", folder / "contiguous.h5"
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = rng.uniform(5, 13, (count, 1)) * (1 + rng.uniform(0, 0.3, (count, 1)) * np.sin(rng.integers(2, 7, (count, 1)) * angle))
    pixels = (SIDE - 1) / 2 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    polygon, mean, scale = standardise(pixels)
    colour = rng.integers(0, 256, (count, 2, 3), dtype=np.uint8)
    alpha = _silhouettes(radius)
    share = alpha[:, None].astype(np.float32) / 255
    img = (share * colour[:, 0, :, None, None] + (1 - share) * colour[:, 1, :, None, None]).round().astype(np.uint8)
    group = np.arange(count, dtype=np.int32)
    source = Source("drawn here", "1", "MIT", "", "everything")
    with DatasetWriter(layout, "icons", sources=[source], generator="benchmarks.loaders", seed=seed) as writer:
        writer.append(
            img=img, polygon=polygon, alpha=alpha[:, None], has_polygon=np.ones(count, bool), colour=colour, family=["drawn"] * count,
            name=[str(row) for row in range(count)], group=group, pair=np.full(count, -1, np.int32), split=np.zeros(count, np.uint8),
            category=[""] * count,
        )  # fmt: skip
        writer.set_dataset_attribute("polygon", mean=mean, scale=scale)
    with h5py.File(contiguous, "w") as file:
        file["img"], file["group"] = img, group
    return layout, contiguous


def _silhouettes(radius: np.ndarray) -> np.ndarray:
    """Coverage of each pixel from the outline's radius in its direction, with an edge one pixel wide."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    direction = (np.arctan2(y, x) / (2 * np.pi) * 96).round().astype(int) % 96
    return (np.clip(radius[:, direction] - np.hypot(x, y) + 0.5, 0, 1) * 255).round().astype(np.uint8)
