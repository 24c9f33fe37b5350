"""The coordinate conventions a dataset may be stored in, by name; a dataset states its own in the attribute ``convention``."""

from __future__ import annotations

import numpy as np

CONVENTIONS = {
    "pixel": "x right, y down, pixels of the image in the same file; pixel centres are whole numbers: the image runs from -0.5 to W - 0.5",
    "unit_interval": "x right, y down, 0 to 1 over the image's outer edges: pixel = value * W - 0.5 (H for y)",
    "standardised_y_up": (
        "x right, y UP, mean 0 and standard deviation 1 on each axis over all polygons of the file; attributes mean and scale lead"
        " back to pixels: x_pixel = mean[0] + scale[0] * x, y_pixel = mean[1] - scale[1] * y"
    ),
    "standardised_y_up_unplaced": (
        "x right, y UP, mean 0 and standard deviation 1 on each axis over all polygons of the file; nothing leads back to pixels"
    ),
    "camera_root": "metres on the camera's axes (x right, y down, z away from it), relative to the root joint",
    "camera": "metres on the camera's axes (x right, y down, z away from it), from the camera's centre",
    "box_edges": "x0, y0, x1, y1 in pixels measured from the image's outer edge: the first pixel covers 0 to 1",
    "source_edges": "x0, y0, x1, y1 in pixels of the source's own picture, measured from its outer edge; may reach beyond it",
    "source_axes": "the axes, the origin and, unless the unit says otherwise, the unit of the source, which does not name them",
}
# conventions whose numbers lead to pixels only with the dataset's attributes mean and scale.
SCALED = ("standardised_y_up",)


def standardise(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bring polygons in pixels to the convention ``standardised_y_up``.

    Shapes: n polygons, V vertices.

    Args:
        pixels: float, ``[n, V, 2]``, convention ``pixel``, n at least 1; every polygon of the file at once.

    Returns:
        Values float32 ``[n, V, 2]``, and the attributes ``mean`` and ``scale`` of the dataset, float64 ``[2]``, pixels.

    Raises:
        ValueError: another shape, or no polygon at all.

    Example:
        >>> values, mean, scale = standardise(np.array([[[1.0, 0.0], [3.0, 0.0], [3.0, 4.0], [1.0, 4.0]]]))
        >>> values[0].tolist(), mean.tolist(), scale.tolist()
        ([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]], [2.0, 2.0], [1.0, 2.0])
    """
    wide = np.asarray(pixels, dtype=np.float64)
    if wide.ndim != 3 or wide.shape[2] != 2 or len(wide) == 0:
        raise ValueError(f"pixels.shape {wide.shape} must be (n, V, 2) with n at least 1; pass all polygons of the file at once")
    mean, scale = wide.mean((0, 1)), wide.std((0, 1))
    return ((wide - mean) / scale * (1, -1)).astype(np.float32), mean, scale


def destandardise(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Undo ``standardise``: back to pixels.

    Args:
        values: standardised vertices, ``[n, V, 2]``, y up.
        mean: pixels, ``[2]``, as ``standardise`` gave it.
        scale: pixels, ``[2]``, likewise.

    Returns:
        float64 pixels ``[n, V, 2]``, y down.
    """
    return np.asarray(mean) + np.asarray(values, dtype=np.float64) * np.asarray(scale) * (1, -1)


def signed_area(polygons: np.ndarray) -> np.ndarray:
    """Measure polygons by the shoelace formula; the closing edge is implied.

    Args:
        polygons: vertices ``[n, V, 2]``, x then y.

    Returns:
        float64 ``[n]``, in squared units of the vertices: positive for counter-clockwise where y points up.
    """
    wide = np.asarray(polygons, dtype=np.float64)
    # far from the origin the products cancel; about the first vertex they do not.
    x, y = np.moveaxis(wide - wide[:, :1], -1, 0)
    return 0.5 * (x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)
