"""Exercises of assignment 1: references, oracles and cases."""
