"""The HDF5 layout of the course's sets: schemas, writer, verification. All that a builder needs is here.

``SCHEMAS`` lists the sets and their datasets, ``DatasetWriter`` writes a file, ``verify_file`` checks one; ``Source`` says where
content comes from, ``standardise`` brings polygons to the stored convention, ``Field`` declares a dataset beyond the registered ones.
"""

from vislab.data.layout.conventions import CONVENTIONS, destandardise, signed_area, standardise
from vislab.data.layout.faults import ContentInvalid, DataFileError, DatasetMissing, FileDamaged, FileForeign, FileNewer
from vislab.data.layout.field import Field
from vislab.data.layout.opening import opened, schema_of
from vislab.data.layout.provenance import Source
from vislab.data.layout.registry import DISTORTIONS, SCHEMAS
from vislab.data.layout.schema import SCHEMA_VERSION, SPLITS, Attribute, Schema, Table
from vislab.data.layout.verification import Report, content_hash, inspect_file, verify_file
from vislab.data.layout.writer import DatasetWriter

__all__ = [
    "CONVENTIONS",
    "DISTORTIONS",
    "SCHEMAS",
    "SCHEMA_VERSION",
    "SPLITS",
    "Attribute",
    "ContentInvalid",
    "DataFileError",
    "DatasetMissing",
    "DatasetWriter",
    "Field",
    "FileDamaged",
    "FileForeign",
    "FileNewer",
    "Report",
    "Schema",
    "Source",
    "Table",
    "content_hash",
    "destandardise",
    "inspect_file",
    "opened",
    "schema_of",
    "signed_area",
    "standardise",
    "verify_file",
]
