"""RoIAlign: a box of a feature map as a small grid of averaged bilinear samples, differentiable in features and box."""

from vislab.ops.roi_align.op import path_for, roi_align

__all__ = ["path_for", "roi_align"]
