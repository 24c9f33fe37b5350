"""Assignments: one folder each, discovered by its ``assignment.toml``."""
