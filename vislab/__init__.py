"""Helper package of the Vislab visual-AI course.

Students import from the rooms: ``vislab.check`` (checking), ``vislab.geometry`` (pixel and normalised coordinates),
``vislab.ops`` (fused sampling ops), ``vislab.data`` (data sets and loaders), ``vislab.show`` (pictures), ``vislab.train`` (a fit loop).
"""

__version__ = "0.1.0"
