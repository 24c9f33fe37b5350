"""Outlines filled, to compare shapes whatever is drawn inside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data_scripts.icons.bitmap import SIZE_PX, Stamp

# large enough that the likeness of two black and white silhouettes is the intersection over union of the shapes.
SILHOUETTE_PX = 64


def silhouettes(outlines: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Return outlines filled, in black and white.

    Args:
        outlines: float64 [96, 2] each, pixels of the 32 x 32 picture, y down.

    Returns:
        float32 [n, 4096] of zeros and ones.
    """
    stamp = Stamp(SILHOUETTE_PX)
    rows = [stamp.coverage([[ring * (SILHOUETTE_PX / SIZE_PX)]]).ravel() > 127 for ring in outlines]
    return np.array(rows, dtype=np.float32).reshape(len(rows), SILHOUETTE_PX**2)
