"""Soft-argmax: where a heatmap's mass lies, in pixels, differentiably."""

from vislab.ops.soft_argmax.op import path_for, soft_argmax

__all__ = ["path_for", "soft_argmax"]
