"""A submission as a recipe: a fixture folder with ``submission.toml`` that says how it differs from a good one.

```
title = "One line about this student"
kind = "honest" | "attack" | "damaged"
late_h = 30                                  # hours after the due date; absent: one hour before it
hands_in = ["2_integral"]                    # these notebooks alone; absent: all of them

[notebooks.2_integral]
base = "solved" | "untouched" | "absent"     # absent: the student never handed it in
name = "Copy of 2_integral.ipynb"            # file name, where it is another one
raw = "not_a_notebook.txt"                   # these bytes instead of a notebook
cut = 0.6                                    # keep this share of the file's bytes
kernel = "ir"                                # a foreign kernel in the notebook's metadata
without_checks = ["pose.joint_loss"]         # check cells that the student deleted

[notebooks.2_integral.answers]               # instead of the base's answer: a file, or "stub", or "solution"
"pose.soft_argmax" = "mutants/soft_argmax/arg_max.py"

[[notebooks.2_integral.cells]]               # further cells of the student's own
file = "reader.py"
before = "pose.soft_argmax"                  # before that exercise's cell; or after = …; or at = "start" | "end"

[expect]
points = 40.0                                # total of all check cells, exactly; or at_least / at_most
notebooks = { 1_regression = "UNREADABLE" }  # status of a notebook
verdicts = { "pose.soft_argmax" = "WRONG_VALUE" }
```

Answer files are looked for in the fixture's own folder, then in the assignment's.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

KINDS = ("honest", "attack", "damaged")
BASES = ("solved", "untouched", "absent")
WRITTEN_ANSWER = "My answer, in my own words, waits for somebody to read it."
_KEYS = {"title", "kind", "late_h", "hands_in", "notebooks", "expect"}
_NOTEBOOK_KEYS = {"base", "name", "raw", "cut", "kernel", "without_checks", "answers", "cells"}
_EXPECT_KEYS = {"points", "at_least", "at_most", "notebooks", "verdicts"}


class RecipeError(ValueError):
    """A fixture folder that cannot be turned into a submission."""


@dataclass(frozen=True)
class Expectation:
    """What must come of a submission.

    Args:
        points: exact total of the check cells; None where a range is given.
        at_least, at_most: range of the total.
        notebooks: status by notebook, where it is not "GRADED".
        verdicts: by exercise.
    """

    points: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    notebooks: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """One student of a demo class."""

    student: str
    folder: Path
    title: str
    kind: str
    late_h: float
    notebooks: Mapping[str, Mapping[str, Any]]
    expect: Expectation
    hands_in: tuple[str, ...] | None = None

    def has(self, notebook: str) -> bool:
        """Return whether this student hands that notebook in, in whatever state."""
        return self.hands_in is None or notebook in self.hands_in


@dataclass(frozen=True)
class Material:
    """What recipes are made from.

    Args:
        assignment_folder: ``assignments/aN_topic``.
        release_folder: its built release.
        solutions: exercise name to the source of its solved cell.
        notebooks: stems, in order.
        due: due date, or None.
    """

    assignment_folder: Path
    release_folder: Path
    solutions: Mapping[str, str]
    notebooks: tuple[str, ...]
    due: datetime.datetime | None


def read_recipes(folder: Path) -> list[Recipe]:
    """Return the recipes in ``folder``, one a sub-folder, by name.

    Raises:
        RecipeError: an unknown key or value, or a folder without ``submission.toml``.
    """
    return [_read(path) for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(("_", "."))]


def _read(folder: Path) -> Recipe:
    path = folder / "submission.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path}: {error}") from error
    _refuse_unknown(path, table, _KEYS)
    for name, notebook in table.get("notebooks", {}).items():
        _refuse_unknown(path, notebook, _NOTEBOOK_KEYS, f"notebooks.{name}: ")
        if notebook.get("base", "solved") not in BASES:
            raise RecipeError(f"{path}: base {notebook['base']!r} of {name} must be one of {BASES}")
    hands_in = table.get("hands_in")
    if hands_in is not None and (forgotten := sorted(set(table.get("notebooks", {})) - set(hands_in))):
        raise RecipeError(f"{path}: {', '.join(forgotten)} is described but not in hands_in; name it there or leave hands_in out")
    if table.get("kind") not in KINDS:
        raise RecipeError(f"{path}: kind {table.get('kind')!r} must be one of {KINDS}")
    expect = table.get("expect", {})
    _refuse_unknown(path, expect, _EXPECT_KEYS, "expect: ")
    if not {"points", "at_least", "at_most"} & set(expect):
        raise RecipeError(f"{path}: expect needs points, at_least or at_most; a submission that nothing is expected of proves nothing")
    return Recipe(
        folder.name,
        folder,
        table["title"],
        table["kind"],
        float(table.get("late_h", -1.0)),
        table.get("notebooks", {}),
        Expectation(**expect),
        None if hands_in is None else tuple(hands_in),
    )


def _refuse_unknown(path: Path, table: Mapping[str, Any], known: set[str], where: str = "") -> None:
    if unknown := sorted(set(table) - known):
        raise RecipeError(f"{path}: {where}unknown keys {unknown}; the known ones are {sorted(known)}")


def write_submission(recipe: Recipe, material: Material, target: Path) -> None:
    """Write the files that this student hands in.

    Args:
        target: ``submitted/<student>/<assignment>``; must not exist.

    Raises:
        RecipeError: an answer file, exercise or notebook that does not exist.
    """
    if unknown := sorted({*recipe.notebooks, *(recipe.hands_in or ())} - set(material.notebooks)):
        raise RecipeError(
            f"{recipe.student}: {', '.join(unknown)} is no notebook of the assignment; it has {', '.join(material.notebooks)}"
        )
    target.mkdir(parents=True)
    for name in filter(recipe.has, material.notebooks):
        spec = recipe.notebooks.get(name, {})
        content = _content(recipe, spec, name, material)
        if content is not None:
            (target / str(spec.get("name", f"{name}.ipynb"))).write_bytes(content)
    if material.due is not None:
        handed_in = (material.due + datetime.timedelta(hours=recipe.late_h)).astimezone(datetime.UTC)
        (target / "timestamp.txt").write_text(handed_in.strftime("%Y-%m-%d %H:%M:%S.%f UTC"), encoding="ascii")


def _content(recipe: Recipe, spec: Mapping[str, Any], name: str, material: Material) -> bytes | None:
    base = spec.get("base", "solved")
    if base == "absent":
        return None
    if "raw" in spec:
        return (recipe.folder / spec["raw"]).read_bytes()
    notebook = nbformat.read(material.release_folder / f"{name}.ipynb", as_version=4)
    answers = dict(spec.get("answers", {}))
    for cell in notebook.cells:
        told = cell.metadata.get("vislab", {})
        if told.get("question") is not None and base == "solved":
            cell.source = WRITTEN_ANSWER
        written = told.get("exercise")
        if written is None:
            continue
        choice = answers.pop(written, "solution" if base == "solved" else "stub")
        if choice == "solution":
            cell.source = material.solutions[written]
        elif choice != "stub":
            cell.source = _file(recipe, material, choice)
    if answers:
        raise RecipeError(f"{recipe.folder.name}: {name} has no exercise {sorted(answers)}")
    deleted = set(spec.get("without_checks", ()))
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("vislab", {}).get("check") not in deleted]
    if "kernel" in spec:
        notebook.metadata["kernelspec"] = {"name": spec["kernel"], "display_name": spec["kernel"], "language": spec["kernel"]}
    for extra in spec.get("cells", ()):
        _insert(notebook, extra, _file(recipe, material, extra["file"]), recipe)
    content = nbformat.writes(notebook).encode("utf-8")
    return content[: int(len(content) * spec["cut"])] if "cut" in spec else content


def _file(recipe: Recipe, material: Material, name: str) -> str:
    for folder in (recipe.folder, material.assignment_folder):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise RecipeError(f"{recipe.folder.name}: {name} is neither in the fixture's folder nor in {material.assignment_folder.name}")


def _insert(notebook: NotebookNode, extra: Mapping[str, Any], source: str, recipe: Recipe) -> None:
    cell = nbformat.v4.new_code_cell(source, id=f"own-{len(notebook.cells)}")
    if extra.get("at") in ("start", "end"):
        notebook.cells.insert(0 if extra["at"] == "start" else len(notebook.cells), cell)
        return
    wanted = extra.get("before") or extra.get("after")
    for position, other in enumerate(notebook.cells):
        if other.metadata.get("vislab", {}).get("exercise") == wanted:
            notebook.cells.insert(position + ("after" in extra), cell)
            return
    raise RecipeError(
        f"{recipe.folder.name}: a cell needs before or after an exercise of its notebook, or at = 'start' | 'end', not {dict(extra)}"
    )
