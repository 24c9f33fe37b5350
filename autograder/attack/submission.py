"""Write what a fixture hands in."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path

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
            FixtureError: a notebook that the range does not have, or a ``make.py`` without ``make``.
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
        if "make" in fixture.submission:
            _make(fixture.folder / str(fixture.submission["make"]), folder, self._world)
        return folder


def _make(path: Path, folder: Path, world: World) -> None:
    # a fixture is the author's own code: it builds what a recipe has no word for, such as links and damaged files.
    spec = importlib.util.spec_from_file_location(f"_vislab_fixture.{path.parent.name.replace('-', '_')}", path)
    if spec is None or spec.loader is None:
        raise FixtureError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make = getattr(module, "make", None)
    if make is None:
        raise FixtureError(f"{path} must define make(folder, world)")
    make(folder, world)
