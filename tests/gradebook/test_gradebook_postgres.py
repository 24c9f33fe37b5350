"""The gradebook in PostgreSQL, by nbgrader's ``db_url``: the same marks as in SQLite, against a server that the test starts."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_grader import prepare
from nbgrader.api import Gradebook
from tiny_course import ASSIGNMENT, TinyCourse

from autograder.gradebook.marks import Entry, read_entries
from autograder.gradebook.run import export_csv, generate_assignment, generate_feedback
from tests.conftest import postgres_program

pytestmark = pytest.mark.needs_postgres
WAIT_S = 120


class Server:
    """A PostgreSQL server in a folder of its own, reached by a Unix socket alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # it refuses to run as root.
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, self._user, -1)
        data = str(folder / "data")
        self._run("initdb", "--pgdata", data, "--username", "grader", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
        self._control = ("pg_ctl", "--pgdata", data, "--wait", "--timeout", str(WAIT_S), "--log", str(folder / "log"))
        self._run(*self._control, "--options", f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off", "start")
        self._run("createdb", "--host", str(folder), "--username", "grader", "gradebook")

    @property
    def url(self) -> str:
        return f"postgresql://grader@/gradebook?host={self._folder}"

    def close(self) -> None:
        self._run(*self._control, "--mode", "immediate", "stop")

    def _run(self, program: str, *words: str) -> None:
        command = [str(postgres_program(program)), *words]
        done = subprocess.run(
            command, user=self._user, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * WAIT_S
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # a short path: a Unix socket's may hold 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="vpg-"))
    made = Server(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


def graded(course: TinyCourse, db_url: str) -> dict[str, Entry]:
    """Grade two students, change a mark by hand, grade again."""
    for student, right in (("ann", [4, 4]), ("ben", [1, 4])):
        course.hand_in(student, "2027-02-06 20:00:00 UTC" if student == "ann" else None, answer="Because.")
        prepare(course.root, student, "one", right={"pose.first": right, "pose.extra": [2, 2]})
        prepare(course.root, student, "two", right={"pose.second": [1, 1]})
    assert course.autograde().done == ("ann", "ben")
    with Gradebook(db_url, "vislab") as gradebook:
        gradebook.find_grade("check-pose-first", "one", ASSIGNMENT, "ben").manual_score = 4.5
        gradebook.find_grade("question-pose-why", "one", ASSIGNMENT, "ann").manual_score = 3
        gradebook.db.commit()
    assert course.autograde().done == ("ann", "ben")
    assert generate_feedback(course.root, ASSIGNMENT).done == ("ann", "ben")
    return dict(read_entries(course.root, ASSIGNMENT))


def test_the_marks_are_those_of_sqlite(course: TinyCourse, server: Server, tmp_path: Path) -> None:
    shutil.copytree(course.root, tmp_path / "other")
    other = TinyCourse(tmp_path / "other")
    config = other.root / "nbgrader_config.py"
    config.write_text(config.read_text() + f"c.CourseDirectory.db_url = {server.url!r}\n")
    other.gradebook_path.unlink()
    generate_assignment(other.root, ASSIGNMENT)
    by_server, by_file = graded(other, server.url), graded(course, f"sqlite:///{course.gradebook_path}")
    assert by_server == by_file and not other.gradebook_path.exists()
    assert by_server["ben"].changed[0].points == 4.5 and by_server["ann"].penalty > 0
    rows = [export_csv(each.root, each.root / "grades.csv").read_text() for each in (other, course)]
    assert rows[0] == rows[1] and "ben" in rows[0]
