"""What the ops on regions of interest share (roi_align, roi_pool). No op, and knows none.

``arguments`` are the checks, ``kernels`` how a kernel finds its region, ``derivatives`` how the operators of an op are tied together.
"""
