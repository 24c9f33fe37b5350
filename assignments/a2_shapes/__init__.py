"""Assignment 2: what is a shape? Polygons, rendering, correspondence, shape spaces, invariance."""
