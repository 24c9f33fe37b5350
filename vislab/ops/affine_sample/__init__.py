"""Affine sampling: an image seen through an affine map, the core of a spatial transformer."""

from vislab.ops.affine_sample.op import affine_sample, path_for

__all__ = ["affine_sample", "path_for"]
