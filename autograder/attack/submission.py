"""Write what a fixture hands in."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.attack.fixture import Fixture, FixtureError
from autograder.attack.world import World
from autograder.authoring.rules import read_lessons
from autograder.demo.recipe import Material, write_submission
from autograder.exercise.assignment import load_assignment


class Writer:
    """Writes submissions into a course's ``submitted/``.

    Args:
        world: entered.
        root: of a course that is not the world's own, with a release of the same notebooks.
    """

    def __init__(self, world: World, root: Path | None = None) -> None:
        self._world = world
        self._root = root or world.root
        assignment = load_assignment(world.place / "assignments" / world.assignment)
        lessons = read_lessons(assignment)
        solutions = {name: lesson.solution_source(name) for lesson in lessons for name in lesson.exercises}
        self._material = Material(
            assignment.folder, self._root / "release" / world.assignment, solutions, assignment.notebooks, assignment.due
        )
        self._wrong: Mapping[str, Mapping[str, str]] = {
            lesson.name: {name: f"wrong/{assignment.exercises[name].file_stem}.py" for name in lesson.exercises} for lesson in lessons
        }

    def write(self, fixture: Fixture) -> Path:
        """Write one submission and return its folder.

        Raises:
            FixtureError: a notebook that the range does not have, or a file without the function that it must define.
        """
        if fixture.notebook not in self._wrong:
            raise FixtureError(f"{fixture.folder}: notebook {fixture.notebook!r} must be one of {sorted(self._wrong)}")
        folder = self._root / "submitted" / fixture.student / self._world.assignment
        write_submission(fixture.recipe(self._material.notebooks, self._wrong[fixture.notebook]), self._material, folder)
        if "files" in fixture.submission:
            shutil.copytree(fixture.folder / str(fixture.submission["files"]), folder, dirs_exist_ok=True)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                path.write_bytes(self._world.filled_in(path.read_bytes()))
        if "change" in fixture.submission:
            change = _function(fixture.folder / str(fixture.submission["change"]), "change", "notebook, find")
            path = folder / f"{fixture.notebook}.ipynb"
            notebook = json.loads(path.read_text(encoding="utf-8"))
            change(notebook, lambda role, exercise: _cell(notebook, role, exercise))
            path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1), encoding="utf-8")
        if "make" in fixture.submission:
            make = _function(fixture.folder / str(fixture.submission["make"]), "make", "folder, world")
            make(folder, self._world)
        return folder


def _cell(notebook: Mapping[str, Any], role: str, exercise: str) -> dict[str, Any]:
    """Return the cell that the range marks as an exercise's "exercise" or "check"."""
    return next(cell for cell in notebook["cells"] if cell["metadata"].get("vislab", {}).get(role) == exercise)


def _function(path: Path, name: str, arguments: str) -> Callable[..., None]:
    # a fixture is the author's own code: it builds what a recipe has no word for, such as links and damaged files.
    spec = importlib.util.spec_from_file_location(f"_vislab_fixture.{path.parent.name.replace('-', '_')}", path)
    if spec is None or spec.loader is None:
        raise FixtureError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if function is None:
        raise FixtureError(f"{path} must define {name}({arguments})")
    return function
