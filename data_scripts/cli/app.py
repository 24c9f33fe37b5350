"""All commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import sys

import typer

from data_scripts.builder import BuildError
from data_scripts.cli import convert, lesson, make, pictures, verify
from data_scripts.cli.terminal import EXIT_FAULTY, EXIT_USAGE, stop
from vislab.data.layout.faults import DataFileError

app = typer.Typer(
    name="data_scripts",
    help="Build, draw and verify the course's data sets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for room in (make, verify, pictures, lesson, convert):
    room.add_to(app)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except BuildError as error:
        stop(str(error), EXIT_USAGE)
    except (DataFileError, OSError) as error:
        stop(str(error), EXIT_FAULTY)
    except KeyboardInterrupt:
        sys.exit(130)
