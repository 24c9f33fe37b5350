"""The same attacks against nbgrader as it comes: its own tests with hidden parts, its own execution, no walls.

What plain nbgrader grades runs on this machine as whoever types the command. So only fixtures that say so themselves (``nbgrader`` in their
``expect.toml``) are tried: harmless ones that aim at a mark and at nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry

from autograder.attack.fixture import Fixture, FixtureError, wrong_control
from autograder.attack.submission import Writer
from autograder.attack.world import World
from autograder.demo.classroom import Stage

TIMEOUT_S = 300
TOLERANCE = 1e-6


@dataclass(frozen=True)
class PlainOutcome:
    """What plain nbgrader gave one fixture.

    Args:
        fixture: what was handed in.
        points: of the exercises that the fixture attacks.
        gained: more points than none, which is what the wrong answer must have.
        failed: nbgrader could not grade it: no points, and no verdict either.
    """

    fixture: Fixture
    points: float
    gained: bool
    failed: bool

    @property
    def as_recorded(self) -> bool:
        return (self.fixture.nbgrader == "gained") == self.gained

    def as_json(self) -> dict[str, Any]:
        return {
            "fixture": self.fixture.name,
            "points": self.points,
            "gained": self.gained,
            "failed": self.failed,
            "recorded": self.fixture.nbgrader,
            "as_recorded": self.as_recorded,
        }


def run_plain(fixtures: Sequence[Fixture], range_folder: Path, place: Path, stage: Stage) -> list[PlainOutcome]:
    """Grade fixtures by plain nbgrader.

    Args:
        fixtures: those without a recorded outcome are left out.
        range_folder: its assignment's ``plain/<exercise>.py`` are the tests that an instructor would write.
        place: empty folder for the throwaway course.
        stage: see ``run_suite``.

    Raises:
        FixtureError: no fixture is left, or the wrong control itself gains: then nothing would be measured.
    """
    chosen = [fixture for fixture in fixtures if fixture.nbgrader is not None]
    if not chosen:
        raise FixtureError("none of these fixtures says what plain nbgrader gives it; only those that do are run without walls")
    stage("lay out the range", None)
    with World(range_folder, place) as world:
        root = place / "plain"
        controls = [wrong_control(name) for name in sorted({fixture.notebook for fixture in chosen})]
        names = _lay_out(world, root)
        writer = Writer(world, root)
        for fixture in [*controls, *chosen]:
            writer.write(fixture)
        step = stage("plain nbgrader", len(chosen) + len(controls))
        for control in controls:
            outcome = _grade(control, world, root, names, sorted(names[control.notebook].values()))
            if outcome.gained:
                raise FixtureError(
                    f"the wrong control of {control.notebook} has {outcome.points:g} points of plain nbgrader; mend plain/*.py"
                )
            step(control.name)
        found = []
        for fixture in chosen:
            attacked = [names[fixture.notebook][exercise] for exercise in fixture.verdicts]
            found.append(_grade(fixture, world, root, names, attacked))
            step(fixture.name)
    return found


def _lay_out(world: World, root: Path) -> dict[str, dict[str, str]]:
    """Write source and release with plain tests; returns notebook to exercise to the grade id of its test."""
    source = root / "source" / world.assignment
    source.mkdir(parents=True)
    names: dict[str, dict[str, str]] = {}
    for path in sorted((world.root / "source" / world.assignment).glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        names[path.stem] = {}
        for cell in notebook.cells:
            exercise = cell.metadata.get("vislab", {}).get("check")
            if exercise is None:
                continue
            test = world.place / "assignments" / world.assignment / "plain" / f"{exercise.split('.')[1]}.py"
            if not test.is_file():
                continue
            cell.source = test.read_text(encoding="utf-8")
            del cell.metadata["vislab"]
            names[path.stem][exercise] = cell.metadata["nbgrader"]["grade_id"]
        nbformat.write(notebook, source / path.name)
    done = _nbgrader(["generate_assignment", world.assignment, "--force"], world, root)
    if done.returncode != 0:
        raise FixtureError(f"plain nbgrader refused the range: {done.stderr.strip().splitlines()[-1:]}")
    return names


def _nbgrader(arguments: Sequence[str], world: World, root: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TRITON_INTERPRET") if name in os.environ}
    # a home without configuration: neither this project's nor the user's.
    environment |= {"HOME": str(world.place / "home")}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, start_new_session=True, check=False
    )


def _grade(fixture: Fixture, world: World, root: Path, names: Mapping[str, Mapping[str, str]], attacked: Sequence[str]) -> PlainOutcome:
    try:
        done = _nbgrader(["autograde", world.assignment, "--student", fixture.student, "--create", "--force"], world, root)
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed = True
    points = 0.0
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "course_id") as book:
        try:
            submission = book.find_submission_notebook(fixture.notebook, world.assignment, fixture.student)
            points = sum(grade.score or 0.0 for grade in submission.grades if grade.name in attacked)
        except MissingEntry:
            failed = True
    return PlainOutcome(fixture, points, points > TOLERANCE, failed)
