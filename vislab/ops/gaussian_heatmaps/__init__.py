"""Gaussian heatmaps: one blob a joint, rendered from pixel positions, differentiably."""

from vislab.ops.gaussian_heatmaps.op import gaussian_heatmaps, path_for

__all__ = ["gaussian_heatmaps", "path_for"]
