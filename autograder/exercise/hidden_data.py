"""Where exercises find the data files that students never get: pictures on which submitted nets are marked, say."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "VISLAB_HIDDEN_DATA"


class HiddenDataMissing(FileNotFoundError):
    """A data file of the instructor's that is not there; the text has the command that builds it."""


def data_folder(assignment: Path) -> Path:
    """Return where the data files of an assignment lie: ``data/`` beside the folder that holds the assignments.

    Args:
        assignment: ``assignments/aN_topic``.
    """
    return assignment.resolve().parent.parent / "data"


def hidden_file(name: str, inside: Path) -> Path:
    """Return an instructor's data file.

    Args:
        name: as in ``hidden_data`` of ``assignment.toml``, such as ``pose_hidden.h5``.
        inside: a path inside the assignment; an exercise module passes ``Path(__file__)``.

    Returns:
        The file in the folder that the environment variable VISLAB_HIDDEN_DATA names, if there is one; else in ``data/``.

    Raises:
        HiddenDataMissing: nothing there.

    Convention:
        The judge reads it, students' code never sees it: the sandbox shows the files named by ``data`` alone, and bundles hold no others.
    """
    assignment = next((folder for folder in inside.resolve().parents if (folder / "assignment.toml").is_file()), inside.resolve())
    named = os.environ.get(FOLDER_VARIABLE)
    path = (Path(named) if named else data_folder(assignment)) / name
    if not path.is_file():
        stem = Path(name).stem
        raise HiddenDataMissing(
            f"{path} is missing; it holds what students must not have: build it with 'python -m data_scripts {stem}', or with a seed of"
            f" your own by --seed, or name the folder where it lies in {FOLDER_VARIABLE}"
        )
    return path
