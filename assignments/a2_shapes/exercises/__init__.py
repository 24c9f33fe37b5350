"""Exercises of assignment 2: references, oracles and cases."""
