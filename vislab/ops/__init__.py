"""Sampling ops for differentiable vision, each a folder of the same four modules.

``vislab.ops.<op>`` is the face (``from vislab.ops.soft_argmax import soft_argmax``), ``op`` the checked public entry, ``naive`` the plain
reference, ``fused`` the Triton kernels. ``vislab.ops.path`` says which formulation a tensor takes.
The modules beside the ops, and the folders without an ``op`` (``sampling``, ``regions``), hold what several of them share; one op never
imports another.
"""
