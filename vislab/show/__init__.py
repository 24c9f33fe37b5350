"""The pictures of the course's notebooks, in one style that colour-blind readers can use.

Every function returns the matplotlib Axes or Figure that it drew, draws into a given one where asked, and leaves ``plt.show()`` and the
notebook's own settings alone.
"""

from vislab.show.curves import loss_curves
from vislab.show.errors import error_picture
from vislab.show.grids import batch_grid, latent_walk, panels
from vislab.show.heatmaps import attention, heatmap
from vislab.show.pixels import image
from vislab.show.polygons import polygon
from vislab.show.skeletons import bones_of, skeleton

__all__ = [
    "attention",
    "batch_grid",
    "bones_of",
    "error_picture",
    "heatmap",
    "image",
    "latent_walk",
    "loss_curves",
    "panels",
    "polygon",
    "skeleton",
]
