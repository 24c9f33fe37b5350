"""RoI pooling: a box of a feature map as a small grid of maxima over whole pixels."""

from vislab.ops.roi_pool.op import path_for, roi_pool

__all__ = ["path_for", "roi_pool"]
