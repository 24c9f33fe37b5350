"""Find a set's file by name."""

from __future__ import annotations

import os
from pathlib import Path

from vislab.data.layout.converted import CONVERTED
from vislab.data.layout.registry import SCHEMAS

FOLDER_VARIABLE = "VISLAB_DATA"
_SUFFIXES = (".h5", ".hdf5")


def find_file(path_or_name: str | os.PathLike[str]) -> Path:
    """Resolve a path, or the name of a set.

    A name is looked for as ``NAME.h5`` in the folder that the environment variable VISLAB_DATA names, in the working folder, in its folder
    ``data``, and in the folder ``data`` of every folder above.

    Raises:
        FileNotFoundError: nothing there; the text lists the places.
    """
    path = Path(path_or_name)
    if path.is_file():
        # absolute, since the file is opened again for every reading.
        return path.absolute()
    if isinstance(path_or_name, str) and path_or_name in SCHEMAS:
        folders = search_folders()
        for folder in folders:
            for suffix in _SUFFIXES:
                if (folder / (path_or_name + suffix)).is_file():
                    return folder / (path_or_name + suffix)
        places = ", ".join(str(folder) for folder in folders)
        own = path_or_name in {schema.name for schema in CONVERTED}
        remedy = "convert files of your own with `python -m data_scripts convert`" if own else "build it with `make data`"
        missing = f"the set {path_or_name!r} was not found as {path_or_name}.h5 in {places}"
        raise FileNotFoundError(f"{missing}; {remedy}, or set {FOLDER_VARIABLE}")
    raise FileNotFoundError(f"{path} is neither a file nor one of the sets {', '.join(SCHEMAS)}; build the sets with `make data`")


def search_folders() -> list[Path]:
    """Where sets are looked for, in order."""
    here = Path.cwd()
    named = os.environ.get(FOLDER_VARIABLE)
    folders = [*([Path(named)] if named else []), here, *(folder / "data" for folder in (here, *here.parents))]
    return list(dict.fromkeys(folders))
