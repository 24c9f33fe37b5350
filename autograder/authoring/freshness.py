"""Whether ``source/`` and ``release/`` are what a build of the lessons would write."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from autograder.authoring.build import build_release, build_source
from autograder.authoring.course import Course
from autograder.authoring.folder import files_below
from autograder.authoring.notebook import UNCOMPARED_TAG
from autograder.authoring.record import FILE_NAME, compare_cases
from autograder.exercise.assignment import Assignment

# rounding errors, and with them the tolerances, differ between processors by small factors.
TOLERANCE_SLACK = 8.0
UNCOMPARED_SHARE_MAX = 0.15


def check_built(assignment: Assignment, course: Course, root: Path) -> list[str]:
    """Build an assignment again, without running it, and compare with what lies under ``root``.

    Everything is compared byte for byte, with two exceptions: outputs and execution counts of the source, and the last digits in the
    file of public cases, which depend on the processor.

    Returns:
        One line per difference, with its remedy where it is not simply to build again; empty when all is fresh.
    """
    with tempfile.TemporaryDirectory(prefix="vislab-check-") as scratch:
        again = Path(scratch)
        source, release = root / "source" / assignment.name, root / "release" / assignment.name
        build_source(assignment, course, again, run=False)
        differences = _compare(source, again / "source" / assignment.name, "source")
        committed, rebuilt = source / FILE_NAME, again / "source" / assignment.name / FILE_NAME
        if committed.is_file() and not compare_cases(committed, rebuilt, slack=TOLERANCE_SLACK):
            # equal but for rounding: the release holds the committed file, too.
            rebuilt.write_bytes(committed.read_bytes())
        build_release(assignment, course, again)
        differences += _compare(release, again / "release" / assignment.name, "release")
    for path in sorted(source.glob("*.ipynb")):
        differences += _faults_of_outputs(path)
    return differences


def _compare(old: Path, new: Path, step: str) -> list[str]:
    before, after = files_below(old), files_below(new)
    found = [f"{step}/{new.name}/{name} is missing" for name in after.keys() - before.keys()]
    found += [f"{step}/{new.name}/{name} belongs to no lesson; remove it" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        if step == "source" and name == FILE_NAME:
            lines = compare_cases(before[name], after[name], slack=TOLERANCE_SLACK)
            found += [f"{step}/{new.name}/{name}: {line}" for line in lines]
        elif _comparable(before[name], step) != _comparable(after[name], step):
            found.append(f"{step}/{new.name}/{name} is not what its lesson gives")
    return sorted(found)


def _comparable(path: Path, step: str) -> bytes:
    data = path.read_bytes()
    if step != "source" or path.suffix != ".ipynb":
        return data
    notebook = _parsed(data)
    if notebook is None:
        return data
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True).encode()


def _faults_of_outputs(path: Path) -> list[str]:
    notebook = _parsed(path.read_bytes())
    if notebook is None:
        return [f"{path.name} is no notebook"]
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = []
    if any(cell["execution_count"] is None for cell in code if "".join(cell["source"]).strip()):
        found.append(f"{path.name} has cells that were never run; build it with its outputs")
    exempt = [cell for cell in code if UNCOMPARED_TAG in cell["metadata"].get("tags", [])]
    if len(exempt) > UNCOMPARED_SHARE_MAX * len(code):
        share = f"{len(exempt)} of {len(code)} code cells are exempt from comparison, more than {UNCOMPARED_SHARE_MAX:.0%}"
        found.append(f"{path.name}: {share}; let them print less")
    return found


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        notebook = json.loads(data)
    except ValueError:
        return None
    return notebook if isinstance(notebook, dict) and "cells" in notebook else None
