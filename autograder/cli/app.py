"""All commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import sys

import typer

from autograder.attack.fixture import FixtureError
from autograder.authoring.fault import AuthoringError
from autograder.cli import attack, audit, authoring, demo, doctor, grade, intake, report
from autograder.cli.terminal import EXIT_FAULTY, EXIT_USAGE, Failed, stop
from autograder.demo.recipe import RecipeError
from autograder.engine.cluster import ClusterError
from autograder.engine.course import CourseError
from autograder.engine.secret import SecretError
from autograder.engine.store import StoreError
from autograder.exercise.assignment import AssignmentError
from autograder.exercise.exercise import ExerciseError
from autograder.gradebook.run import GradebookError
from autograder.intake.limits import IntakeError
from autograder.sandbox.faults import SandboxMissing
from autograder.sandbox.limits import LimitsError

app = typer.Typer(
    name="autograder",
    help="Build, release, collect, grade and audit the course's assignments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for room in (authoring, intake, grade, report, audit, doctor, demo, attack):
    room.add_to(app)

USAGE = (
    AssignmentError,
    ClusterError,
    CourseError,
    SecretError,
    SandboxMissing,
    LimitsError,
    IntakeError,
    RecipeError,
    FixtureError,
    GradebookError,
)
FAULTY = (AuthoringError, ExerciseError)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except Failed as error:
        stop(str(error), error.code)
    except USAGE as error:
        stop(str(error), EXIT_USAGE)
    except FAULTY as error:
        stop(str(error), EXIT_FAULTY)
    except (StoreError, OSError) as error:
        stop(str(error), EXIT_FAULTY)
    except KeyboardInterrupt:
        sys.exit(130)
