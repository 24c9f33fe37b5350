"""The submission hash: what a submission's hidden cases are drawn from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from nbformat import NotebookNode

from autograder.intake.document import clean_text


def submission_hash(notebook: NotebookNode, extra_files: Mapping[str, bytes] | None = None) -> str:
    """Return the SHA-256 of one submission, hexadecimal.

    It covers the sources of the code cells of the cleaned notebook in order, and the listed extra files by name. A re-save by another
    editor changes none of it: outputs, metadata, ids, text cells, the nbformat version and line ends (``\\r\\n``, ``\\r``) do not
    count. Blanks inside a line do count, because in a string they are part of the program.

    Args:
        notebook: as cleaned by ``clean_notebook``.
        extra_files: name to content.
    """
    digest = hashlib.sha256(b"vislab submission 1\0")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _add(digest, b"cell", clean_text(cell.source).encode())
    for name in sorted(extra_files or {}):
        _add(digest, b"file", name.encode("utf-8", "surrogatepass"))
        _add(digest, b"data", (extra_files or {})[name])
    return digest.hexdigest()


def _add(digest: hashlib._Hash, kind: bytes, data: bytes) -> None:
    # the length in front keeps two cells from reading like one.
    digest.update(kind + len(data).to_bytes(8, "big"))
    digest.update(data)
