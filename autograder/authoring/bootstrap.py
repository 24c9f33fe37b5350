"""The cells that the builder puts in front of a lesson: the badge, and the code that makes a notebook ready to run."""

from __future__ import annotations

from autograder.authoring.course import Course

_BADGE = "https://colab.research.google.com/assets/colab-badge.svg"

# On Colab the folder outlives a restart of the runtime, the working directory does not. The bundle is unpacked beside its place and
# then moved there in one step, so that an interrupted download is repeated.
_CODE = """\
# Run this cell first. It makes sure that the course's helper package is there; on Colab it fetches the assignment, too.
import importlib.util, os, subprocess, sys, urllib.request, zipfile
from pathlib import Path
if "google.colab" in sys.modules:
    folder, unpacked = Path("/content/{assignment}"), Path("/content/.unpacked")
    if not folder.is_dir():
        try:
            bundle, _ = urllib.request.urlretrieve("{bundle}")
        except OSError as error:
            raise ConnectionError(f"{bundle} could not be fetched ({{error}}); wait a minute and run this cell again") from None
        zipfile.ZipFile(bundle).extractall(unpacked)
        (unpacked / folder.name).rename(folder)
    os.chdir(folder)
    if importlib.util.find_spec("vislab") is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *map(str, folder.glob("vislab-*.whl"))], check=True)
        importlib.invalidate_caches()
elif importlib.util.find_spec("vislab") is None:
    wheel = next(Path().glob("vislab-*.whl"), "vislab-*.whl")
    raise ModuleNotFoundError(f"the helper package is not installed here. Its wheel came with this notebook: run\\n\\n"
                              f"    %pip install ./{{wheel}}\\n\\nin a new cell, restart the kernel, and run this cell again.")
"""


def badge(course: Course, assignment: str, notebook: str) -> str:
    """Return the markdown of a notebook's first cell: how to open it elsewhere."""
    download = f"[Download the whole assignment]({course.bundle_link(assignment)})"
    colab = course.colab_link(assignment, notebook)
    return f"[![Open in Colab]({_BADGE})]({colab}) · {download}" if colab else download


def bootstrap(course: Course, assignment: str) -> str:
    """Return the code of the bootstrap cell.

    It prints nothing when all is well, reaches for the network on Colab alone, and may be run again at any time.
    """
    return _CODE.format(assignment=assignment, bundle=course.bundle_link(assignment)).rstrip("\n")
