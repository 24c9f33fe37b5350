"""All commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from autograder.cli.terminal import EXIT_FAULTY, EXIT_USAGE, Failed, stop

# command to its module in this folder, in the order of the help: whoever types one does not wait for the libraries of the others.
COMMANDS = {
    "build": "authoring",
    "bundle": "authoring",
    "figures": "authoring",
    "intake": "intake",
    "grade": "grade",
    "report": "report",
    "audit": "audit",
    "doctor": "doctor",
    "demo": "demo",
    "attack": "attack",
}
# by name, since only a module that is loaded can have raised one.
USAGE = {
    "autograder.attack.fixture.FixtureError",
    "autograder.demo.recipe.RecipeError",
    "autograder.engine.cluster.ClusterError",
    "autograder.engine.course.CourseError",
    "autograder.engine.secret.SecretError",
    "autograder.exercise.assignment.AssignmentError",
    "autograder.gradebook.run.GradebookError",
    "autograder.intake.limits.IntakeError",
    "autograder.sandbox.faults.SandboxMissing",
    "autograder.sandbox.limits.LimitsError",
}
FAULTY = {
    "autograder.authoring.fault.AuthoringError",
    "autograder.engine.store.StoreError",
    "autograder.exercise.exercise.ExerciseError",
    "builtins.OSError",
}


def app_for(words: Sequence[str] = ()) -> typer.Typer:
    """Return the program: with all commands, or with what the module of the command has that ``words`` begin with."""
    app = typer.Typer(
        name="autograder",
        help="Build, release, collect, grade and audit the course's assignments.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # without a callback Typer would take a single command for the whole program.
    app.callback()(_program)
    asked = COMMANDS.get(words[0]) if words else None
    for room in [asked] if asked else dict.fromkeys(COMMANDS.values()):
        import_module(f"autograder.cli.{room}").add_to(app)
    return app


def _program() -> None:
    """Stand for what is done before every command: nothing."""


def main() -> None:
    """Run the command line."""
    try:
        app_for(sys.argv[1:])()
    except Failed as error:
        stop(str(error), error.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
        if not kinds & (USAGE | FAULTY):
            raise
        stop(str(error), EXIT_USAGE if kinds & USAGE else EXIT_FAULTY)
