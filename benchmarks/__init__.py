"""Measurements of Vislab, as ratios taken in one run: ``python -m benchmarks``."""
