"""What can be wrong with a data file, one class each; all are ``ValueError`` or ``LookupError`` as well."""

from __future__ import annotations


class DataFileError(Exception):
    """A data file cannot be used as it is."""


class ContentInvalid(DataFileError, ValueError):
    """Values, shapes, dtypes or attributes break the layout."""


class FileDamaged(DataFileError, ValueError):
    """The file is truncated, or stored bytes do not match their checksums."""


class FileForeign(DataFileError, ValueError):
    """The file is not one of this course, nor one of the two original ones."""


class FileNewer(DataFileError, ValueError):
    """The file was written by a newer version of the layout."""


class DatasetMissing(DataFileError, LookupError):
    """A dataset or a table that was asked for, or that the layout requires, is not in the file."""

    # LookupError's own text would be quoted like a key.
    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""
