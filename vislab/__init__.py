"""Helper package of the Vislab visual-AI course.

Students import from the rooms: ``vislab.check`` (checking), ``vislab.ops`` (fused sampling ops),
``vislab.data`` (data sets and device loaders), ``vislab.models`` (fixed architectures).
"""

__version__ = "0.1.0"
