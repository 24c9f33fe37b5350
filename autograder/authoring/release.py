"""nbgrader's own ``generate_assignment``, run on one folder against a database that is thrown away."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.authoring.fault import AuthoringError


class _Collected(logging.Handler):
    """Keeps nbgrader's complaints: its exceptions only say that there were some."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage().strip())


def generate(source: Path, release: Path, course_id: str) -> None:
    """Turn a folder of instructor's notebooks into the folder that students get.

    Args:
        source: notebooks with solutions, and the files that go along.
        release: empty folder that receives the result.
        course_id: nbgrader's course id.

    Raises:
        AuthoringError: nbgrader refused a notebook; carries what it said.
    """
    name = "assignment"
    log = logging.Logger("vislab.release")
    collected = _Collected()
    log.addHandler(collected)
    with tempfile.TemporaryDirectory(prefix="vislab-release-") as scratch:
        shutil.copytree(source, Path(scratch) / "source" / name)
        # a configuration of its own: neither the course's nor the user's may change what students get.
        config = Config()
        config.CourseDirectory.root = scratch
        config.CourseDirectory.db_url = f"sqlite:///{_database(Path(scratch))}"
        config.CourseDirectory.course_id = course_id
        config.CourseDirectory.assignment_id = name
        try:
            GenerateAssignment(coursedir=CourseDirectory(config=config, log=log), config=config, log=log).start()
        except NbGraderException as error:
            raise AuthoringError(f"nbgrader refused {source}: {'; '.join(collected.texts) or error}") from error
        shutil.copytree(Path(scratch) / "release" / name, release, dirs_exist_ok=True)


def _database(scratch: Path) -> Path:
    # nbgrader starts the "alembic" it finds on the search path, if any, to note a version in an empty database. This one is used once,
    # so that a table that is there already saves the start, and a search path without the virtual environment does no harm.
    path = scratch / "gradebook.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.commit()
    return path
