"""Bilinear sampling: an image read at any positions between its pixels."""

from vislab.ops.bilinear_sample.op import bilinear_sample, path_for

__all__ = ["bilinear_sample", "path_for"]
