"""Assignment 1: where is the joint? Coordinates, direct regression, integral regression and its kernel."""
