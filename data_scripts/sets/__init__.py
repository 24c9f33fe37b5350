"""One module a set, or a close group of sets; each defines ``BUILDERS`` and is found by being here.

Modules here are imported by every command, so they import what is heavy where it is used.
"""
