"""Additive soft attention: a weighted mean of values, the weights from how well keys go with a query."""

from vislab.ops.attend.op import attend, path_for

__all__ = ["attend", "path_for"]
