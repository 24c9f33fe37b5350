"""Attention windows: a small picture of what lies around a centre, through a row and a column of soft windows."""

from vislab.ops.window_pool.op import WINDOWS, path_for, window_pool

__all__ = ["WINDOWS", "path_for", "window_pool"]
