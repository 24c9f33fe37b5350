"""What can be wrong with the files that are converted."""

from __future__ import annotations

from vislab.data.layout.faults import DataFileError


class SourceInvalid(DataFileError, ValueError):
    """A file to be converted is truncated, of another kind, or contradicts itself."""


class PictureInvalid(SourceInvalid):
    """One picture, or what an annotation says of it, cannot be used; it may be left out."""
