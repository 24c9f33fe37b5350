"""Thin-plate spline sampling: bend an image smoothly so that control points read from where they are told to."""

from vislab.ops.tps_sample.op import path_for, tps_sample

__all__ = ["path_for", "tps_sample"]
